"""Edge planted into given bars: after a rule holds, a bar moves more from its open to its close."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from dsl.bars import MAX_PRICE, MIN_PRICE, Bars
from evolve.data.planted import Condition, PlainMarket, settle
from evolve.errors import EvolveError

PRICES = ("open", "high", "low", "close")


def plant_in_bars(bars: Bars, rule: str, edge: float, delays: Sequence[int]) -> Bars:
    """Add an edge to the bars of each symbol after a rule holds.

    The open of a bar follows the earlier edges, so that its gap and all other moves are those of
    the given bars. The extremes of a bar with the edge are those of the same Brownian bridge with
    another end: (high - open)(high - close) in logs is unchanged, as in `bars_from_paths`.

    Args:
        bars: one or more symbols.
        rule: a condition in the indicator language, evaluated on each symbol of the result.
        edge: log return added to the move from the open to the close.
        delays: by symbol, the bars from one on which the rule holds to the one with the edge.

    Raises:
        EvolveError: if the rule is not a condition, or if prices leave their limits.
        LanguageError: if the rule is not a valid expression.
    """
    prices = {name: getattr(bars, name).copy() for name in PRICES}
    for symbol, delay in enumerate(delays):
        indices = bars.priced_indices(symbol)
        if len(indices):
            planted = settle(_SymbolMarket(bars.select_symbol(symbol), delay), rule, edge)
            for name in PRICES:
                prices[name][symbol, indices] = getattr(planted, name)[0]
    return replace(bars, **prices)


@dataclass(frozen=True)
class _SymbolMarket:
    bars: Bars
    delay: int

    def __len__(self) -> int:
        return len(self.bars)

    def cut(self, first: int, end: int, shift: float) -> PlainMarket:
        part = self.bars.slice(first, end)
        factor = np.exp(shift)
        shifted = {name: getattr(part, name) * factor for name in PRICES}
        return replace(self, bars=replace(part, **shifted))

    def build(self, holds: Condition, edge: float) -> Bars:
        bars = self.bars
        moved = np.zeros(len(holds), np.bool_)
        moved[self.delay :] = holds[: -self.delay]
        after = np.cumsum(edge * moved)
        with np.errstate(over="ignore", under="ignore"):
            before = np.exp(after - edge * moved)
            opens, closes = bars.open * before, bars.close * np.exp(after)
            highs, lows = bars.high * before, bars.low * before
        for sign, extremes, given in ((1.0, highs, bars.high), (-1.0, lows, bars.low)):
            reach, move = (np.log(each / bars.open)[:, moved] for each in (given, bars.close))
            product = np.maximum(reach * (reach - move), 0.0)
            end = move + edge
            reach = (end + sign * np.sqrt(end * end + 4.0 * product)) / 2.0
            extremes[:, moved] = opens[:, moved] * np.exp(reach)
        # The rounding of exp may put a high below a close that equals it.
        highs = np.maximum(highs, np.maximum(opens, closes))
        lows = np.minimum(lows, np.minimum(opens, closes))
        if not MIN_PRICE < np.fmin(lows, opens).min() <= np.fmax(highs, closes).max() < MAX_PRICE:
            message = f"planted prices leave the range from {MIN_PRICE:g} to {MAX_PRICE:g}"
            raise EvolveError(message, "use fewer bars")
        return replace(bars, open=opens, high=highs, low=lows, close=closes)
