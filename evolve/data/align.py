"""Several symbols' bars on the union of their times."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np

from dsl.bars import PANELS, Bars
from evolve.errors import EvolveError

SHORT_WEEK_DAYS = 4.0  # bars further apart are weeks
MAX_UNLIKE_SHARE = 1.9  # times as long as another symbol's bars


def align(parts: Sequence[Bars]) -> Bars:
    """One panel of the symbols of all parts; NaN where a symbol has no bar.

    Raises:
        EvolveError: if a symbol comes twice, or daily and shorter bars are mixed.
    """
    if len(parts) == 1:
        return parts[0]
    symbols = tuple(name for part in parts for name in part.symbols)
    name, count = Counter(symbols).most_common(1)[0]
    if count > 1:
        raise EvolveError(f"the symbol {name} comes twice", "take one of the two out")
    steps = sorted((_shortest_step(part), part.symbols[0]) for part in parts if len(part) > 2)
    are_days = bool(steps) and 1.0 <= steps[0][0] <= steps[-1][0] < SHORT_WEEK_DAYS
    if steps and not are_days and steps[-1][0] > MAX_UNLIKE_SHARE * steps[0][0]:
        have = " and ".join(f"{days:.3g} days ({name})" for days, name in (steps[0], steps[-1]))
        message = f"bars of different lengths do not go together: {have}"
        raise EvolveError(message, "take bars of one length for all symbols")
    time = np.unique(np.concatenate([part.time for part in parts]))
    panels = {name: np.full((len(symbols), len(time)), np.nan) for name in PANELS}
    panels["adjustment"].fill(1.0)
    row = 0
    for part in parts:
        places = np.searchsorted(time, part.time)
        for field, panel in panels.items():
            panel[row : row + len(part.symbols), places] = getattr(part, field)
        row += len(part.symbols)
    closes_only, undated = (
        tuple(name for part in parts for name in getattr(part, mark))
        for mark in ("closes_only", "undated")
    )
    return Bars(symbols, time, **panels, closes_only=closes_only, undated=undated)


def _shortest_step(bars: Bars) -> float:
    """The least of days between bars: one that trades seldom has long gaps, too."""
    return float(np.min(bars.days[1:]))
