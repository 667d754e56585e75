"""Alignment of several symbols on the union of their times."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np

from dsl.bars import PANELS, Bars
from evolve.errors import EvolveError

MIN_WEEK_DAYS = 4.0  # a longer step is that of weekly bars, even in a short week
MAX_STEP_RATIO = 1.9  # of the longest to the shortest step among symbols


def align(parts: Sequence[Bars]) -> Bars:
    """Return one panel with the symbols of all parts; NaN where a symbol has no bar.

    Raises:
        EvolveError: for a duplicate symbol, or for bars of different lengths.
    """
    if len(parts) == 1:
        return parts[0]
    symbols = tuple(name for part in parts for name in part.symbols)
    name, count = Counter(symbols).most_common(1)[0]
    if count > 1:
        raise EvolveError(
            f"duplicate symbol `{name}`",
            "remove one of the two, or give the parts of a symbol as one folder or pattern",
        )
    steps = sorted((_find_shortest_step(part), part.symbols[0]) for part in parts if len(part) > 2)
    are_days = bool(steps) and 1.0 <= steps[0][0] <= steps[-1][0] < MIN_WEEK_DAYS
    if steps and not are_days and steps[-1][0] > MAX_STEP_RATIO * steps[0][0]:
        lengths = " and ".join(f"{days:.3g} days ({name})" for days, name in (steps[0], steps[-1]))
        raise EvolveError(
            f"expected bars of one length, found {lengths}", "use one bar length for all symbols"
        )
    time = np.unique(np.concatenate([part.time for part in parts]))
    panels = {name: np.full((len(symbols), len(time)), np.nan) for name in PANELS}
    panels["adjustment"].fill(1.0)
    row = 0
    for part in parts:
        columns = np.searchsorted(time, part.time)
        for field, panel in panels.items():
            panel[row : row + len(part.symbols), columns] = getattr(part, field)
        row += len(part.symbols)
    closes_only, undated = (
        tuple(name for part in parts for name in getattr(part, mark))
        for mark in ("closes_only", "undated")
    )
    return Bars(symbols, time, **panels, closes_only=closes_only, undated=undated)


def _find_shortest_step(bars: Bars) -> float:
    """Return the shortest step in days; longer ones may be gaps of a thinly traded symbol."""
    return float(np.min(bars.days[1:]))
