"""Rolling operators as a function of each window without gaps; unknown where there is one."""

from __future__ import annotations

import numpy as np

from tests.dsl import definitions as plain
from tests.dsl.definitions import compared, known_to_hold, rises, rolled
from tests.dsl.market import Reference, Rows, before, typical
from tests.dsl.references_indicators import traded
from tests.samples import Values


def sample_deviation(x: Values) -> float:
    return float(np.std(x, ddof=1))


def band(b: Rows, k: float) -> Values:
    return rolled(lambda x: float(x.mean()) + k * sample_deviation(x), 5, b.close)


def span(b: Rows, n: int) -> tuple[Values, Values]:
    return rolled(min, n, b.low), rolled(max, n, b.high)


def place(b: Rows) -> Values:
    low, high = span(b, 5)
    return (b.close - low) / (high - low)


def hull(x: Values) -> Values:
    quick, slow = rolled(plain.weighted_mean, 4, x), rolled(plain.weighted_mean, 9, x)
    return rolled(plain.weighted_mean, 3, 2 * quick - slow)


def true_low(b: Rows) -> Values:
    return np.minimum(b.low, before(b.close))


def true_range(b: Rows) -> Values:
    return np.maximum(b.high, before(b.close)) - true_low(b)


def pressure(b: Rows, n: int) -> Values:
    return rolled(np.sum, n, b.close - true_low(b)) / rolled(np.sum, n, true_range(b))


def money(b: Rows, sign: int) -> Values:
    return rolled(np.sum, 5, traded(b, sign))


def candle(b: Rows) -> Values:
    return compared(b.close > b.open, b.close, b.open)


WINDOWED: dict[str, Reference] = {
    "sma(close, 5)": lambda b: rolled(np.mean, 5, b.close),
    "wma(close, 5)": lambda b: rolled(plain.weighted_mean, 5, b.close),
    "hma(close, 9)": lambda b: hull(b.close),
    "vwma(close, 5)": lambda b: rolled(lambda x, v: x @ v / v.sum(), 5, b.close, b.volume),
    "rolling_vwap(5)": lambda b: rolled(lambda x, v: x @ v / v.sum(), 5, typical(b), b.volume),
    "linreg(close, 5)": lambda b: rolled(plain.line_end, 5, b.close),
    "intercept(close, 5)": lambda b: rolled(lambda x: plain.line(x)[0], 5, b.close),
    "slope(close, 5)": lambda b: rolled(lambda x: plain.line(x)[1], 5, b.close),
    "resid(close, 5)": lambda b: b.close - rolled(plain.line_end, 5, b.close),
    "rsquare(close, 5)": lambda b: rolled(plain.line_fit, 5, b.close),
    "sum(close, 5)": lambda b: rolled(np.sum, 5, b.close),
    "product(close / open, 5)": lambda b: rolled(np.prod, 5, b.close / b.open),
    "highest(high, 5)": lambda b: rolled(max, 5, b.high),
    "lowest(low, 5)": lambda b: rolled(min, 5, b.low),
    "highest_bar(high, 5)": lambda b: rolled(plain.bars_ago(max), 5, b.high),
    "lowest_bar(low, 5)": lambda b: rolled(plain.bars_ago(min), 5, b.low),
    "midpoint(close, 5)": lambda b: rolled(lambda x: (min(x) + max(x)) / 2, 5, b.close),
    "percentrank(close, 5)": lambda b: rolled(plain.share_below, 5, b.close),
    "quantile(close, 5, 0.3)": lambda b: rolled(plain.quantile_of(0.3), 5, b.close),
    "median(close, 5)": lambda b: rolled(plain.quantile_of(0.5), 5, b.close),
    "stdev(close, 5)": lambda b: rolled(sample_deviation, 5, b.close),
    "variance(close, 5)": lambda b: rolled(sample_deviation, 5, b.close) ** 2,
    "skew(close, 5)": lambda b: rolled(plain.skewness, 5, b.close),
    "kurt(close, 5)": lambda b: rolled(plain.excess_kurtosis, 5, b.close),
    "mad(close, 5)": lambda b: rolled(plain.mean_deviation, 5, b.close),
    "zscore(close, 5)": lambda b: rolled(
        lambda x: float(np.divide(x[-1] - x.mean(), sample_deviation(x))), 5, b.close
    ),
    "bb_upper(close, 5, 2)": lambda b: band(b, 2),
    "bb_lower(close, 5, 2)": lambda b: band(b, -2),
    "bb_percent(close, 5, 2)": lambda b: (b.close - band(b, -2)) / (band(b, 2) - band(b, -2)),
    "bb_width(close, 5, 2)": lambda b: (band(b, 2) - band(b, -2)) / band(b, 0),
    "correlation(close, volume, 5)": lambda b: rolled(
        lambda x, y: np.corrcoef(x, y)[0, 1], 5, b.close, b.volume
    ),
    "covariance(close, volume, 5)": lambda b: rolled(
        lambda x, y: np.cov(x, y)[0, 1], 5, b.close, b.volume
    ),
    "stoch_k(5)": lambda b: 100 * place(b),
    "stoch_d(5, 3)": lambda b: rolled(np.mean, 3, 100 * place(b)),
    "willr(5)": lambda b: 100 * place(b) - 100,
    "aroon_up(5)": lambda b: 100 - 20 * rolled(plain.bars_ago(max), 6, b.high),
    "aroon_down(5)": lambda b: 100 - 20 * rolled(plain.bars_ago(min), 6, b.low),
    "ultosc(3, 5, 8)": lambda b: (
        (4 * pressure(b, 3) + 2 * pressure(b, 5) + pressure(b, 8)) * 100 / 7
    ),
    "cci(5)": lambda b: rolled(
        lambda x: float(x[-1] - x.mean()) / plain.mean_deviation(x) / 0.015, 5, typical(b)
    ),
    "mfi(5)": lambda b: 100 * money(b, 1) / (money(b, 1) + money(b, -1)),
    "parkinson(5)": lambda b: rolled(plain.parkinson, 5, b.high, b.low),
    "garman_klass(5)": lambda b: rolled(plain.garman_klass, 5, b.open, b.high, b.low, b.close),
    "cmf(5)": lambda b: rolled(plain.money_flow, 5, b.high, b.low, b.close, b.volume),
    "rising(close, 3)": lambda b: known_to_hold(rolled(plain.is_above_all_before, 4, b.close)),
    "falling(close, 3)": lambda b: known_to_hold(rolled(plain.is_above_all_before, 4, -b.close)),
    "count(close > close[1], 5)": lambda b: rolled(np.sum, 5, rises(b.close)),
    "any(close > close[1], 3)": lambda b: known_to_hold(rolled(max, 3, rises(b.close))),
    "not any(close > close[1], 3)": lambda b: known_to_hold(1 - rolled(max, 3, rises(b.close))),
    "all(close > open, 3)": lambda b: known_to_hold(rolled(min, 3, candle(b))),
    "not all(close > open, 3)": lambda b: known_to_hold(1 - rolled(min, 3, candle(b))),
}

# These look back as far as need be.
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
