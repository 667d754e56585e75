"""A run told year by year, and by its deepest falls."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from evolve.backtest.drawdowns import Drawdown, list_drawdowns
from evolve.backtest.performance import Series

Time = NDArray[np.datetime64]


def largest_drawdowns(equity: Series, capital: float, most: int = 10) -> list[Drawdown]:
    """Return the deepest falls that do not overlap, the deepest first.

    Args:
        equity: float64[bar]; capital: what it began with.
        most: how many.
    """
    found = list_drawdowns(equity, capital)
    return sorted(found, key=lambda each: (each.depth, each.trough))[:most]


def yearly_returns(time: Time, equity: Series, capital: float) -> dict[int, float]:
    """The growth of equity in each calendar year of its bars, less 1; 0 once it is lost."""
    if not len(time):
        return {}
    years = time.astype("datetime64[Y]").astype(int) + 1970
    last = np.flatnonzero(np.diff(years, append=years[-1] + 1))
    found, before = {}, capital
    for bar in last:
        found[int(years[bar])] = float(equity[bar] / before - 1) if before > 0 else 0.0
        before = float(equity[bar])
    return found
