"""Plain definitions of indicators, computed one bar or one window at a time.

A condition is a series of 1 and 0, or NaN where it is unknown.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from tests.samples import Values

# -- windows


def roll(function: Callable[..., float], n: int, *series: Values) -> Values:
    """Apply a function to each window of n values; unknown if any of them is unknown."""
    out = np.full(len(series[0]), np.nan)
    for i in range(n - 1, len(out)):
        windows = [x[i - n + 1 : i + 1] for x in series]
        if not np.isnan(windows).any():
            out[i] = function(*windows)
    return out


def weighted_mean(x: Values) -> float:
    return float(np.average(x, weights=np.arange(1, len(x) + 1)))


def bars_ago(extreme: Callable[[Values], float]) -> Callable[[Values], float]:
    """Build a function that returns the bars since the newest extreme of a window."""
    return lambda x: float(x[::-1].tolist().index(extreme(x)))


def share_below(x: Values) -> float:
    """Return the share of the other values below the newest; equal ones count half."""
    equal = np.sum(x == x[-1]) - 1
    return float((np.sum(x < x[-1]) + equal / 2) / (len(x) - 1))


def quantile_of(q: float) -> Callable[[Values], float]:
    def function(x: Values) -> float:
        ordered, position = sorted(x.tolist()), q * (len(x) - 1)
        below = int(position)
        above = min(below + 1, len(x) - 1)
        return float(ordered[below] + (position - below) * (ordered[above] - ordered[below]))

    return function


def mean_deviation(x: Values) -> float:
    return float(np.abs(x - x.mean()).mean())


def skewness(x: Values) -> float:
    """Return the third standardized moment, corrected for bias."""
    n, away = len(x), x - x.mean()
    biased = (away**3).mean() / (away**2).mean() ** 1.5
    return float(biased * np.sqrt(n * (n - 1)) / (n - 2))


def excess_kurtosis(x: Values) -> float:
    """Return the fourth standardized moment minus that of a normal, corrected for bias."""
    n, away = len(x), x - x.mean()
    biased = (away**4).mean() / (away**2).mean() ** 2 - 3
    return float(((n + 1) * biased + 6) * (n - 1) / ((n - 2) * (n - 3)))


def line(x: Values) -> tuple[float, float]:
    """Fit a least-squares line over bars 0, 1, …; return intercept and slope."""
    bar = np.arange(len(x)) - (len(x) - 1) / 2
    slope = float(bar @ (x - x.mean()) / (bar @ bar))
    return float(x.mean()) + slope * float(bar[0]), slope


def line_end(x: Values) -> float:
    intercept, slope = line(x)
    return intercept + slope * (len(x) - 1)


def line_fit(x: Values) -> float:
    """Return the share of the variance that the least-squares line explains."""
    return float(np.corrcoef(np.arange(len(x)), x)[0, 1] ** 2)


def parkinson(high: Values, low: Values) -> float:
    return float(np.sqrt(np.mean(np.log(high / low) ** 2) / (4 * np.log(2))))


def garman_klass(opened: Values, high: Values, low: Values, close: Values) -> float:
    terms = np.log(high / low) ** 2 / 2 - (2 * np.log(2) - 1) * np.log(close / opened) ** 2
    return float(np.sqrt(np.mean(terms)))


def money_flow(high: Values, low: Values, close: Values, volume: Values) -> float:
    """Return Chaikin money flow: volume weighted by the close, from -1 at the low to 1."""
    width = high - low
    weight = np.divide((close - low) - (high - close), width, np.zeros(len(low)), where=width > 0)
    return float((weight * volume).sum() / volume.sum())


def is_above_all_before(x: Values) -> float:
    return float(all(x[-1] > each for each in x[:-1]))


# -- windows in exact arithmetic


def exact_covariance(x: Values, y: Values) -> float:
    xs, ys = [Fraction(each) for each in x.tolist()], [Fraction(each) for each in y.tolist()]
    n = len(xs)
    x_mean, y_mean = sum(xs) / n, sum(ys) / n
    products = sum((a - x_mean) * (b - y_mean) for a, b in zip(xs, ys, strict=True))
    return float(products / (n - 1))


def exact_correlation(x: Values, y: Values) -> float:
    spread = exact_covariance(x, x) * exact_covariance(y, y)
    return float(exact_covariance(x, y) / np.sqrt(spread))


def exact_slope(x: Values) -> float:
    bar = np.arange(float(len(x)))
    return exact_covariance(bar, x) / exact_covariance(bar, bar)


# -- recursions


def recursive(x: Values, n: int, weight: float) -> Values:
    """Return the recursive average, seeded with the mean of the first n values after any gap."""
    out, seed = np.full(len(x), np.nan), list[float]()
    for i, value in enumerate(x.tolist()):
        if np.isnan(value):
            seed = []
        elif len(seed) < n:
            seed.append(value)
            out[i] = np.mean(seed) if len(seed) == n else np.nan
        else:
            out[i] = out[i - 1] * (1 - weight) + value * weight
    return out


def wilder(x: Values, n: int) -> Values:
    return recursive(x, n, 1 / n)


def exponential(x: Values, n: int) -> Values:
    return recursive(x, n, 2 / (n + 1))


# -- conditions


def compare(holds: NDArray[np.bool_], *inputs: Values) -> Values:
    """Return a comparison of inputs as a condition, unknown where an input is."""
    return np.where(np.isnan(inputs).any(axis=0), np.nan, holds)


def rises(x: Values) -> Values:
    """Return the condition x > x[1]."""
    before = np.concatenate([[np.nan], x[:-1]])
    return compare(x > before, x, before)


def known_to_hold(condition: Values) -> Values:
    """Return 1 where a condition holds, 0 where it does not or is unknown."""
    return np.nan_to_num(condition)


def bars_since(condition: Values) -> Values:
    out, since = np.empty(len(condition)), np.nan
    for i, holds in enumerate(condition):
        since = np.nan if np.isnan(holds) else 0.0 if holds else since + 1
        out[i] = since
    return out


def value_when(condition: Values, x: Values) -> Values:
    out, value = np.empty(len(condition)), np.nan
    for i, holds in enumerate(condition):
        value = np.nan if np.isnan(holds) else x[i] if holds else value
        out[i] = value
    return out


def consecutive(condition: Values) -> Values:
    out, length = np.empty(len(condition)), 0.0
    for i, holds in enumerate(condition):
        length = np.nan if np.isnan(holds) else length + 1 if holds else 0.0
        out[i] = length
    return out
