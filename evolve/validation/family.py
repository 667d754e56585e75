"""Family-wise p-value: the null test over all runs on the same data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

Series = NDArray[np.float64]

SIMULATIONS = 200_000
MIN_SCORES = 4  # for a mean and a deviation


@dataclass(frozen=True)
class ScoreRow:
    """Scores of a run and of its null searches.

    Attributes:
        score: best score of the real search.
        nulls: best scores of the null searches by number, from 1; -inf if none was feasible.
    """

    score: float
    nulls: tuple[float, ...]


@dataclass(frozen=True)
class FamilyTest:
    """Test of a run among all runs on the same data.

    Attributes:
        runs: number of runs.
        p_value: share of the columns, with the real one, whose maximum over the runs is at least
            the standardized score of the tested run.
        pivot: p-value of the Gumbel pivot; None with fewer than 4 null scores.
    """

    runs: int
    p_value: float
    pivot: float | None


def compute_family_test(
    tested: ScoreRow, others: Sequence[ScoreRow] = (), unknown: int = 0
) -> FamilyTest:
    """Test a run among all runs on the same data.

    The null searches of all runs use the same permutations, so that a permuted market is a column
    of scores. Each row is standardized by its mean and deviation. The statistic of a column is its
    maximum over the rows (Westfall and Young, "Resampling-Based Multiple Testing", 1993).

    Args:
        tested: the run.
        others: the other runs on the data, with equally many null scores.
        unknown: number of runs whose null scores cannot be computed, or are those of other bars.
            The pivot is multiplied by their number (Bonferroni), and the p-value is at least that.
            A sum with the rank would exceed 0.05 at 19 null searches, for any score.
    """
    table = np.array([_standardize(each) for each in (tested, *others)])
    score, nulls = float(table[0, 0]), table[:, 1:].max(axis=0)
    p_value = (1 + int(np.count_nonzero(nulls >= score))) / (1 + len(nulls))
    pivot = pivot_p_value(score, nulls)
    if unknown:
        pivot = 1.0 if pivot is None else min(1.0, (1 + unknown) * pivot)
        p_value = max(p_value, pivot)
    return FamilyTest(len(table) + unknown, p_value, pivot)


def pivot_p_value(score: float, nulls: Series) -> float | None:
    """Return the probability of a score above that of a search without skill.

    The best of many trials has approximately a Gumbel distribution (Gumbel, "Statistics of
    Extremes", 1958). Its location and scale are unknown, but (score - mean) / deviation of the
    null scores is a pivot: its distribution depends on their number only, and is simulated.

    Args:
        score: best score of the real search.
        nulls: float64[search], best scores of the null searches.

    Returns:
        The p-value; None with fewer than 4 finite null scores or without a deviation.
    """
    finite = nulls[np.isfinite(nulls)]
    if len(finite) < MIN_SCORES:
        return None
    deviation = float(finite.std(ddof=1))
    if deviation == 0.0:
        return None
    pivots = _simulate_pivots(len(finite))
    position = np.searchsorted(pivots, (score - float(finite.mean())) / deviation, "left")
    return (1 + len(pivots) - int(position)) / (1 + len(pivots))


@lru_cache
def _simulate_pivots(count: int) -> Series:
    """Return float64[simulation], the sorted pivots of a Gumbel score and `count` null scores."""
    rng = np.random.default_rng(count)
    pivots = np.empty(SIMULATIONS)
    for index in range(SIMULATIONS // 1000):
        draws = rng.gumbel(size=(1000, count + 1))
        nulls = draws[:, 1:]
        pivots[1000 * index :][:1000] = (draws[:, 0] - nulls.mean(axis=1)) / nulls.std(
            axis=1, ddof=1
        )
    return np.sort(pivots)


def _standardize(row: ScoreRow) -> Series:
    """Return float64[1 + null], the scores less their mean, over their deviation.

    The real score counts in both, so that no column differs from the others.
    """
    scores = np.array([row.score, *row.nulls])
    finite = scores[np.isfinite(scores)]
    deviation = float(finite.std())
    standardized: Series = (scores - finite.mean()) / (deviation if deviation > 0.0 else 1.0)
    return standardized
