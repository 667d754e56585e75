"""Yearly returns and largest drawdowns of a backtest."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from evolve.backtest.drawdowns import Drawdown, list_drawdowns
from evolve.backtest.performance import Series

Time = NDArray[np.datetime64]


def largest_drawdowns(equity: Series, capital: float, count: int = 10) -> list[Drawdown]:
    """Return the deepest drawdowns, the deepest first.

    Args:
        equity: float64[bar].
        capital: equity before the first bar.
        count: maximum number of drawdowns.
    """
    drawdowns = list_drawdowns(equity, capital)
    return sorted(drawdowns, key=lambda each: (each.depth, each.trough))[:count]


def yearly_returns(time: Time, equity: Series, capital: float) -> dict[int, float]:
    """Return the return of equity by calendar year; 0 after ruin.

    Args:
        time: datetime64[bar].
        equity: float64[bar].
        capital: equity before the first bar.
    """
    if not len(time):
        return {}
    years = time.astype("datetime64[Y]").astype(int) + 1970
    year_ends = np.flatnonzero(np.diff(years, append=years[-1] + 1))
    returns, before = {}, capital
    for bar in year_ends:
        returns[int(years[bar])] = float(equity[bar] / before - 1) if before > 0 else 0.0
        before = float(equity[bar])
    return returns
