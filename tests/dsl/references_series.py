"""References of arithmetic, averages and statistics, by TA-Lib, pandas or definition."""

from __future__ import annotations

import numpy as np
import talib

from tests.dsl import definitions as plain
from tests.dsl.market import Reference, before, days, deviation, frame, mean, total, typical

ARITHMETIC: dict[str, Reference] = {
    "open + high": lambda b: np.add(b.open, b.high),
    "close - open": lambda b: np.subtract(b.close, b.open),
    "close * volume": lambda b: np.multiply(b.close, b.volume),
    "close / low": lambda b: np.divide(b.close, b.low),
    "-typical_price()": lambda b: -talib.TYPPRICE(b.high, b.low, b.close),
    "close[3]": lambda b: before(b.close, 3),
    "min(open, close, high)": lambda b: np.minimum(b.open, b.close),
    "max(open, close, low)": lambda b: np.maximum(b.open, b.close),
    "abs(close - open)": lambda b: np.abs(b.close - b.open),
    "sign(close - open)": lambda b: np.sign(b.close - b.open),
    "sqrt(volume)": lambda b: np.sqrt(b.volume),
    "log(close / open)": lambda b: np.log(b.close / b.open),
    "exp(roc(close, 1))": lambda b: np.exp(b.close / before(b.close) - 1),
    "power(close / open, 3)": lambda b: (b.close / b.open) ** 3,
    "power(close / open, close / low)": lambda b: (b.close / b.open) ** (b.close / b.low),
    "power(close / open - 1, 0.5)": lambda b: np.sqrt(
        np.where(b.close >= b.open, b.close / b.open - 1, np.nan)
    ),
    "signed_power(close / open - 1, 0.5)": lambda b: (
        np.sign(b.close - b.open) * np.sqrt(np.abs(b.close / b.open - 1))
    ),
    "clip(close / open, 0.995, 1.01)": lambda b: np.clip(b.close / b.open, 0.995, 1.01),
    "floor(close)": lambda b: np.floor(b.close),
    "where(close > open, high, low)": lambda b: np.choose(b.close > b.open, [b.low, b.high]),
    "body()": lambda b: b.close - b.open,
    "range()": lambda b: b.high - b.low,
    "gap()": lambda b: b.open - before(b.close),
    "weekday": lambda b: (days(b).day_of_week + 1).to_numpy(np.float64),
    "month": lambda b: days(b).month.to_numpy(np.float64),
    "day_of_month": lambda b: days(b).day.to_numpy(np.float64),
}

AVERAGES: dict[str, Reference] = {
    "sma(close, 20)": lambda b: talib.SMA(b.close, 20),
    "ema(close, 20)": lambda b: talib.EMA(b.close, 20),
    "rma(close, 14)": lambda b: plain.wilder(b.close, 14),
    "wma(close, 20)": lambda b: talib.WMA(b.close, 20),
    "dema(close, 20)": lambda b: talib.DEMA(b.close, 20),
    "tema(close, 20)": lambda b: talib.TEMA(b.close, 20),
    "hma(close, 20)": lambda b: talib.WMA(2 * talib.WMA(b.close, 10) - talib.WMA(b.close, 20), 4),
    "hma(close, 9)": lambda b: talib.WMA(2 * talib.WMA(b.close, 4) - talib.WMA(b.close, 9), 3),
    "kama(close, 10)": lambda b: talib.KAMA(b.close, 10),
    "smooth(close, 0.1)": lambda b: frame(b.close).ewm(alpha=0.1, adjust=False).mean().to_numpy(),
    "vwma(close, 20)": lambda b: total(b.close * b.volume, 20) / total(b.volume, 20),
    "vwap": lambda b: typical(b),
    "vwap()": lambda b: typical(b),
    "rolling_vwap(20)": lambda b: total(typical(b) * b.volume, 20) / total(b.volume, 20),
    "linreg(close, 14)": lambda b: talib.LINEARREG(b.close, 14),
}

STATISTICS: dict[str, Reference] = {
    "sum(close, 20)": lambda b: talib.SUM(b.close, 20),
    "product(close / close[1], 10)": lambda b: b.close / before(b.close, 10),
    "cumulate(volume)": lambda b: np.cumsum(b.volume),
    "highest(high, 20)": lambda b: talib.MAX(b.high, 20),
    "lowest(low, 20)": lambda b: talib.MIN(b.low, 20),
    "midpoint(close, 20)": lambda b: talib.MIDPOINT(b.close, 20),
    "percentrank(close, 60)": lambda b: (
        (frame(b.close).rolling(60).rank().to_numpy() - 1) / (60 - 1)
    ),
    "quantile(close, 20, 0.3)": lambda b: frame(b.close).rolling(20).quantile(0.3).to_numpy(),
    "median(close, 20)": lambda b: frame(b.close).rolling(20).median().to_numpy(),
    "median(close, 9)": lambda b: frame(b.close).rolling(9).median().to_numpy(),
    "stdev(close, 20)": lambda b: deviation(b.close, 20),
    "variance(close, 20)": lambda b: frame(b.close).rolling(20).var().to_numpy(),
    "skew(close, 20)": lambda b: frame(b.close).rolling(20).skew().to_numpy(),
    "kurt(close, 20)": lambda b: frame(b.close).rolling(20).kurt().to_numpy(),
    "correlation(close, volume, 20)": lambda b: (
        frame(b.close).rolling(20).corr(frame(b.volume)).to_numpy()
    ),
    "covariance(close, volume, 20)": lambda b: (
        frame(b.close).rolling(20).cov(frame(b.volume)).to_numpy()
    ),
    "slope(close, 14)": lambda b: talib.LINEARREG_SLOPE(b.close, 14),
    "intercept(close, 14)": lambda b: talib.LINEARREG_INTERCEPT(b.close, 14),
    "resid(close, 14)": lambda b: b.close - talib.LINEARREG(b.close, 14),
    "zscore(close, 20)": lambda b: (b.close - mean(b.close, 20)) / deviation(b.close, 20),
}
