"""Warm-up bars inside a window, where earlier bars do not cover them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from dsl.analysis.program import Rules, lookback
from dsl.bars import Bars
from dsl.terms.terms import Term

MAX_NAMED_SYMBOLS = 3


@dataclass(frozen=True)
class Warmup:
    """Warm-up of a symbol inside a window.

    Attributes:
        symbol: name of the symbol.
        bars: priced bars of the window.
        lost: priced bars of the window that the warm-up takes.
    """

    symbol: str
    bars: int
    lost: int

    @property
    def share(self) -> float:
        """Share of the bars that is lost."""
        return self.lost / self.bars if self.bars else 0.0


def entry_lookback(rules: Rules) -> int:
    """Return the number of earlier bars that the first entry needs.

    It is an upper bound: of the two values of a `where`, the longer lookback counts. So does that
    of the parts of a condition that is counted, although one false part decides an `and`.

    Args:
        rules: rules in canonical form.
    """
    entries = [_lookback_until_true(each) for each in (rules.buy, rules.short) if each is not None]
    settings = (rules.size, rules.stop, rules.trail, rules.target)
    lookbacks = [lookback(each) for each in settings if each is not None]
    return max([min(entries, default=0), *lookbacks])


def measure_warmups(lookback_bars: int, bars: Bars, start: int = 0) -> list[Warmup]:
    """Return the warm-up of each symbol.

    Args:
        lookback_bars: number of earlier bars that a value needs.
        bars: the window, preceded by earlier bars.
        start: first bar of the window.
    """
    warmups = []
    for symbol, name in enumerate(bars.symbols):
        indices = bars.priced_indices(symbol)
        before = int(np.searchsorted(indices, start, "left"))
        count = len(indices) - before
        warmups.append(Warmup(name, count, min(count, max(0, lookback_bars - before))))
    return warmups


def warmup_note(
    what: str, lookback_bars: int, bars: Bars, start: int = 0, tolerated: float = 0.25
) -> str:
    """Return a note about symbols that lose much of the window; empty if none does.

    Args:
        what: strategy or expression that needs the warm-up.
        lookback_bars: number of earlier bars that it needs.
        bars: the window, preceded by earlier bars.
        start: first bar of the window.
        tolerated: share of a symbol's bars that may be lost without a note.
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
        f"{what}: a warm-up of {lookback_bars:,} bars leaves {', '.join(left)}: use more data, a "
        "later end or shorter windows"
    )


def _lookback_until_true(term: Term) -> int:
    """Return the number of earlier bars that a canonical condition needs to be true."""
    if term.head == "and":
        return max(map(_lookback_until_true, term.args))
    if term.head == "or":
        return min(map(_lookback_until_true, term.args))
    return lookback(term)
