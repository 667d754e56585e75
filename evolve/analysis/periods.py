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
    years = time.astype("datetime64[Y]").astype(np.int64) + 1970
    return _measure_periods(years, equity, capital)


def monthly_returns(time: Time, equity: Series, capital: float) -> dict[tuple[int, int], float]:
    """Return the return of equity by calendar year and month, 1 to 12; 0 after ruin.

    Args:
        time: datetime64[bar].
        equity: float64[bar].
        capital: equity before the first bar.
    """
    months = time.astype("datetime64[M]").astype(np.int64) + 1970 * 12
    returns = _measure_periods(months, equity, capital)
    return {(month // 12, month % 12 + 1): growth for month, growth in returns.items()}


def _measure_periods(
    periods: NDArray[np.int64], equity: Series, capital: float
) -> dict[int, float]:
    """Return the return of equity by period; `periods` is the ascending period of each bar."""
    if not len(periods):
        return {}
    ends = np.flatnonzero(np.diff(periods, append=periods[-1] + 1))
    returns, before = {}, capital
    for bar in ends:
        returns[int(periods[bar])] = float(equity[bar] / before - 1) if before > 0 else 0.0
        before = float(equity[bar])
    return returns
