"""vectorbt: one SMA 20/50 cross, or 1,000 pairs of lengths at once with the argument `grid`."""

import json
import statistics
import sys
import time

import numba
import numpy as np
import pandas as pd
import vectorbt as vbt

FEE = 0.0005
PAIRS = [(fast, slow) for fast in range(5, 45) for slow in range(50, 175, 5)]


def backtest(bars: pd.DataFrame, pairs: list[tuple[int, int]]) -> tuple:
    """Return total return, Sharpe ratio, drawdown and round trips of each pair of lengths."""
    fast, slow = (list(lengths) for lengths in zip(*pairs, strict=True))
    quick = vbt.MA.run(bars["close"], fast, run_unique=True, short_name="fast")
    slow_ma = vbt.MA.run(bars["close"], slow, run_unique=True, short_name="slow")
    portfolio = vbt.Portfolio.from_signals(
        bars["close"],
        quick.ma_crossed_above(slow_ma).vbt.signals.fshift(1),
        quick.ma_crossed_below(slow_ma).vbt.signals.fshift(1),
        price=bars["open"], fees=FEE, init_cash=1e8, freq="1D",
    )  # fmt: skip
    return (portfolio.total_return(), portfolio.sharpe_ratio(), portfolio.max_drawdown(),
            portfolio.trades.count())  # fmt: skip


vbt.settings.returns["year_freq"] = "252 days"
data = pd.read_csv(sys.argv[1], index_col=0, parse_dates=True).rename(columns=str.lower)
wanted = PAIRS if "grid" in sys.argv else [(20, 50)]
found = backtest(data, wanted)
seconds, start = [], time.perf_counter()
while time.perf_counter() - start < 2 or len(seconds) < 3:
    began = time.perf_counter()
    backtest(data, wanted)
    seconds.append((time.perf_counter() - began) / len(wanted))
at = wanted.index((20, 50))
names = "total_return", "sharpe_ratio", "max_drawdown", "trades"
check = {name: float(np.ravel(each)[at]) for name, each in zip(names, found, strict=True)}
versions = {each.__name__: each.__version__ for each in (vbt, numba, np, pd)}
print(json.dumps({"peer": "vectorbt", "columns": len(wanted), "versions": versions,
                  "seconds_each": statistics.median(seconds), "repeats": len(seconds),
                  "check": check}))  # fmt: skip
