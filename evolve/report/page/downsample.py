"""Downsampling of long series for charts, so that extremes survive."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def pick_extremes(values: NDArray[np.float64], parts: int) -> NDArray[np.int64]:
    """Return the bars to draw: the first, the last, and the minimum and maximum of each part.

    The parts have equally many bars with a finite value, up to one. Other bars are never drawn.

    Args:
        values: float64[bar].
        parts: number of parts, at least 1.

    Returns:
        int64[at most 2 * parts + 2], ascending; empty if no value is finite.
    """
    known = np.flatnonzero(np.isfinite(values))
    if len(known) <= 2 * parts + 2:
        return known
    found = values[known]
    length, longer = divmod(len(known), parts)
    starts = np.arange(parts) * length + np.minimum(np.arange(parts), longer)
    part_of = np.repeat(np.arange(parts), np.diff(np.append(starts, len(known))))
    lowest, highest = (np.lexsort((each, part_of))[starts] for each in (found, -found))
    picked = np.unique(np.concatenate([[0], lowest, highest, [len(known) - 1]]))
    bars: NDArray[np.int64] = known[picked]
    return bars
