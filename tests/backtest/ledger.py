"""Small markets written as tables, so that a ledger can be worked out by hand beside them.

A row is a bar: its number, open, high, low, close and what the strategy says on it. What is said
is put into the volume, one bit an order, and read from there by the scripted strategy's rules.
`.` is a cell without a value; further columns are named in the table's first line.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from dsl.analysis.check import check
from dsl.bars import Bars
from evolve.backtest.backtest import Backtest, backtest
from evolve.backtest.market import Market, market

ORDERS = ("buy", "sell", "short", "cover")
PRICES = ("open", "high", "low", "close")


def bars_of(table: str) -> Bars:
    """The bars of a table; days run from Monday 2024-01-01 unless it has a `date` column."""
    head, *rows = [line.split() for line in table.strip().splitlines() if line.strip()]
    cells = [dict(zip(head, row, strict=True)) for row in rows]
    first = np.datetime64("2024-01-01", "ns")
    days = [first + np.timedelta64(bar, "D") for bar in range(len(cells))]
    if "date" in head:
        days = [np.datetime64(cell["date"], "ns") for cell in cells]

    def column(name: str) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
        return np.array([[_number(cell[name]) for cell in cells]])

    panels = [column(name) for name in PRICES]
    panels.append(np.array([[float(_bits(cell["says"])) for cell in cells]]))
    panels.append(column("adjustment") if "adjustment" in head else np.ones((1, len(cells))))
    return Bars(("TEST",), np.array(days), *panels)


def _number(cell: str) -> float:
    return float("nan") if cell == "." else float(cell)


def _bits(says: str) -> int:
    return sum(1 << ORDERS.index(word) for word in says.split("+") if word != "-")


def scripted(settings: str = "") -> str:
    """A strategy that does what the table says, with settings such as `stop 5%`."""
    rules = []
    for bit, order in enumerate(ORDERS):
        said = [code for code in range(16) if code & (1 << bit)]
        rules.append(f"{order} when {' or '.join(f'volume == {code}' for code in said)}")
    return "\n".join(["strategy scripted {", *rules, settings, "}"])


def free(capital: float = 1000.0, **costs: Any) -> Market:
    """A market without costs but those named."""
    return market(capital, **{"commission_bps": 0.0, "slippage_bps": 0.0, **costs})


def play(table: str, settings: str = "", /, **costs: Any) -> Backtest:
    """Trade what a table says from a capital of 1000, without costs but those named."""
    return backtest(check(scripted(settings)), bars_of(table), free(**costs))


def trades_of(result: Backtest) -> list[str]:
    """Closed trades as `long 1->3 80@12.5->15 signal`: side, bars, shares, fills, reason."""
    return [
        f"{trade.side} {_bar(result, trade.entry_time)}->{_bar(result, trade.exit_time)} "
        f"{trade.shares:g}@{trade.entry_price:g}->{trade.exit_price:g} {trade.reason}"
        for trade in result.trades
    ]


def _bar(result: Backtest, time: np.datetime64) -> int:
    return int(np.flatnonzero(result.time == time)[0])


def assert_ledger(result: Backtest, trades: list[str], equity: list[float]) -> None:
    """The closed trades and the equity at every close are those worked out by hand."""
    assert trades_of(result) == trades
    assert result.equity.tolist() == pytest.approx(equity, rel=1e-12)
