"""Statistics of a winner among its trials. They accompany a verdict and never decide it."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from evolve.errors import EvolveError
from evolve.validation.pbo import Overfitting, estimate_overfitting
from evolve.validation.sharpe import (
    deflated_sharpe,
    measure_moments,
    minimum_track_record,
    probabilistic_sharpe,
)
from evolve.validation.spa import SuperiorAbility, compute_spa, is_constant

Series = NDArray[np.float64]
Matrix = NDArray[np.float64]

MAX_DISTANCE = 0.5  # mean of 1 - correlation within a behavior class


@dataclass(frozen=True)
class TrialStatistics:
    """Statistics of a winner; None if there are too few bars or strategies.

    Attributes:
        trials: number of trials, K of `deflated_by_trials`.
        sampled: number of feasible trials that were compared.
        classes: number of behavior classes among them, K of `deflated_by_classes`.
        probabilistic: probability that the ratio of the winner is above 0, as if it were the only
            trial.
        deflated_by_classes: the same above the best ratio expected of `classes` trials.
        deflated_by_trials: the same above the best ratio expected of `trials` trials.
        track_record_years: years after which the ratio of the winner is significant, as if it were
            the only trial; infinity if it is not above 0.
        overfitting: cross-validation over one strategy of each class.
        superior: test for superior predictive ability over the same strategies, with blocks of the
            cube root of the number of bars.
    """

    trials: int
    sampled: int
    classes: int
    probabilistic: float
    deflated_by_classes: float
    deflated_by_trials: float
    track_record_years: float
    overfitting: Overfitting | None
    superior: SuperiorAbility | None


def compute_trial_statistics(
    winner: Series, sample: Matrix, trials: int, bars_per_year: float, rng: np.random.Generator
) -> TrialStatistics:
    """Compute the statistics of a winner among a sample of trials.

    Args:
        winner: float64[bar], appraisal returns of the winner.
        sample: float64[bar, strategy], appraisal returns of feasible trials.
        trials: number of trials.
        bars_per_year: A.
        rng: source of the resamples.
    """
    moments = measure_moments(winner)
    classes = group_by_behavior(sample)
    ratios = _compute_ratios(sample)
    variance = float(np.var(ratios, ddof=1)) if len(ratios) > 1 else math.nan
    count = int(classes.max()) + 1 if len(classes) else 0
    representatives = sample[:, [_find_best(ratios, classes == each) for each in range(count)]]
    overfitting: Overfitting | None = None
    superior: SuperiorAbility | None = None
    try:
        overfitting = estimate_overfitting(representatives)
        superior = compute_spa(representatives, rng, block_bars=len(winner) ** (1 / 3))
    except EvolveError:  # too few bars or strategies
        pass
    return TrialStatistics(
        trials,
        len(classes),
        count,
        probabilistic_sharpe(moments),
        deflated_sharpe(moments, count, variance),
        deflated_sharpe(moments, trials, variance),
        minimum_track_record(moments) / bars_per_year,
        overfitting,
        superior,
    )


def group_by_behavior(returns: Matrix) -> NDArray[np.int64]:
    """Return int64[strategy], the behavior class of each strategy.

    Classes are clusters of average linkage in which the mean distance, 1 less the correlation of
    returns, is at most 0.5 (Sokal and Michener 1958). Strategies with constant returns form one
    class.

    Args:
        returns: float64[bar, strategy].
    """
    from scipy.cluster.hierarchy import fcluster, linkage
    from scipy.spatial.distance import squareform

    count = returns.shape[1]
    if count < 2:
        return np.zeros(count, np.int64)
    centred = returns - returns.mean(axis=0)
    norms = np.sqrt((centred * centred).sum(axis=0))
    scaled = centred / np.where(norms > 0.0, norms, 1.0)
    constant = is_constant(returns)
    scaled[:, constant] = 0.0
    distance = np.clip(1.0 - scaled.T @ scaled, 0.0, 2.0)
    distance[np.ix_(constant, constant)] = 0.0
    np.fill_diagonal(distance, 0.0)
    tree = linkage(squareform(distance, checks=False), "average")
    labels: NDArray[np.int64] = fcluster(tree, MAX_DISTANCE, "distance").astype(np.int64) - 1
    return labels


def _compute_ratios(returns: Matrix) -> Series:
    """Return float64[strategy], the ratios per bar; 0 for constant returns."""
    deviations = returns.std(axis=0, ddof=1)
    moves = deviations > 0.0
    ratios: Series = np.where(moves, returns.mean(axis=0) / np.where(moves, deviations, 1.0), 0.0)
    return ratios


def _find_best(ratios: Series, members: NDArray[np.bool_]) -> int:
    return int(np.argmax(np.where(members, ratios, -np.inf)))
