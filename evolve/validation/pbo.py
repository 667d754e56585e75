"""Probability of backtest overfitting, by combinatorially symmetric cross-validation.

Source: Bailey, Borwein, López de Prado and Zhu, "The Probability of Backtest Overfitting" (2015).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from evolve.errors import EvolveError

TINY = 1e-12  # a variance below this part of the mean square is rounding; its ratio is 0
TIE = 1e-12  # ratios of equal strategies differ by rounding
CELLS_PER_BLOCK = 1 << 17  # ratios computed at a time, so that they stay in the cache

Matrix = NDArray[np.float64]


@dataclass(frozen=True)
class Overfitting:
    """Performance of the strategy selected in sample, over all halves of the data out of sample.

    Attributes:
        pbo: probability of backtest overfitting: the share of combinations in which the strategy
            that is best in sample ranks at or below the median out of sample.
        slope: slope of the regression of its ratio out of sample on that in sample; NaN if the
            latter is constant. Both halves add up to one sample, so that it is negative even for
            one strategy with a constant mean.
        dominance: order in which its ratio stochastically dominates the mean ratio of all
            strategies out of sample: 1, 2, or 0 if it does not.
        loss: share of combinations in which its ratio out of sample is negative.
        combinations: number of combinations.
    """

    pbo: float
    slope: float
    dominance: int
    loss: float
    combinations: int


def estimate_overfitting(returns: Matrix, slices: int = 16) -> Overfitting:
    """Estimate the probability of overfitting by selection of the best Sharpe ratio.

    The bars are cut into slices. Each half of the slices selects a strategy once, and the other
    half judges it. Strategies with equal ratios share their mean rank. A ratio without variance is
    0. If the slices cannot be equally long, the first ones have one more bar.

    Args:
        returns: float64[bar, strategy], finite.
        slices: number of slices, S, even; S = 16 is 12,870 combinations.

    Raises:
        EvolveError: for an odd number of slices, fewer than two strategies, or fewer than two bars
            per slice.
    """
    _require_enough(returns, slices)
    halves = _list_halves(slices)
    totals = _sum_slices(returns, slices)
    rows = max(1, CELLS_PER_BLOCK // returns.shape[1])
    selections = [
        _select(inside, outside)
        for start in range(0, len(halves), rows)
        for inside, outside in _compute_ratios(halves[start : start + rows], totals)
    ]
    inside, outside, average, rank = np.concatenate(selections, axis=1)
    return Overfitting(
        pbo=float((rank <= (returns.shape[1] + 1) / 2).mean()),
        slope=_fit_slope(inside, outside),
        dominance=find_dominance(outside, average),
        loss=float((outside < 0).mean()),
        combinations=len(rank),
    )


def find_dominance(chosen: Matrix, other: Matrix) -> int:
    """Return the order in which one sample stochastically dominates another of equal size.

    First order: its distribution function is nowhere above that of the other. Second order: the
    integral of its distribution function is nowhere above. For samples of equal size, these are
    comparisons of sorted values, and of their running sums.

    Returns:
        1, 2, or 0 if there is no dominance or if the samples are equal.
    """
    difference = np.sort(chosen) - np.sort(other)
    if not difference.any():
        return 0
    if (difference >= 0).all():
        return 1
    return 2 if (np.cumsum(difference) >= 0).all() else 0


def _require_enough(returns: Matrix, slices: int) -> None:
    bars, strategies = returns.shape
    if slices < 2 or slices % 2:
        raise EvolveError(
            f"expected an even number of slices, found {slices}", "for example 16 slices"
        )
    if strategies < 2:
        raise EvolveError(
            f"expected at least 2 strategies to select from, found {strategies}",
            "evaluate more strategies",
        )
    if bars < 2 * slices:
        raise EvolveError(
            f"expected at least 2 bars in each of {slices} slices, found {bars} bars",
            "use more bars or fewer slices",
        )


def _list_halves(slices: int) -> Matrix:
    """Return float64[half, slice]: 1 in each half that contains the first slice, else 0.

    The other halves are the complements of these.
    """
    chosen = list(combinations(range(1, slices), slices // 2 - 1))
    halves = np.zeros((len(chosen), slices))
    halves[:, 0] = 1
    np.put_along_axis(halves, np.array(chosen, dtype=np.int64).reshape(len(chosen), -1), 1, axis=1)
    return halves


def _sum_slices(returns: Matrix, slices: int) -> tuple[Matrix, Matrix, Matrix]:
    """Return the bars per slice, and sums and sums of squares, float64[slice, strategy]."""
    length, longer = divmod(len(returns), slices)
    bars = np.array([length + (each < longer) for each in range(slices)], dtype=np.float64)
    starts = (np.cumsum(bars) - bars).astype(np.int64)
    sums = np.add.reduceat(returns, starts, axis=0)
    return bars, sums, np.add.reduceat(returns * returns, starts, axis=0)


def _compute_ratios(
    halves: Matrix, totals: tuple[Matrix, Matrix, Matrix]
) -> tuple[tuple[Matrix, Matrix], tuple[Matrix, Matrix]]:
    """Return ratios in and out of sample, float64[half, strategy], of halves and complements."""
    first, second = _compute_sharpe(halves, totals), _compute_sharpe(1 - halves, totals)
    return (first, second), (second, first)


def _compute_sharpe(halves: Matrix, totals: tuple[Matrix, Matrix, Matrix]) -> Matrix:
    """Return Sharpe ratios per bar, float64[half, strategy], from sums over slices."""
    bars, sums, squares = (halves @ each for each in totals)
    count = bars[:, None]
    variance = squares - sums * sums / count
    is_flat = variance <= TINY * squares
    variance[is_flat] = 1
    ratio = sums / np.sqrt(variance)
    ratio[is_flat] = 0
    ratio *= np.sqrt(count - 1) / count
    return ratio


def _select(inside: Matrix, outside: Matrix) -> Matrix:
    """Return float64[4, half]: both ratios of the best, the mean outside, the rank of the best."""
    rows, best = np.arange(len(inside)), inside.argmax(axis=1)
    chosen = outside[rows, best]
    below = np.count_nonzero(outside < (chosen - TIE)[:, None], axis=1)
    up_to = np.count_nonzero(outside <= (chosen + TIE)[:, None], axis=1)
    rank = (below + up_to + 1) / 2
    return np.stack([inside[rows, best], chosen, outside.mean(axis=1), rank])


def _fit_slope(inside: Matrix, outside: Matrix) -> float:
    """Return the slope of a least-squares line; NaN if `inside` is constant."""
    deviation = inside - inside.mean()
    if np.ptp(inside) <= TIE:
        return math.nan
    return float(deviation @ outside / (deviation @ deviation))
