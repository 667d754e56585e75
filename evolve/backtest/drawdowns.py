"""Drawdowns of equity."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from evolve.backtest.performance import Series


@dataclass(frozen=True)
class Drawdown:
    """Fall of equity below a peak, until equity recovers.

    Attributes:
        peak: bar of the peak; None for the capital before the first bar.
        trough: bar of the lowest equity.
        recovery: first bar at which equity is back at the peak; None if it never is.
        depth: equity at the trough over equity at the peak, less 1.
        bars: bars from the peak to the recovery, or to the last bar without a recovery. The
            capital counts as the bar before the first.
    """

    peak: int | None
    trough: int
    recovery: int | None
    depth: float
    bars: int


def list_drawdowns(equity: Series, capital: float) -> list[Drawdown]:
    """Return all drawdowns in order of time.

    Args:
        equity: float64[bar].
        capital: equity before the first bar.
    """
    level = np.concatenate([[capital], equity])
    highs = np.maximum.accumulate(level)
    under = level < highs
    edges = np.flatnonzero(np.diff(np.concatenate([[False], under, [False]]).astype(np.int8)))
    result = []
    for first, last in zip(edges[::2], edges[1::2], strict=True):
        trough = int(first + np.argmin(level[first:last]))
        recovery = int(last) - 1 if last < len(level) else None
        depth = float(level[trough] / highs[trough] - 1)
        peak = None if first == 1 else int(first) - 2
        bars = min(int(last), len(level) - 1) - (int(first) - 1)
        result.append(Drawdown(peak, trough - 1, recovery, depth, bars))
    return result
