"""vectorbt, given the signals of our strategies as arrays, a column each.

For `next_open` a bar of a single price is put after the last: an engine of one order a bar can
close there what it opened at the last open.
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


def traded(
    signals: Sequence[SignalArrays],
    bars: Bars,
    fill: FillMode,
    terms: Terms,
    stops_slip: bool = True,
    stop: str = "stop",
) -> list[Outcome]:
    """Return the runs of signals, all in unless a strategy has a size.

    Args:
        signals, bars, terms: what is traded. There is no time exit there.
        fill: when.
        stops_slip: whether stops and targets pay slippage; there it is both or none.
        stop: `stop`, or `trail` for its trails; there it is one or the other.
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
    worth, trades = portfolio.value().to_numpy(), portfolio.trades.records_arr
    return [
        _outcome(worth[:, index], trades[trades["col"] == index], count)
        for index in range(len(signals))
    ]


def _outcome(worth: Series, trades: Any, count: int) -> Outcome:
    """A column of the portfolio."""
    return Outcome(
        np.append(worth[: count - 1], worth[-1]),
        trades["entry_idx"].astype(np.int64),
        np.minimum(trades["exit_idx"], count - 1).astype(np.int64),
        1 - 2 * trades["direction"].astype(np.int64),
        trades["size"],
        trades["entry_price"],
        trades["exit_price"],
        trades["pnl"],
    )
