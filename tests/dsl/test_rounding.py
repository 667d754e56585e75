"""Tests of equality within rounding: no result depends on the last bits of a float."""

from __future__ import annotations

import math
from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from dsl.analysis.catalog import catalog
from dsl.analysis.check import check_expression
from dsl.bars import FIELDS
from dsl.evaluate import Evaluator
from dsl.operators.rounding import ROUNDING, difference, exceeds, same
from dsl.terms.infer import infer_kind
from dsl.types.kinds import BOOL
from evolve.data.generators import random_walk
from tests.dsl.values import values
from tests.samples import Values, closing_at, random_bars

VARIED_BARS, FLAT_BARS, TAIL_BARS = 100, 8000, 300
PERIOD_BARS = {"flat": 1, "noisy": 1, "alternating": 2}
OPERATORS = [each for each in catalog() if not each.series]
NUMERIC = [each for each in OPERATORS if infer_kind(check_expression(each.example)) != BOOL]
COMPOSITIONS = (
    "zscore({0}, 20)", "percentrank({0}, 60)", "bb_percent({0}, 20, 2)", "skew({0}, 20)",
    "({0} - lowest({0}, 14)) / (highest({0}, 14) - lowest({0}, 14))", "kurt({0}, 20)",
    "correlation({0}, close, 20)", "slope({0}, 14)", "rsquare({0}, 14)", "highest_bar({0}, 20)",
    "lowest_bar({0}, 20)", "sign(change({0}, 1))", "kama({0}, 10)", "rising({0}, 3)",
    "{0} > sma({0}, 5)", "{0} == {0}[2]", "{0} != {0}[2]", "crossover({0}, sma({0}, 5))",
    "crossunder({0}, ema({0}, 9))", "count({0} > {0}[1], 20)", "consecutive({0} >= {0}[1])",
    "stochrsi({0}, 14, 14)", "macd_hist({0}, 12, 26, 9)",
)  # fmt: skip


@cache
def flat_after_variation(market: str) -> Evaluator:
    """Build an evaluator of bars that vary first and then repeat one price.

    The price repeats exactly, within one bit, or on every second bar.
    """
    bars = random_bars(3, VARIED_BARS + FLAT_BARS)
    rng = np.random.default_rng(3)
    fields = {}
    for name in FIELDS:
        row = getattr(bars, name).copy()
        row[0, VARIED_BARS:] = row[0, VARIED_BARS - 1]
        if name != "volume":
            row[0, VARIED_BARS:] = bars.close[0, VARIED_BARS - 1]
        if market == "alternating" and name != "volume":
            row[0, VARIED_BARS::2] *= 1.01
        if market == "noisy":
            row[0, VARIED_BARS:] *= 1 + 2.0**-52 * rng.integers(-1, 2, FLAT_BARS)
        fields[name] = row
    return Evaluator(replace(bars, **fields))


def describe_jitter(series: Values, period: int, tolerance: float) -> str:
    """Return how the end of a series jitters; empty if it repeats or moves smoothly."""
    tail, scale = series[-TAIL_BARS:], max(1e-6, float(np.nanmax(np.abs([*series, 0.0]))))
    known = ~np.isnan(tail)
    if (known[period:] != known[:-period]).sum() > period:
        return "it is unknown at times"
    steps = (tail[period:] - tail[:-period])[known[period:] & known[:-period]]
    if (np.abs(steps) <= tolerance * scale).all():
        return ""
    if (np.abs(np.diff(steps)) <= tolerance * scale).all():
        return ""
    return f"it moves by up to {np.abs(steps).max():g}"


@pytest.mark.parametrize("market", PERIOD_BARS)
@pytest.mark.parametrize("operator", OPERATORS, ids=lambda each: each.name)
def test_no_operator_jitters_on_flat_prices(operator: object, market: str) -> None:
    text = str(getattr(operator, "example", ""))
    series = flat_after_variation(market).series(check_expression(text)).astype(float)
    assert describe_jitter(series, PERIOD_BARS[market], 1e-9) == ""


@pytest.mark.parametrize(
    "market", ["flat", "noisy", pytest.param("alternating", marks=pytest.mark.slow)]
)
@pytest.mark.parametrize("operator", NUMERIC, ids=lambda each: each.name)
def test_no_composition_jitters_over_a_flat_indicator(operator: object, market: str) -> None:
    example = str(getattr(operator, "example", ""))
    jitter = {}
    for composition in COMPOSITIONS:
        text = composition.format(f"({example})")
        series = flat_after_variation(market).series(check_expression(text)).astype(float)
        jitter[text] = describe_jitter(series, PERIOD_BARS[market], 1e-6)
    assert {text: reason for text, reason in jitter.items() if reason} == {}


@pytest.mark.parametrize("n", [2, 5, 14, 50])
@pytest.mark.parametrize("seed", range(5))
def test_indicators_of_the_rsi_are_constant_after_the_price_stops(seed: int, n: int) -> None:
    moves = np.random.default_rng(seed).normal(0.0, 0.01, 100)
    close = 100 * np.exp(np.append(np.cumsum(moves), np.full(330, moves.sum())))
    bars = closing_at(close)
    rsi = values(f"rsi(close, {n})", bars)[100:]
    assert np.ptp(rsi) < 1e-10
    assert 0 < rsi[0] < 100
    assert np.isnan(values(f"stochrsi(close, {n}, 14)", bars)[-300:]).all()
    assert np.isnan(values(f"zscore(rsi(close, {n}), 20)", bars)[-300:]).all()
    assert set(values(f"percentrank(rsi(close, {n}), 20)", bars)[-300:]) == {0.5}
    for crossing in ("crossover", "crossunder"):
        assert not values(f"{crossing}(rsi(close, {n}), sma(rsi(close, {n}), 5))", bars)[
            -300:
        ].any()


@pytest.mark.parametrize("x", [1.0, -3.7, 1e-300, 1e300, 92.9])
def test_equality_within_rounding_is_consistent(x: float) -> None:
    near, far = x * (1 + ROUNDING / 2), x * (1 + 3 * ROUNDING)
    for y in (x, near, far, -x, 0.0, math.nan):
        assert same(x, y) == same(y, x)
        assert same(x, y) + exceeds(x, y) + exceeds(y, x) == (0 if math.isnan(y) else 1)
        assert same(x, y) <= (difference(x, y) == 0.0)
    assert same(x, x)
    assert same(x, near)
    assert not same(x, far)
    assert difference(x, near) == 0.0 != difference(x, far)


def test_comparisons_are_exact_opposites_within_the_tolerance() -> None:
    ulp = 2.0**-52
    close = np.array([100.0, 100.0 * (1 + ulp), 100.0 * (1 - ulp), 100.0 * (1 + 1e-12), math.nan])
    bars = replace(closing_at(close), open=np.full((1, 5), 100.0))
    expected = {
        "close == open": [1, 1, 1, 0, 0], "close != open": [0, 0, 0, 1, 0],
        "close > open": [0, 0, 0, 1, 0], "close < open": [0, 0, 0, 0, 0],
        "close >= open": [1, 1, 1, 1, 0], "close <= open": [1, 1, 1, 0, 0],
        "not (close > open)": [1, 1, 1, 0, 0], "not (close == open)": [0, 0, 0, 1, 0],
    }  # fmt: skip
    for text, held in expected.items():
        assert values(text, bars).tolist() == held, text


@pytest.mark.parametrize(
    ("text", "closes", "expected"),
    [
        ("floor(close * 10)", [0.29999999999999993, 0.3, 0.35], [3, 3, 3]),
        ("close - open", [100.00000000000001, 100.0, 100.1], [0, 0, 100.1 - 100]),
        ("log(close / open)", [100.00000000000001, 100.0], [0, 0]),
    ],
)
def test_arithmetic_leaves_no_rounding_error(
    text: str, closes: list[float], expected: list[float]
) -> None:
    bars = closing_at(np.array(closes))
    bars = replace(bars, open=np.full(bars.close.shape, 100.0))
    assert values(text, bars).tolist() == expected


def test_a_subnormal_average_is_not_a_divisor() -> None:
    """Divide by averages that decay over a thousand flat bars until no bit is left."""
    close = np.append([100.0, 101.0, 100.5], np.full(1200, 100.5))
    rsi = values("rsi(close, 2)", closing_at(close))
    known = rsi[~np.isnan(rsi)]
    assert len(known) > 900
    assert np.isnan(rsi[-1])
    assert np.ptp(known) < 1e-9


@pytest.mark.parametrize("condition", ["sum(volume, 20) < 0", "sma(volume, 20) < 0",
                                       "wma(volume, 5) < 0", "sma(low, 9) > sma(high, 9)",
                                       "wma(low, 9) > wma(high, 9)"])  # fmt: skip
def test_a_large_value_that_leaves_a_window_costs_no_precision(condition: str) -> None:
    """Check conditions that can never hold, on windows that one value dominates."""
    rng, index = np.random.default_rng(5), np.arange(400)
    volume = np.where(index % 37 == 0, 1e21, rng.uniform(0, 3, 400))[None]
    price = np.where(index % 41 == 0, 1e15, rng.uniform(1, 2, 400))[None]
    bars = replace(random_walk(400, 1), volume=volume, open=price, close=price,
                   high=price * 1.01, low=price * 0.99)  # fmt: skip
    assert not Evaluator(bars).series(check_expression(condition)).any()
