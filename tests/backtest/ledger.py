"""Small markets written as text, for ledgers that are computed by hand.

A market is a line of bars, `10 buy | 12.5 13 11 12 | . | 15`. A bar is open, high, low and close,
or one price for all four, or `.` if missing, and then its orders, such as `short+sell`. The last
bar is repeated without orders up to six bars. Orders are encoded in the volume, one bit each; the
scripted strategy reads them from there.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from dsl.analysis.check import check
from dsl.bars import Bars
from evolve.backtest.backtest import Backtest, backtest
from evolve.backtest.market import Market, market

ORDERS = ("buy", "sell", "short", "cover")
BARS = 6
Series = NDArray[np.float64]


def bars_from(
    time: NDArray[np.datetime64],
    prices: Sequence[Series],
    adjustment: Series | None = None,
    volume: Series | None = None,
) -> Bars:
    """Return bars of one symbol; adjustment and volume are 1 by default."""
    ones = np.ones(len(time))
    others = [ones if each is None else each for each in (volume, adjustment)]
    panels = [np.array(series)[None, :] for series in (*prices, *others)]
    return Bars(("TEST",), time.astype("datetime64[ns]"), *panels)


def days_from(first: str, count: int) -> NDArray[np.datetime64]:
    """Return consecutive days."""
    return np.datetime64(first, "ns") + np.arange(count) * np.timedelta64(1, "D")


def bars_of(line: str, minimum: int = BARS) -> Bars:
    """Return the bars of a line, on consecutive days from Monday 2024-01-01."""
    cells = [cell.split() for cell in line.split("|")]
    orders = [cell.pop() if cell[-1][0].isalpha() else "" for cell in cells]
    cells += [cells[-1]] * (minimum - len(cells))
    orders += [""] * (minimum - len(orders))
    rows = [[number(each) for each in cell] * (4 if len(cell) == 1 else 1) for cell in cells]
    volume = np.array([order_bits(each) for each in orders])
    return bars_from(days_from("2024-01-01", len(rows)), list(np.array(rows).T), None, volume)


def number(cell: str) -> float:
    """Return the number of a cell, NaN for `.`."""
    return float("nan") if cell == "." else float(cell)


def order_bits(orders: str) -> float:
    """Return orders such as `short+sell` as bits; 0 for an empty text or `-`."""
    words = [word for word in orders.split("+") if word not in ("", "-")]
    return float(sum(1 << ORDERS.index(word) for word in words))


def scripted(settings: str = "") -> str:
    """Return a strategy that reads its orders from the volume, with settings such as `stop 5%`."""
    rules = []
    for bit, order in enumerate(ORDERS):
        codes = [code for code in range(16) if code & (1 << bit)]
        rules.append(f"{order} when {' or '.join(f'volume == {code}' for code in codes)}")
    return "\n".join(["strategy scripted {", *rules, settings, "}"])


def free(capital: float = 1000.0, **costs: Any) -> Market:
    """Return a market with no costs but those named."""
    return market(capital, **{"commission_bps": 0.0, "slippage_bps": 0.0, **costs})


def play(line: str, settings: str = "", /, **costs: Any) -> Backtest:
    """Backtest a line of bars from a capital of 1000, with no costs but those named."""
    return backtest(check(scripted(settings)), bars_of(line), free(**costs))


def trades_of(result: Backtest, time: NDArray[np.datetime64] | None = None) -> list[str]:
    """Return closed trades as `long 1->3 80@12.5->15 signal`: side, bars, shares, fills, reason.

    Bars are counted in the result's times, or in those given.
    """
    index = {at: bar for bar, at in enumerate((result.time if time is None else time).tolist())}
    return [
        f"{trade.side} {index[trade.entry_time.item()]}->{index[trade.exit_time.item()]} "
        f"{trade.shares:g}@{trade.entry_price:g}->{trade.exit_price:g} {trade.reason}"
        for trade in result.trades
    ]


def assert_consistent(result: Backtest) -> None:
    """Compare side held and change of equity of one symbol with its trades.

    Equity is compared where cash earns nothing and the account is not ruined.
    """
    held = np.zeros(len(result.time), np.int8)
    for trade in result.trades:
        is_open = (result.time >= trade.entry_time) & (result.time < trade.exit_time)
        held[is_open] = 1 if trade.side == "long" else -1
    assert result.held.tolist() == held.tolist()
    performance = result.performance
    is_idle = np.all(performance.cash == performance.cash[:1])
    if is_idle and len(result.equity) and result.equity.min() > 0:
        gained = sum(trade.profit for trade in result.trades)
        assert result.equity[-1] == pytest.approx(performance.capital + gained, rel=1e-12)
