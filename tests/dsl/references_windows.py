"""References of rolling operators: functions of each window; a window with a gap is unknown."""

from __future__ import annotations

import numpy as np

from tests.dsl import definitions as plain
from tests.dsl.definitions import compare, known_to_hold, rises, roll
from tests.dsl.market import Reference, Rows, before, typical
from tests.dsl.references_indicators import traded
from tests.samples import Values


def sample_deviation(x: Values) -> float:
    return float(np.std(x, ddof=1))


def band(b: Rows, k: float) -> Values:
    return roll(lambda x: float(x.mean()) + k * sample_deviation(x), 5, b.close)


def span(b: Rows, n: int) -> tuple[Values, Values]:
    return roll(min, n, b.low), roll(max, n, b.high)


def close_in_range(b: Rows) -> Values:
    low, high = span(b, 5)
    return (b.close - low) / (high - low)


def hull(x: Values) -> Values:
    quick, slow = roll(plain.weighted_mean, 4, x), roll(plain.weighted_mean, 9, x)
    return roll(plain.weighted_mean, 3, 2 * quick - slow)


def true_low(b: Rows) -> Values:
    return np.minimum(b.low, before(b.close))


def true_range(b: Rows) -> Values:
    return np.maximum(b.high, before(b.close)) - true_low(b)


def pressure(b: Rows, n: int) -> Values:
    return roll(np.sum, n, b.close - true_low(b)) / roll(np.sum, n, true_range(b))


def money(b: Rows, sign: int) -> Values:
    return roll(np.sum, 5, traded(b, sign))


def candle(b: Rows) -> Values:
    return compare(b.close > b.open, b.close, b.open)


WINDOWED: dict[str, Reference] = {
    "sma(close, 5)": lambda b: roll(np.mean, 5, b.close),
    "wma(close, 5)": lambda b: roll(plain.weighted_mean, 5, b.close),
    "hma(close, 9)": lambda b: hull(b.close),
    "vwma(close, 5)": lambda b: roll(lambda x, v: x @ v / v.sum(), 5, b.close, b.volume),
    "rolling_vwap(5)": lambda b: roll(lambda x, v: x @ v / v.sum(), 5, typical(b), b.volume),
    "linreg(close, 5)": lambda b: roll(plain.line_end, 5, b.close),
    "intercept(close, 5)": lambda b: roll(lambda x: plain.line(x)[0], 5, b.close),
    "slope(close, 5)": lambda b: roll(lambda x: plain.line(x)[1], 5, b.close),
    "resid(close, 5)": lambda b: b.close - roll(plain.line_end, 5, b.close),
    "rsquare(close, 5)": lambda b: roll(plain.line_fit, 5, b.close),
    "sum(close, 5)": lambda b: roll(np.sum, 5, b.close),
    "product(close / open, 5)": lambda b: roll(np.prod, 5, b.close / b.open),
    "highest(high, 5)": lambda b: roll(max, 5, b.high),
    "lowest(low, 5)": lambda b: roll(min, 5, b.low),
    "highest_bar(high, 5)": lambda b: roll(plain.bars_ago(max), 5, b.high),
    "lowest_bar(low, 5)": lambda b: roll(plain.bars_ago(min), 5, b.low),
    "midpoint(close, 5)": lambda b: roll(lambda x: (min(x) + max(x)) / 2, 5, b.close),
    "percentrank(close, 5)": lambda b: roll(plain.share_below, 5, b.close),
    "quantile(close, 5, 0.3)": lambda b: roll(plain.quantile_of(0.3), 5, b.close),
    "median(close, 5)": lambda b: roll(plain.quantile_of(0.5), 5, b.close),
    "stdev(close, 5)": lambda b: roll(sample_deviation, 5, b.close),
    "variance(close, 5)": lambda b: roll(sample_deviation, 5, b.close) ** 2,
    "skew(close, 5)": lambda b: roll(plain.skewness, 5, b.close),
    "kurt(close, 5)": lambda b: roll(plain.excess_kurtosis, 5, b.close),
    "mad(close, 5)": lambda b: roll(plain.mean_deviation, 5, b.close),
    "zscore(close, 5)": lambda b: roll(
        lambda x: float(np.divide(x[-1] - x.mean(), sample_deviation(x))), 5, b.close
    ),
    "bb_upper(close, 5, 2)": lambda b: band(b, 2),
    "bb_lower(close, 5, 2)": lambda b: band(b, -2),
    "bb_percent(close, 5, 2)": lambda b: (b.close - band(b, -2)) / (band(b, 2) - band(b, -2)),
    "bb_width(close, 5, 2)": lambda b: (band(b, 2) - band(b, -2)) / band(b, 0),
    "correlation(close, volume, 5)": lambda b: roll(
        lambda x, y: np.corrcoef(x, y)[0, 1], 5, b.close, b.volume
    ),
    "covariance(close, volume, 5)": lambda b: roll(
        lambda x, y: np.cov(x, y)[0, 1], 5, b.close, b.volume
    ),
    "stoch_k(5)": lambda b: 100 * close_in_range(b),
    "stoch_d(5, 3)": lambda b: roll(np.mean, 3, 100 * close_in_range(b)),
    "willr(5)": lambda b: 100 * close_in_range(b) - 100,
    "aroon_up(5)": lambda b: 100 - 20 * roll(plain.bars_ago(max), 6, b.high),
    "aroon_down(5)": lambda b: 100 - 20 * roll(plain.bars_ago(min), 6, b.low),
    "ultosc(3, 5, 8)": lambda b: (
        (4 * pressure(b, 3) + 2 * pressure(b, 5) + pressure(b, 8)) * 100 / 7
    ),
    "cci(5)": lambda b: roll(
        lambda x: float(x[-1] - x.mean()) / plain.mean_deviation(x) / 0.015, 5, typical(b)
    ),
    "mfi(5)": lambda b: 100 * money(b, 1) / (money(b, 1) + money(b, -1)),
    "parkinson(5)": lambda b: roll(plain.parkinson, 5, b.high, b.low),
    "garman_klass(5)": lambda b: roll(plain.garman_klass, 5, b.open, b.high, b.low, b.close),
    "cmf(5)": lambda b: roll(plain.money_flow, 5, b.high, b.low, b.close, b.volume),
    "rising(close, 3)": lambda b: known_to_hold(roll(plain.is_above_all_before, 4, b.close)),
    "falling(close, 3)": lambda b: known_to_hold(roll(plain.is_above_all_before, 4, -b.close)),
    "count(close > close[1], 5)": lambda b: roll(np.sum, 5, rises(b.close)),
    "any(close > close[1], 3)": lambda b: known_to_hold(roll(max, 3, rises(b.close))),
    "not any(close > close[1], 3)": lambda b: known_to_hold(1 - roll(max, 3, rises(b.close))),
    "all(close > open, 3)": lambda b: known_to_hold(roll(min, 3, candle(b))),
    "not all(close > open, 3)": lambda b: known_to_hold(1 - roll(min, 3, candle(b))),
}

# These look back without a limit.
REMEMBERING: dict[str, Reference] = {
    "bars_since(close > open)": lambda b: plain.bars_since(candle(b)),
    "valuewhen(close > open, volume)": lambda b: plain.value_when(candle(b), b.volume),
    "consecutive(close > open)": lambda b: plain.consecutive(candle(b)),
    "smooth(close, 0.2)": lambda b: plain.recursive(b.close, 1, 0.2),
    "ema(close, 3)": lambda b: plain.exponential(b.close, 3),
    "rma(close, 3)": lambda b: plain.wilder(b.close, 3),
    "dema(close, 3)": lambda b: (
        2 * plain.exponential(b.close, 3) - plain.exponential(plain.exponential(b.close, 3), 3)
    ),
}
