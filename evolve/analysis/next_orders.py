"""What a strategy holds after the last bar there is, and what it orders for the next."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from dsl.analysis.program import Program
from dsl.bars import PANELS, Bars
from dsl.syntax.vocabulary import SIDES
from evolve.backtest.backtest import backtest
from evolve.backtest.market import CLOSE, Market
from evolve.backtest.sleeve import share_of_market

BEYOND = 2  # the bar that orders fill on, and one more, since the last of a run takes no entry


@dataclass(frozen=True)
class NextOrders:
    """A symbol after its last bar.

    Attributes:
        time: of that bar.
        side: of the position at its close, `long`, `short` or `flat`; since: its entry.
        orders: what fills next, such as `buy` or `sell (hold)`.
    """

    symbol: str
    time: np.datetime64
    side: str
    since: np.datetime64 | None
    orders: tuple[str, ...]


def list_next_orders(
    program: Program, bars: Bars, market: Market, start: int = 0
) -> list[NextOrders]:
    """Return each symbol's outlook, without symbols that have no bar from start on.

    The run goes on over bars that stand still at the last close: what happens on the first of
    them was ordered before it. With fills at the close, orders are of the last bar itself.

    Args:
        program: the strategy.
        bars: of one or more symbols.
        market: fills and costs.
        start: the first bar traded; earlier bars warm the indicators.
    """
    share = share_of_market(market, len(bars.symbols))
    found = []
    for symbol in range(len(bars.symbols)):
        own, places = bars.select_symbol(symbol), bars.priced_indices(symbol)
        first = int(np.searchsorted(places, start, "left"))
        if first < len(own):
            found.append(_next_orders(program, own, share, first))
    return found


def _next_orders(program: Program, own: Bars, market: Market, start: int) -> NextOrders:
    run = backtest(program, _extend_by_one_bar(own), market, start)
    last = len(own) - start - 1
    filled = run.time[last if market.fill == CLOSE else last + 1]
    exits = [
        SIDES[trade.side].leave
        + ("" if trade.reason in ("signal", "reverse") else f" ({trade.reason})")
        for trade in run.trades
        if trade.exit_time == filled and trade.reason != "end"
    ]
    entries = [SIDES[trade.side].entry for trade in run.trades if trade.entry_time == filled]
    since = None
    for trade in run.trades:
        if trade.entry_time <= run.time[last] < trade.exit_time:
            since = trade.entry_time
    side = {1: "long", -1: "short", 0: "flat"}[int(run.held[last])]
    return NextOrders(own.symbols[0], run.time[last], side, since, (*exits, *entries))


def _extend_by_one_bar(own: Bars) -> Bars:
    """The bars and some that stand still at the last close, with a volume not known."""
    close = own.close[:, -1:]
    beyond = dict.fromkeys(PANELS, close) | {
        "volume": np.full_like(close, np.nan),
        "adjustment": own.adjustment[:, -1:],
    }
    days = np.arange(1, BEYOND + 1) * np.timedelta64(1, "D")
    panels: dict[str, Any] = {
        name: np.concatenate([getattr(own, name), np.repeat(each, BEYOND, axis=1)], axis=1)
        for name, each in beyond.items()
    }
    return replace(own, time=np.concatenate([own.time, own.time[-1] + days]), **panels)
