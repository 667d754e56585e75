"""Row-by-row backtest of an SMA 20/50 cross in pandas, as in many first attempts."""

import json
import statistics
import sys
import time

import numpy as np
import pandas as pd

FAST, SLOW, CASH, FEE = 20, 50, 1e8, 0.0005


def backtest(bars: pd.DataFrame) -> tuple[float, int]:
    """Return total return and round trips; signals at the close fill at the next open."""
    df = bars.copy()
    df["fast"] = df["close"].rolling(FAST).mean()
    df["slow"] = df["close"].rolling(SLOW).mean()
    df["above"] = df["fast"] > df["slow"]
    known = df["slow"].notna().shift(fill_value=False)
    before = df["above"].shift(fill_value=False)
    df["buy"] = (known & df["above"] & ~before).shift(fill_value=False)
    df["sell"] = (known & ~df["above"] & before).shift(fill_value=False)
    cash, shares, trades, equity = CASH, 0.0, 0, []
    for _, row in df.iterrows():
        if row["buy"] and shares == 0:
            shares = cash / (row["open"] * (1 + FEE))
            cash = 0.0
        elif row["sell"] and shares > 0:
            cash = shares * row["open"] * (1 - FEE)
            shares = 0.0
            trades += 1
        equity.append(cash + shares * row["close"])
    df["equity"] = equity
    return df["equity"].iloc[-1] / CASH - 1, trades + (shares > 0)


data = pd.read_csv(sys.argv[1], index_col=0, parse_dates=True).rename(columns=str.lower)
total, count = backtest(data)
seconds, start = [], time.perf_counter()
while time.perf_counter() - start < 2:
    began = time.perf_counter()
    backtest(data)
    seconds.append(time.perf_counter() - began)
versions = {"numpy": np.__version__, "pandas": pd.__version__}
print(json.dumps({"peer": "loop", "versions": versions,
                  "seconds_each": statistics.median(seconds), "repeats": len(seconds),
                  "check": {"total_return": float(total), "trades": int(count)}}))  # fmt: skip
