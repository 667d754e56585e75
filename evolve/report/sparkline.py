"""A series as one line of small bars."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

BLOCKS = "▁▂▃▄▅▆▇█"
WIDTH = 50


def sparkline(values: NDArray[np.float64], width: int = WIDTH) -> str:
    """The means of `width` stretches of a series, from its lowest to its highest.

    A stretch with no known value is blank.
    """
    means = [
        float(np.nanmean(part)) if np.isfinite(part).any() else np.nan
        for part in np.array_split(values, min(width, max(1, len(values))))
    ]
    low, high = np.nanmin(means), np.nanmax(means)
    scale = (len(BLOCKS) - 1) / (high - low) if high > low else 0.0
    return "".join(" " if np.isnan(mean) else BLOCKS[round((mean - low) * scale)] for mean in means)
