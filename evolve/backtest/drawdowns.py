"""Falls of equity from a peak."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from evolve.backtest.performance import Series


@dataclass(frozen=True)
class Drawdown:
    """A fall of equity from a peak until it is reached again.

    Attributes:
        peak: the bar of the peak, None for the capital before the first bar.
        trough: the lowest bar; recovery: the bar that is back at the peak, None if none is.
        depth: equity at the trough over that at the peak, less 1.
        bars: from the peak to the recovery, or to the last bar if there is none. The capital
            counts as the bar before the first.
    """

    peak: int | None
    trough: int
    recovery: int | None
    depth: float
    bars: int


def list_drawdowns(equity: Series, capital: float) -> list[Drawdown]:
    """Return every fall of equity, in order of time.

    Args:
        equity: float64[bar]; capital: what it began with.
    """
    level = np.concatenate([[capital], equity])
    highs = np.maximum.accumulate(level)
    under = level < highs
    edges = np.flatnonzero(np.diff(np.concatenate([[False], under, [False]]).astype(np.int8)))
    found = []
    for first, last in zip(edges[::2], edges[1::2], strict=True):
        trough = int(first + np.argmin(level[first:last]))
        recovery = int(last) - 1 if last < len(level) else None
        depth = float(level[trough] / highs[trough] - 1)
        peak = None if first == 1 else int(first) - 2
        bars = min(int(last), len(level) - 1) - (int(first) - 1)
        found.append(Drawdown(peak, trough - 1, recovery, depth, bars))
    return found
