"""Symbols without volume, and the strategies that read it there."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from dsl.analysis.program import Program
from dsl.bars import Bars
from dsl.terms.series import reads_series

VOLUME = "volume"


def list_without_volume(bars: Bars) -> list[str]:
    """Return the symbols whose volume is unknown or 0 on all bars, as that of currencies is."""
    known = np.any(bars.volume > 0, axis=1)
    return [name for name, is_known in zip(bars.symbols, known, strict=True) if not is_known]


def list_unreadable(bars: Bars, programs: Sequence[Program]) -> list[str]:
    """Return a warning if strategies read a volume that is unknown or 0 on all bars.

    Args:
        bars: one or more symbols.
        programs: the strategies.
    """
    symbols = list_without_volume(bars)
    names = [
        f"`{each.name}`"
        for each in programs
        if any(reads_series(term, VOLUME) for term in each.rules if term is not None)
    ]
    if not symbols or not names:
        return []
    verb = "reads" if len(names) == 1 else "read"
    return [
        f"volume of {', '.join(symbols)} is unknown or 0 on all bars: {', '.join(names)} {verb} it "
        "and may never trade there"
    ]
