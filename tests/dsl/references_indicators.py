"""References of indicators, conditions and events, by TA-Lib, pandas or definition."""

from __future__ import annotations

import numpy as np
import talib
from numpy.typing import NDArray

from tests.dsl import definitions as plain
from tests.dsl.definitions import rises
from tests.dsl.market import Reference, Rows, before, deviation, frame, mean, total, typical
from tests.samples import Values


def triple_ema(x: Values, n: int) -> Values:
    smoothed: Values = talib.EMA(talib.EMA(talib.EMA(x, n), n), n)
    return smoothed


def macd(x: Values, fast: int, slow: int) -> Values:
    difference: Values = talib.EMA(x, fast) - talib.EMA(x, slow)
    return difference


def traded(b: Rows, sign: int) -> Values:
    """Return the money traded on bars whose typical price rose (1) or fell (-1), else 0."""
    move = np.sign(typical(b) - before(typical(b)))
    return np.where(np.isnan(move), np.nan, np.where(move == sign, typical(b) * b.volume, 0))


def directional_movement(up: Values, down: Values) -> Values:
    """Return the upward movement, from rises of the high and falls of the low."""
    return np.where(np.isnan(up), np.nan, np.where((up > down) & (up > 0), up, 0))


def highs_and_lows(b: Rows) -> tuple[Values, Values]:
    return b.high - before(b.high), before(b.low) - b.low


def pressure(b: Rows) -> Values:
    """Return the buying pressure of 14 bars: (close - true low) / true range, of sums."""
    bought = b.close - np.minimum(b.low, before(b.close))
    return total(bought, 14) / total(talib.TRANGE(b.high, b.low, b.close), 14)


def directional_index(up: Values, down: Values, b: Rows) -> Values:
    true_range = talib.TRANGE(b.high, b.low, b.close)
    return 100 * plain.wilder(directional_movement(up, down), 14) / plain.wilder(true_range, 14)


def average_directional_index(b: Rows) -> Values:
    up, down = highs_and_lows(b)
    plus, minus = directional_index(up, down, b), directional_index(down, up, b)
    return plain.wilder(100 * np.abs(plus - minus) / (plus + minus), 14)


def accumulation(b: Rows) -> Values:
    """Return the A/D line of TA-Lib, in which a bar without a range adds nothing."""
    return np.asarray(talib.AD(b.high, b.low, b.close, b.volume))


def truth(holds: NDArray[np.bool_]) -> Values:
    return np.asarray(holds, dtype=np.float64)


MOMENTUM: dict[str, Reference] = {
    "change(close, 3)": lambda b: talib.MOM(b.close, 3),
    "100 * roc(close, 10)": lambda b: talib.ROC(b.close, 10),
    "returns()": lambda b: talib.ROCP(b.close, 1),
    "rsi(close, 14)": lambda b: talib.RSI(b.close, 14),
    "macd(close, 12, 26)": lambda b: macd(b.close, 12, 26),
    "macd_signal(close, 12, 26, 9)": lambda b: talib.EMA(macd(b.close, 12, 26), 9),
    "macd_hist(close, 12, 26, 9)": lambda b: (
        macd(b.close, 12, 26) - talib.EMA(macd(b.close, 12, 26), 9)
    ),
    "ppo(close, 12, 26)": lambda b: 100 * macd(b.close, 12, 26) / talib.EMA(b.close, 26),
    "trix(close, 15)": lambda b: talib.TRIX(b.close, 15),
    "trix(close, 5)": lambda b: talib.ROC(triple_ema(b.close, 5), 1),
    "cmo(close, 14)": lambda b: talib.CMO(b.close, 14),
    "stoch_k(14)": lambda b: talib.STOCHF(b.high, b.low, b.close, 14, 1)[0],
    "stoch_d(14, 3)": lambda b: talib.STOCHF(b.high, b.low, b.close, 14, 3)[1],
    "stochrsi(close, 14, 10)": lambda b: talib.STOCHRSI(b.close, 14, 10, 1)[0],
    "willr(14)": lambda b: talib.WILLR(b.high, b.low, b.close, 14),
    "aroon_up(14)": lambda b: talib.AROON(b.high, b.low, 14)[1],
    "aroon_down(14)": lambda b: talib.AROON(b.high, b.low, 14)[0],
    "ultosc(7, 14, 28)": lambda b: talib.ULTOSC(b.high, b.low, b.close, 7, 14, 28),
    "pressure(14)": pressure,
    "cci(20)": lambda b: talib.CCI(b.high, b.low, b.close, 20),
    "mfi(14)": lambda b: talib.MFI(b.high, b.low, b.close, b.volume, 14),
    "money_flow_up(14)": lambda b: total(traded(b, 1), 14),
    "money_flow_down(14)": lambda b: total(traded(b, -1), 14),
    "plus_dm()": lambda b: directional_movement(*highs_and_lows(b)),
    "minus_dm()": lambda b: directional_movement(*highs_and_lows(b)[::-1]),
    "plus_di(14)": lambda b: directional_index(*highs_and_lows(b), b),
    "minus_di(14)": lambda b: directional_index(*highs_and_lows(b)[::-1], b),
    "adx(14)": average_directional_index,
}

VOLATILITY: dict[str, Reference] = {
    "true_range()": lambda b: talib.TRANGE(b.high, b.low, b.close),
    "atr(14)": lambda b: talib.ATR(b.high, b.low, b.close, 14),
    "natr(14)": lambda b: talib.NATR(b.high, b.low, b.close, 14),
    "bb_upper(close, 20, 2)": lambda b: mean(b.close, 20) + 2 * deviation(b.close, 20),
    "bb_lower(close, 20, 2)": lambda b: mean(b.close, 20) - 2 * deviation(b.close, 20),
    "bb_width(close, 20, 1.5)": lambda b: 3 * deviation(b.close, 20) / mean(b.close, 20),
    "bb_percent(close, 20, 2)": lambda b: (
        (b.close - mean(b.close, 20)) / (4 * deviation(b.close, 20)) + 0.5
    ),
    "keltner_upper(20, 2)": lambda b: (
        talib.EMA(b.close, 20) + 2 * talib.ATR(b.high, b.low, b.close, 20)
    ),
    "keltner_lower(20, 1.5)": lambda b: (
        talib.EMA(b.close, 20) - 1.5 * talib.ATR(b.high, b.low, b.close, 20)
    ),
}

VOLUME: dict[str, Reference] = {
    "obv()": lambda b: talib.OBV(b.close, b.volume),
    "close_location()": lambda b: (2 * b.close - b.high - b.low) / (b.high - b.low),
    "located_volume()": lambda b: np.diff(accumulation(b), prepend=0.0),
    "ad()": accumulation,
    "adosc(3, 10)": lambda b: (
        plain.exponential(accumulation(b), 3) - plain.exponential(accumulation(b), 10)
    ),
}

CONDITIONS: dict[str, Reference] = {
    "close < open": lambda b: truth(b.close < b.open),
    "close > close[1]": lambda b: truth(b.close > before(b.close)),
    "close <= lowest(close, 3)": lambda b: truth(b.close <= talib.MIN(b.close, 3)),
    "close >= highest(close, 3)": lambda b: truth(b.close >= talib.MAX(b.close, 3)),
    "close == highest(close, 3)": lambda b: truth(b.close == talib.MAX(b.close, 3)),
    "close != highest(close, 3)": lambda b: truth(b.close < talib.MAX(b.close, 3)),
    "not (close > close[1])": lambda b: truth(b.close <= before(b.close)),
    "close > open and high > high[1]": lambda b: (
        truth(b.close > b.open) * truth(b.high > before(b.high))
    ),
    "close > open or high > high[1]": lambda b: np.maximum(
        b.close > b.open, truth(b.high > before(b.high))
    ),
    "crossover(close, open)": lambda b: np.maximum(
        truth(b.close > b.open) - truth(~(before(b.close) <= before(b.open))), 0
    ),
    "crossunder(close, open)": lambda b: np.maximum(
        truth(b.close < b.open) - truth(~(before(b.close) >= before(b.open))), 0
    ),
}

EVENTS: dict[str, Reference] = {
    "count(close > close[1], 20)": lambda b: frame(rises(b.close)).rolling(20).sum().to_numpy(),
    "bars_since(close > close[1])": lambda b: plain.bars_since(rises(b.close)),
    "valuewhen(close > close[1], low)": lambda b: plain.value_when(rises(b.close), b.low),
    "consecutive(close > close[1])": lambda b: plain.consecutive(rises(b.close)),
}

ONCE_SETTLED: dict[str, Reference] = {
    "macd(close, 12, 26)": lambda b: talib.MACD(b.close)[0],
    "macd_signal(close, 12, 26, 9)": lambda b: talib.MACD(b.close)[1],
    "macd_hist(close, 12, 26, 9)": lambda b: talib.MACD(b.close)[2],
    "ppo(close, 12, 26)": lambda b: talib.PPO(b.close, 12, 26, 1),
    "adosc(3, 10)": lambda b: talib.ADOSC(b.high, b.low, b.close, b.volume, 3, 10),
    "adx(14)": lambda b: talib.ADX(b.high, b.low, b.close, 14),
    "plus_di(14)": lambda b: talib.PLUS_DI(b.high, b.low, b.close, 14),
    "minus_di(14)": lambda b: talib.MINUS_DI(b.high, b.low, b.close, 14),
}
