"""Niches of behavior: strategies of similar exposure and holding time.

The trade frequency is the exposure divided by the holding time, so a niche limits it too. An
archive with the best of each niche is that of MAP-Elites: Mouret and Clune (2015), "Illuminating
search spaces by mapping elites".
"""

from __future__ import annotations

from bisect import bisect_left

MAX_EXPOSURE_BY_CLASS = (0.15, 0.35, 0.65)  # a further class has no maximum, here and below
MAX_HOLDING_BARS_BY_CLASS = (2.0, 5.0, 15.0, 50.0)

Niche = tuple[int, int]
"""Index of the class of exposure, and of that of holding time."""


def find_niche(exposure: float, holding: float) -> Niche:
    """Return the niche of a strategy.

    Args:
        exposure: share of the bars with a position at the close.
        holding: mean number of bars of a position.
    """
    return bisect_left(MAX_EXPOSURE_BY_CLASS, exposure), bisect_left(
        MAX_HOLDING_BARS_BY_CLASS, holding
    )
