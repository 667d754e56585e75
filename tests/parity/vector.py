"""Adapter of vectorbt: it trades the signals of strategies as columns.

For `next_open`, a bar of a single price is added after the last, as vectorbt allows one order per
bar: it closes there a position opened at the last open.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from dsl.bars import Bars
from evolve.backtest.market import FillMode
from tests.parity.replay import Outcome, Series, SignalArrays, Terms

CAPITAL = 1e6


def run_engine(
    signals: Sequence[SignalArrays],
    bars: Bars,
    fill: FillMode,
    terms: Terms,
    stops_slip: bool = True,
    stop: str = "stop",
) -> list[Outcome]:
    """Trade signals and return the outcome of each strategy.

    Args:
        signals: signals of each strategy; time exits are not supported.
        bars: bars of one symbol.
        fill: price and bar of the fills.
        terms: costs.
        stops_slip: whether stops and targets pay slippage; in vectorbt both do, or neither.
        stop: `stop` or `trail`; vectorbt supports one of them at a time.
    """
    import vectorbt

    count, extra = len(bars), int(fill == "next_open")
    late, length = int(fill != "close"), count + extra
    prices = {
        name: np.append(getattr(bars, name)[0], [bars.close[0, -1]] * extra)
        for name in ("open", "high", "low", "close")
    }
    fills_at = prices["open" if fill == "next_open" else "close"]

    def column(rows: Sequence[Any], rest: Any) -> pd.DataFrame:
        table = np.full((length, len(signals)), rest)
        for index, row in enumerate(rows):
            table[late:count, index] = row[: count - late]
        return pd.DataFrame(table)

    def orders(name: str) -> pd.DataFrame:
        table = column([getattr(each, name) for each in signals], False)
        table.iloc[count - 1 + extra :] = name.startswith("leaves")
        if fill == "next_close":
            table.iloc[count - 1] = name.startswith("leaves")
        return table

    def distance(name: str) -> pd.DataFrame:
        filled = np.append(fills_at, np.nan)[late : late + count]
        rows = [
            np.where(np.isinf(row := getattr(each, name)), np.nan, row)
            / (1.0 if name in each.ratios else filled)
            for each in signals
        ]
        return column(rows, np.nan)

    sizes = column([each.size for each in signals], 1.0)
    is_part = bool((sizes != 1.0).any(axis=None))
    portfolio = vectorbt.Portfolio.from_signals(
        pd.Series(prices["close"]),
        entries=orders("enters_long"),
        exits=orders("leaves_long"),
        short_entries=orders("enters_short"),
        short_exits=orders("leaves_short"),
        price=pd.Series(fills_at),
        open=pd.Series(prices["open"]),
        high=pd.Series(prices["high"]),
        low=pd.Series(prices["low"]),
        size=sizes if is_part else np.inf,
        size_type="percent" if is_part else "amount",
        lock_cash=True,
        fees=terms.commission,
        slippage=terms.slippage,
        init_cash=CAPITAL,
        sl_stop=distance(stop),
        sl_trail=stop == "trail",
        tp_stop=distance("target"),
        stop_entry_price="price",
        stop_exit_price="stopmarket" if stops_slip else "stoplimit",
        upon_opposite_entry="reverse",
    )
    equity, trades = portfolio.value().to_numpy(), portfolio.trades.records_arr
    return [
        _build_outcome(equity[:, index], trades[trades["col"] == index], count)
        for index in range(len(signals))
    ]


def _build_outcome(equity: Series, trades: Any, count: int) -> Outcome:
    """Build the outcome of a column of the portfolio."""
    return Outcome(
        np.append(equity[: count - 1], equity[-1]),
        trades["entry_idx"].astype(np.int64),
        np.minimum(trades["exit_idx"], count - 1).astype(np.int64),
        1 - 2 * trades["direction"].astype(np.int64),
        trades["size"],
        trades["entry_price"],
        trades["exit_price"],
        trades["pnl"],
    )
