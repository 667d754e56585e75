"""Position of a strategy after the last bar, and its orders for the next."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from dsl.analysis.program import Program
from dsl.bars import PANELS, Bars
from dsl.syntax.vocabulary import DIRECTION_ORDERS
from evolve.backtest.backtest import backtest
from evolve.backtest.market import CLOSE, Market
from evolve.backtest.sleeve import share_of_market

EXTRA_BARS = 2  # the bar on which orders fill, and one more, as a last bar takes no entry


@dataclass(frozen=True)
class NextOrders:
    """Position and pending orders of a symbol after its last bar.

    Attributes:
        symbol: name of the symbol.
        time: time of the last bar.
        side: position at its close: `long`, `short` or `flat`.
        since: time of the entry; None if flat.
        orders: orders that fill next, such as `buy` or `sell (hold)`.
    """

    symbol: str
    time: np.datetime64
    side: str
    since: np.datetime64 | None
    orders: tuple[str, ...]


def list_next_orders(
    program: Program, bars: Bars, market: Market, start: int = 0
) -> list[NextOrders]:
    """List the next orders of each symbol that has a bar from `start` on.

    The backtest is extended by bars at the last close: trades on the first of them show the
    pending orders. If orders fill at the close, those of the last bar are listed.

    Args:
        program: a checked strategy.
        bars: bars of one or more symbols.
        market: fills and costs.
        start: first traded bar; earlier bars warm the indicators.
    """
    share = share_of_market(market, len(bars.symbols))
    result = []
    for symbol in range(len(bars.symbols)):
        panel = bars.select_symbol(symbol)
        first = int(np.searchsorted(bars.priced_indices(symbol), start, "left"))
        if first < len(panel):
            result.append(_find_next_orders(program, panel, share, first))
    return result


def _find_next_orders(program: Program, bars: Bars, market: Market, start: int) -> NextOrders:
    run = backtest(program, _extend(bars), market, start)
    last = len(bars) - start - 1
    filled = run.time[last if market.fill == CLOSE else last + 1]
    exits = [
        DIRECTION_ORDERS[trade.side].exit
        + ("" if trade.reason in ("signal", "reverse") else f" ({trade.reason})")
        for trade in run.trades
        if trade.exit_time == filled and trade.reason != "end"
    ]
    entries = [
        DIRECTION_ORDERS[trade.side].entry for trade in run.trades if trade.entry_time == filled
    ]
    since = None
    for trade in run.trades:
        if trade.entry_time <= run.time[last] < trade.exit_time:
            since = trade.entry_time
    side = {1: "long", -1: "short", 0: "flat"}[int(run.held[last])]
    return NextOrders(bars.symbols[0], run.time[last], side, since, (*exits, *entries))


def _extend(bars: Bars) -> Bars:
    """Extend bars by days at the last close, with an unknown volume."""
    close = bars.close[:, -1:]
    last = dict.fromkeys(PANELS, close) | {
        "volume": np.full_like(close, np.nan),
        "adjustment": bars.adjustment[:, -1:],
    }
    days = np.arange(1, EXTRA_BARS + 1) * np.timedelta64(1, "D")
    panels: dict[str, Any] = {
        name: np.concatenate([getattr(bars, name), np.repeat(each, EXTRA_BARS, axis=1)], axis=1)
        for name, each in last.items()
    }
    return replace(bars, time=np.concatenate([bars.time, bars.time[-1] + days]), **panels)
