"""Every operator: equal to an independent reference, blind to the future, honest of its warm-up."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import numpy as np
import pandas as pd
import pytest
import talib

from dsl.bars import Bars
from dsl.catalog import catalog
from dsl.check import check_expression
from dsl.evaluate import Evaluator
from dsl.program import lookback
from evolve.api import bars as load
from tests.dsl.values import assert_close, assert_identical, first_known, values
from tests.samples import Values, closing_at, gappy_bars, random_bars, with_other_future

WRITTEN = [each for each in catalog() if not each.series]


@cache
def market(name: str) -> Bars:
    return load("sample:sp500") if name == "sample" else random_bars(3, 1500)


def rows(bars: Bars) -> tuple[Values, ...]:
    return tuple(getattr(bars, name)[0] for name in ("open", "high", "low", "close", "volume"))


def frame(values: Values) -> pd.Series:
    return pd.Series(values)


# Expression -> reference over open, high, low, close, volume; and the first bar compared.
REFERENCES: dict[str, tuple[Callable[..., Values], int]] = {
    "sma(close, 20)": (lambda o, h, w, c, v: talib.SMA(c, 20), 0),
    "ema(close, 20)": (lambda o, h, w, c, v: talib.EMA(c, 20), 0),
    "wma(close, 20)": (lambda o, h, w, c, v: talib.WMA(c, 20), 0),
    "rsi(close, 14)": (lambda o, h, w, c, v: talib.RSI(c, 14), 0),
    "atr(14)": (lambda o, h, w, c, v: talib.ATR(h, w, c, 14), 0),
    "true_range()": (lambda o, h, w, c, v: talib.TRANGE(h, w, c), 0),
    "highest(high, 20)": (lambda o, h, w, c, v: talib.MAX(h, 20), 0),
    "lowest(low, 20)": (lambda o, h, w, c, v: talib.MIN(w, 20), 0),
    "sum(close, 20)": (lambda o, h, w, c, v: talib.SUM(c, 20), 0),
    "100 * roc(close, 10)": (lambda o, h, w, c, v: talib.ROC(c, 10), 0),
    "change(close, 3)": (lambda o, h, w, c, v: talib.MOM(c, 3), 0),
    "macd(close, 12, 26)": (lambda o, h, w, c, v: talib.MACD(c)[0], 400),
    "macd_signal(close, 12, 26, 9)": (lambda o, h, w, c, v: talib.MACD(c)[1], 400),
    "macd_hist(close, 12, 26, 9)": (lambda o, h, w, c, v: talib.MACD(c)[2], 400),
    "adx(14)": (lambda o, h, w, c, v: talib.ADX(h, w, c, 14), 400),
    "plus_di(14)": (lambda o, h, w, c, v: talib.PLUS_DI(h, w, c, 14), 400),
    "minus_di(14)": (lambda o, h, w, c, v: talib.MINUS_DI(h, w, c, 14), 400),
    "cci(20)": (lambda o, h, w, c, v: talib.CCI(h, w, c, 20), 0),
    "mfi(14)": (lambda o, h, w, c, v: talib.MFI(h, w, c, v, 14), 0),
    "obv()": (lambda o, h, w, c, v: talib.OBV(c, v), 0),
    "stoch_k(14)": (lambda o, h, w, c, v: talib.STOCHF(h, w, c, 14, 3)[0], 20),
    "stdev(close, 20)": (lambda o, h, w, c, v: frame(c).rolling(20).std().to_numpy(), 0),
    "bb_upper(close, 20, 2)": (
        lambda o, h, w, c, v: (
            frame(c).rolling(20).mean() + 2 * frame(c).rolling(20).std()
        ).to_numpy(),
        0,
    ),
    "bb_lower(close, 20, 2)": (
        lambda o, h, w, c, v: (
            frame(c).rolling(20).mean() - 2 * frame(c).rolling(20).std()
        ).to_numpy(),
        0,
    ),
    "zscore(close, 20)": (
        lambda o, h, w, c, v: (
            (frame(c) - frame(c).rolling(20).mean()) / frame(c).rolling(20).std()
        ).to_numpy(),
        0,
    ),
    "mad(close, 20)": (
        lambda o, h, w, c, v: (
            frame(c).rolling(20).apply(lambda x: np.abs(x - x.mean()).mean(), raw=True).to_numpy()
        ),
        0,
    ),
    "rma(close, 14)": (lambda o, h, w, c, v: wilder(c, 14), 0),
    "close[3]": (lambda o, h, w, c, v: frame(c).shift(3).to_numpy(), 0),
    "log(close / open)": (lambda o, h, w, c, v: np.log(c / o), 0),
    "sqrt(volume)": (lambda o, h, w, c, v: np.sqrt(v), 0),
    "abs(close - open)": (lambda o, h, w, c, v: np.abs(c - o), 0),
    "sign(close - open)": (lambda o, h, w, c, v: np.sign(c - o), 0),
    "floor(close)": (lambda o, h, w, c, v: np.floor(c), 0),
    "min(open, close, high)": (lambda o, h, w, c, v: np.minimum(o, c), 0),
    "max(open, close, low)": (lambda o, h, w, c, v: np.maximum(o, c), 0),
    "where(close > open, high, low)": (lambda o, h, w, c, v: np.choose(c > o, [w, h]), 0),
    "-typical_price()": (lambda o, h, w, c, v: -talib.TYPPRICE(h, w, c), 0),
}


def wilder(x: Values, n: int) -> Values:
    out = np.full(len(x), np.nan)
    out[n - 1] = x[:n].mean()
    for i in range(n, len(x)):
        out[i] = (out[i - 1] * (n - 1) + x[i]) / n
    return out


@pytest.mark.parametrize("name", ["sample", "random"])
@pytest.mark.parametrize("expression", REFERENCES)
def test_values_equal_an_independent_reference(expression: str, name: str) -> None:
    reference, since = REFERENCES[expression]
    bars = market(name)
    assert_close(values(expression, bars), reference(*rows(bars)), since)


@pytest.mark.parametrize("operator", WRITTEN, ids=lambda each: each.name)
def test_examples_are_sound_and_described(operator: object) -> None:
    each = catalog().find(getattr(operator, "name", ""))
    assert each is not None
    assert each.about
    assert len(values(each.example, random_bars(1))) == 200


@pytest.mark.parametrize("operator", WRITTEN, ids=lambda each: each.name)
@pytest.mark.parametrize("holes", [False, True])
def test_no_operator_sees_the_future(operator: object, holes: bool) -> None:
    example = str(getattr(operator, "example", ""))
    bars = gappy_bars(5, 300) if holes else random_bars(5, 300)
    whole = values(example, bars)
    for known in (1, 50, 137, 299):
        assert_identical(values(example, bars.slice(0, known)), whole[:known])
        assert_identical(values(example, with_other_future(bars, known, 9))[:known], whole[:known])


@pytest.mark.parametrize("operator", WRITTEN, ids=lambda each: each.name)
def test_the_declared_warm_up_is_honest(operator: object) -> None:
    term = check_expression(str(getattr(operator, "example", "")))
    series = Evaluator(random_bars(8, 400)).series(term)
    if series.dtype != np.bool_:
        assert first_known(series) == lookback(term)


@pytest.mark.parametrize(
    "expression",
    ["sma(close, 5)", "stdev(close, 5)", "highest(close, 5)", "lowest(close, 5)", "sum(close, 5)",
     "wma(close, 5)", "mad(close, 5)"],
)  # fmt: skip
def test_a_window_that_holds_an_unknown_value_is_unknown_and_recovers(expression: str) -> None:
    close = np.arange(1.0, 31.0) ** 1.5
    close[12] = np.nan
    found = values(expression, closing_at(close))
    known = ~np.isnan(found)
    assert known.tolist() == [i >= 4 and not 12 <= i <= 16 for i in range(30)]
    assert_close(found[17:], values(expression, closing_at(close[13:]))[4:])


@pytest.mark.parametrize("expression", ["ema(close, 5)", "rma(close, 5)"])
def test_a_recursive_average_restarts_from_the_next_known_values(expression: str) -> None:
    close = np.arange(1.0, 31.0) ** 1.5
    close[12] = np.nan
    found = values(expression, closing_at(close))
    assert np.isnan(found[12:17]).all()
    assert_identical(found[13:], values(expression, closing_at(close[13:])))


def test_equal_values_deviate_by_exactly_nothing() -> None:
    flat = closing_at(np.full(60, 100.1))
    assert np.nanmax(values("stdev(close, 20)", flat)) == 0.0
    assert np.isnan(values("zscore(close, 20)", flat)).all()
    assert np.isnan(values("rsi(close, 14)", flat)).all()
    assert not values("close > sma(close, 20)", flat).any()


def test_unknown_values_never_decide() -> None:
    bars = gappy_bars(2, 200)
    holes = np.isnan(bars.close[0])
    assert holes.any()
    for comparison in ("close > 0", "close <= 0", "close == close", "close != 0"):
        assert not values(comparison, bars)[holes].any()
        assert not values(f"not ({comparison})", bars)[holes].any()
    assert np.isnan(values("where(close > 0, 1, 2)", bars)[holes]).all()
    assert np.isnan(values("min(1, close)", bars)[holes]).all()
    assert np.isnan(values("close / (close - close)", bars)).all()
    assert np.isnan(values("log(-close)", bars)).all()
