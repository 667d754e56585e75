"""Tests of kinds: interning, inference, and warnings about mismatches."""

from __future__ import annotations

import copy
import math
from dataclasses import replace

import pytest

from dsl.analysis.check import inspect
from dsl.terms.infer import infer_kind
from dsl.types.kinds import LEVEL, RATIO, Kind, scalar
from tests.dsl.test_canonical import resolve_text


def codes(condition: str) -> list[str]:
    text = f"strategy s {{ buy when {condition} hold 5 }}"
    return [each.code for each in inspect(text).diagnostics]


@pytest.mark.parametrize("kind", [LEVEL, RATIO, scalar(2.5), Kind("other", 1, -1, -0.0, 3.0)])
def test_equal_kinds_are_one_object(kind: Kind) -> None:
    assert copy.deepcopy(kind) is kind  # as unpickling in another process
    assert replace(replace(kind, low=-7.0), low=kind.low) is kind
    assert replace(kind, low=-7.0) is not kind


def test_positive_and_negative_zero_are_one_bound() -> None:
    kind = Kind("change", low=-0.0, high=0.0, typical=(-0.0, 0.0))
    assert kind is Kind("change", low=0.0, high=-0.0, typical=(0.0, -0.0))
    assert kind.typical is not None
    assert [math.copysign(1, end) for end in (kind.low, kind.high, *kind.typical)] == [1.0] * 4


# -- inference

KINDS = {
    "close": "level", "high - low": "diff", "(high + low) / 2": "level", "close / open": "ratio",
    "close / open - 1": "change", "volume": "volume", "volume / sma(volume, 20)": "ratio",
    "rsi(close, 14)": "oscillator", "2 * atr(14)": "diff", "close + 2 * atr(14)": "level",
    "stdev(close, 20)": "diff", "stdev(roc(close, 1), 20)": "change", "1.02 * close": "level",
    "(close - open) / close": "change", "close * volume": "other", "obv()": "other",
    "sma(rsi(close, 14), 5)": "oscillator", "where(close > open, high, low)": "level",
    "close[1]": "level", "-atr(14)": "diff", "2 + 3": "scalar", "close > open": "bool",
}  # fmt: skip


@pytest.mark.parametrize("expression", KINDS)
def test_an_expression_has_the_expected_kind(expression: str) -> None:
    assert infer_kind(resolve_text(expression)).family == KINDS[expression]


WARNED = {
    "close > 30": "W403", "rsi(close, 14) > sma(close, 20)": "W401",
    "rsi(close, 14) < 30%": "W404", "rsi(close, 14) > 120": "W404", "volume > 1000000": "W403",
    "close > high - low": "W401", "crossover(close, volume)": "W402", "close > volume": "W401",
    "close + 5 > open": "W403", "close + volume > open": "W401", "atr(14) > 2": "W403",
}  # fmt: skip
SOUND = (
    "close > sma(close, 20)", "(high + low) / 2 > close", "rsi(close, 14) < 30",
    "roc(close, 10) > 5%", "close / sma(close, 50) > 1.05", "high - low > 2 * atr(14)",
    "crossover(rsi(close, 14), 30)", "macd(close) > 0", "volume > 2 * sma(volume, 20)",
    "obv() > sma(obv(), 20)", "zscore(close, 20) < -2", "close < 1.02 * highest(high, 20)",
    "(close - low) / (high - low) > 0.8", "adx(14) > 25 and plus_di(14) > minus_di(14)",
)  # fmt: skip


@pytest.mark.parametrize("condition", WARNED)
def test_a_dubious_condition_gets_one_warning(condition: str) -> None:
    assert codes(condition) == [WARNED[condition]]


@pytest.mark.parametrize("condition", SOUND)
def test_a_common_condition_gets_no_warning(condition: str) -> None:
    assert codes(condition) == []
