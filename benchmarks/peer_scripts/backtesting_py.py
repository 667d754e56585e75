"""backtesting.py: an SMA 20/50 cross, long or flat, filled at the next open."""

import json
import statistics
import sys
import time
import warnings

import backtesting
import pandas as pd
from backtesting import Backtest, Strategy
from backtesting.lib import crossover

FAST, SLOW, CASH, FEE = 20, 50, 1e8, 0.0005


def sma(values, length: int) -> pd.Series:
    """Return a simple moving average."""
    return pd.Series(values).rolling(length).mean()


class Cross(Strategy):
    """Strategy that is long after the fast average crosses above the slow one, else flat."""

    def init(self) -> None:
        """Compute both averages once."""
        self.fast = self.I(sma, self.data.Close, FAST)
        self.slow = self.I(sma, self.data.Close, SLOW)

    def next(self) -> None:
        """Trade at the next open."""
        if crossover(self.fast, self.slow):
            self.buy()
        elif crossover(self.slow, self.fast):
            self.position.close()


def backtest(bars: pd.DataFrame) -> pd.Series:
    """Return the statistics of a backtest."""
    return Backtest(bars, Cross, cash=CASH, commission=FEE, trade_on_close=False,
                    finalize_trades=True).run()  # fmt: skip


data = pd.read_csv(sys.argv[1], index_col=0, parse_dates=True).rename(columns=str.capitalize)
warnings.simplefilter("ignore")  # it calls functions that pandas 3 deprecates
stats = backtest(data)
seconds, start = [], time.perf_counter()
while time.perf_counter() - start < 2:
    began = time.perf_counter()
    backtest(data)
    seconds.append(time.perf_counter() - began)
versions = {"backtesting": backtesting.__version__, "pandas": pd.__version__}
print(json.dumps({"peer": "backtesting", "versions": versions,
                  "seconds_each": statistics.median(seconds), "repeats": len(seconds),
                  "check": {"total_return": stats["Return [%]"] / 100,
                            "trades": int(stats["# Trades"])}}))  # fmt: skip
