"""Sharpe ratio of a sample: its error, its significance after selection, and the power of its test.

All ratios are per bar, and not annualized, unless a name has another unit.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

EULER = 0.5772156649015329
CRITICAL_T = 1.645  # one-sided, 5 %
TINY = 1e-12  # a range below this part of the largest return is rounding, not variation
NORMAL = NormalDist()


@dataclass(frozen=True)
class ReturnMoments:
    """Moments of a return series, which determine the error of its Sharpe ratio.

    Attributes:
        count: number of returns, T.
        sharpe: mean over sample deviation (ddof 1) per bar; 0 if the returns are constant.
        skewness: third standardized moment; NaN if the returns are constant.
        kurtosis: fourth standardized moment, 3 for normal returns; NaN if they are constant.
    """

    count: int
    sharpe: float
    skewness: float
    kurtosis: float


def measure_moments(returns: NDArray[np.float64]) -> ReturnMoments:
    """Return the moments of a series of returns, float64[bar].

    Skewness and kurtosis are ratios of central moments, each divided by T. A NaN among the returns
    is a NaN in all moments.
    """
    count = len(returns)
    if count < 2 or np.ptp(returns) <= TINY * np.abs(returns).max():
        return ReturnMoments(count, 0.0, math.nan, math.nan)
    mean = returns.mean()
    deviation = math.sqrt(((returns - mean) ** 2).mean())
    scores = (returns - mean) / deviation
    sharpe = mean / deviation * math.sqrt((count - 1) / count)
    return ReturnMoments(count, float(sharpe), float((scores**3).mean()), float((scores**4).mean()))


def expected_best(trials: float) -> float:
    """Return the expected maximum of `trials` independent standard normal draws.

    Source: Bailey and López de Prado, "The Deflated Sharpe Ratio" (2014), equation 1.
    """
    if trials < 2:
        return 0.0
    first = NORMAL.inv_cdf(1 - 1 / trials)
    second = NORMAL.inv_cdf(1 - 1 / (trials * math.e))
    return (1 - EULER) * first + EULER * second


def probabilistic_sharpe(moments: ReturnMoments, threshold: float = 0.0) -> float:
    """Return the probability that the true Sharpe ratio is above a threshold.

    Source: Bailey and López de Prado, "The Sharpe Ratio Efficient Frontier" (2012), section on the
    probabilistic Sharpe ratio.

    Args:
        moments: moments of the returns.
        threshold: a Sharpe ratio per bar.

    Returns:
        The probability; NaN for constant returns, or moments that no distribution has.
    """
    excess = compute_t(moments.sharpe - threshold, moments.count)
    return NORMAL.cdf(excess / math.sqrt(_compute_error_variance(moments)))


def deflated_sharpe(moments: ReturnMoments, trials: float, variance: float) -> float:
    """Return the probability that the best of many trials has a true Sharpe ratio above 0.

    The threshold is the ratio expected of the best of as many trials without skill. Source: Bailey
    and López de Prado, "The Deflated Sharpe Ratio" (2014), equation 2.

    Args:
        moments: moments of the returns of the best trial.
        trials: number of independent trials, or its estimate.
        variance: variance of the Sharpe ratios per bar over trials.
    """
    return probabilistic_sharpe(moments, math.sqrt(variance) * expected_best(trials))


def minimum_track_record(
    moments: ReturnMoments, threshold: float = 0.0, confidence: float = 0.95
) -> float:
    """Return the bars after which a Sharpe ratio is significantly above a threshold.

    Source: Bailey and López de Prado, "The Sharpe Ratio Efficient Frontier" (2012), section on the
    minimum track record length.

    Args:
        moments: moments of the returns; their count is not used.
        threshold: a Sharpe ratio per bar.
        confidence: the probabilistic Sharpe ratio to reach.

    Returns:
        The number of bars, with a fraction; infinity if the ratio is at most the threshold.
    """
    if moments.sharpe <= threshold:
        return math.inf
    distance = NORMAL.inv_cdf(confidence) / (moments.sharpe - threshold)
    return 1 + _compute_error_variance(moments) * distance * distance


def compute_t(sharpe: float, count: int) -> float:
    """Return the t statistic of a Sharpe ratio, SR·√(T − 1).

    The error is that at a true ratio of 0, which depends neither on skewness nor on kurtosis.
    Source: the probabilistic Sharpe ratio of Bailey and López de Prado (2012), with this error.

    Args:
        sharpe: the Sharpe ratio per bar.
        count: number of returns, T.
    """
    return sharpe * math.sqrt(max(count - 1, 0))


def compute_power(sharpe: float, count: int, critical: float = CRITICAL_T) -> float:
    """Return the probability that t reaches its critical value, Φ(SR·√(T − 1) − critical).

    Source: Lo, "The Statistics of Sharpe Ratios" (2002), with the error at a ratio of 0.

    Args:
        sharpe: the true Sharpe ratio per bar.
        count: number of returns, T.
        critical: the value of t at which the test rejects a true ratio of 0.
    """
    return NORMAL.cdf(compute_t(sharpe, count) - critical)


def _compute_error_variance(moments: ReturnMoments) -> float:
    """Return T − 1 times the variance of a Sharpe ratio; NaN if no distribution has the moments.

    Source: Mertens, "Comments on Variance of the IID Estimator in Lo" (2002).
    """
    sharpe = moments.sharpe
    variance = 1 - moments.skewness * sharpe + (moments.kurtosis - 1) / 4 * sharpe * sharpe
    return variance if variance > 0 else math.nan
