"""What the best of many trials would score if none had any skill."""

from __future__ import annotations

import math
from statistics import NormalDist

EULER = 0.5772156649015329
RATIOS = ("appraisal_ratio", "sharpe")  # measures whose error is known from the length of the data


def expected_best(trials: int) -> float:
    """The expected largest of so many independent standard normal draws.

    Source: Bailey and López de Prado, "The Deflated Sharpe Ratio" (2014), equation 1.
    """
    if trials < 2:
        return 0.0
    normal = NormalDist()
    first = normal.inv_cdf(1 - 1 / trials)
    second = normal.inv_cdf(1 - 1 / (trials * math.e))
    return (1 - EULER) * first + EULER * second


def compute_luck_level(
    measure: str, trials: int, years: float, folds: int, penalty: float
) -> float | None:
    """The score that the best of some trials without skill is expected to reach by luck.

    A yearly ratio over T years has a standard error of about 1 / sqrt(T) (Lo, "The Statistics of
    Sharpe Ratios", 2002). The score is its mean over folds less `penalty` sample deviations over
    them, which vary by themselves and independently of the mean. Trials that resemble each other
    reach less: it is an upper estimate.

    Args:
        measure: what is maximized.
        trials: how many were made.
        years: the length of the data they were scored on.
        folds: slices of it.
        penalty: deviations over folds taken off the mean.

    Returns:
        The score; None for a measure whose error is not known.
    """
    if measure not in RATIOS or years <= 0:
        return None
    expected = _expected_deviation(folds)
    of_a_fold = penalty * math.sqrt(folds / years)
    varies = of_a_fold * math.sqrt(1 - expected * expected) if folds > 1 else 0.0
    error = math.hypot(1 / math.sqrt(years), varies)
    return expected_best(trials) * error - of_a_fold * expected


def _expected_deviation(count: int) -> float:
    """The expected sample deviation of so many standard normal draws: c4 of statistics."""
    if count < 2:
        return 0.0
    gammas = math.lgamma(count / 2) - math.lgamma((count - 1) / 2)
    return math.sqrt(2 / (count - 1)) * math.exp(gammas)
