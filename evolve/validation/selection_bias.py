"""Selection bias: the score expected of the best of many trials without skill."""

from __future__ import annotations

import math

from evolve.validation.sharpe import expected_best

RATIOS = ("appraisal_ratio", "sharpe")  # with a standard error known from the length of the data


def compute_independent_level(
    measure: str, trials: int, years: float, folds: int, penalty: float
) -> float | None:
    """Return the score expected of the best of `trials` independent trials without skill.

    An annualized ratio over T years has a standard error of about 1 / sqrt(T) (Lo, "The Statistics
    of Sharpe Ratios", 2002). The score is its mean over folds less `penalty` sample deviations over
    folds, which vary independently of the mean. A search adapts to the noise, so it reaches more by
    luck; the null run measures how much.

    Args:
        measure: the first objective.
        trials: number of trials.
        years: length of the data on which trials are scored.
        folds: number of folds of the data.
        penalty: deviations over folds subtracted from the mean.

    Returns:
        The score; None for a measure without a known error.
    """
    if measure not in RATIOS or years <= 0:
        return None
    expected = _expected_deviation(folds)
    fold_penalty = penalty * math.sqrt(folds / years)
    penalty_error = fold_penalty * math.sqrt(1 - expected * expected) if folds > 1 else 0.0
    error = math.hypot(1 / math.sqrt(years), penalty_error)
    return expected_best(trials) * error - fold_penalty * expected


def _expected_deviation(count: int) -> float:
    """Return the expected sample deviation of `count` standard normal draws, c4 of statistics."""
    if count < 2:
        return 0.0
    gammas = math.lgamma(count / 2) - math.lgamma((count - 1) / 2)
    return math.sqrt(2 / (count - 1)) * math.exp(gammas)
