"""Sparkline: a series as one line of block characters."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

BLOCKS = "▁▂▃▄▅▆▇█"
WIDTH = 50


def sparkline(values: NDArray[np.float64], width: int = WIDTH) -> str:
    """Draw the means of consecutive parts of a series as one line of blocks.

    Args:
        values: float64[bar]; a part without a finite value is blank.
        width: number of parts, and of characters.
    """
    means = [
        float(np.nanmean(part)) if np.isfinite(part).any() else np.nan
        for part in np.array_split(values, min(width, max(1, len(values))))
    ]
    low, high = np.nanmin(means), np.nanmax(means)
    scale = (len(BLOCKS) - 1) / (high - low) if high > low else 0.0
    return "".join(" " if np.isnan(mean) else BLOCKS[round((mean - low) * scale)] for mean in means)
