"""The bars of a window that a warm-up takes where no earlier bars cover it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from dsl.analysis.program import Rules, lookback
from dsl.bars import Bars
from dsl.terms.terms import Term

MAX_NAMED_SYMBOLS = 3


@dataclass(frozen=True)
class Warmup:
    """A symbol's warm-up inside a window.

    Attributes:
        bars: the symbol's own bars of the window.
        lost: those of them that warm the indicators.
    """

    symbol: str
    bars: int
    lost: int

    @property
    def share(self) -> float:
        """The lost bars as a share of all."""
        return self.lost / self.bars if self.bars else 0.0


def entry_lookback(rules: Rules) -> int:
    """Return how many earlier bars the first entry needs.

    The longer lookback of the two values of a `where` counts, though the other may be known sooner.

    Args:
        rules: in canonical form.
    """
    entries = [_lookback_to_hold(each) for each in (rules.buy, rules.short) if each is not None]
    given = (rules.size, rules.stop, rules.trail, rules.target)
    settings = [lookback(each) for each in given if each is not None]
    return max([min(entries, default=0), *settings])


def measure_warmups(lookback_bars: int, bars: Bars, start: int = 0) -> list[Warmup]:
    """Return each symbol's warm-up.

    Args:
        lookback_bars: the earlier bars that a value needs.
        bars: the window, after the bars before it.
        start: the first bar of the window.
    """
    found = []
    for symbol, name in enumerate(bars.symbols):
        places = bars.priced_indices(symbol)
        before = int(np.searchsorted(places, start, "left"))
        own = len(places) - before
        found.append(Warmup(name, own, min(own, max(0, lookback_bars - before))))
    return found


def warmup_note(
    what: str, lookback_bars: int, bars: Bars, start: int = 0, tolerated: float = 0.25
) -> str:
    """Return a note about the symbols that lose much of the window; empty if none does.

    Args:
        what: the strategy or expression that needs the warm-up.
        lookback_bars, bars, start: as `warmups` takes them.
        tolerated: the share of a symbol's bars that may be lost without a note.
    """
    short = [each for each in measure_warmups(lookback_bars, bars, start) if each.share > tolerated]
    if not short:
        return ""
    is_panel = len(bars.symbols) > 1
    left = [
        f"{each.bars - each.lost:,} of {each.bars:,} bars" + (f" of {each.symbol}" * is_panel)
        for each in short[:MAX_NAMED_SYMBOLS]
    ]
    if len(short) > MAX_NAMED_SYMBOLS:
        left.append(f"few of {len(short) - MAX_NAMED_SYMBOLS:,} more symbols")
    return (
        f"{what}: a warm-up of {lookback_bars:,} bars leaves {', '.join(left)}: take more data, a "
        "later end or shorter windows"
    )


def _lookback_to_hold(term: Term) -> int:
    """Return how many earlier bars a canonical condition needs before it can hold."""
    if term.head == "and":
        return max(map(_lookback_to_hold, term.args))
    if term.head == "or":
        return min(map(_lookback_to_hold, term.args))
    return lookback(term)
