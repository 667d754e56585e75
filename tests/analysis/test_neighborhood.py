"""Scores of a strategy over the values of each constant."""

from __future__ import annotations

import math
from collections.abc import Sequence

import pytest

from dsl.analysis.check import check
from dsl.analysis.program import Program
from dsl.generate.productions import PREFERRED
from dsl.printing.decompile import compact_text
from evolve.analysis.neighborhood import Curve, measure_curves
from evolve.backtest.backtest import backtest
from evolve.backtest.market import market
from evolve.data.generators import random_walk
from tests.programs import random_programs


def score_nothing(programs: Sequence[Program]) -> list[float]:
    return [1.0] * len(programs)


def measure(rules: str, count: int = 400) -> dict[str, Curve]:
    curves = measure_curves(check(f"strategy s {{ {rules} }}"), score_nothing, count)
    return {each.name: each for each in curves}


VALUES: dict[str, tuple[str, dict[str, list[float]]]] = {
    "a threshold takes values over its range": (
        "buy when rsi(close, 3) < 30",
        {"30 in rsi(close, 3) < 30": [10, 17, 23, 30, 37, 43, 50, 57, 63, 70, 77, 83, 90]},
    ),
    "a parameter takes values on its step": (
        "param n = 10 in 2..20 step 4 buy when rsi(close, n) < 2 * n",
        {"n": [2, 6, 10, 14, 18]},
    ),
    "a fractional parameter takes values over its range": (
        "param k = 1.5 in 1..3 buy when close > bb_upper(close, 20, k)",
        {"k": [1, 1.17, 1.33, 1.5, 1.67, 1.83, 2, 2.17, 2.33, 2.5, 2.67, 2.83, 3]},
    ),
    "a whole parameter takes whole numbers": (
        "param m = -50 in -54..-48 buy when willr(5) < m",
        {"m": [-54, -53, -52, -51, -50, -49, -48]},
    ),
    "a percentage stays one": (
        "buy when close > open stop 5%",
        {"stop": [0.01, 0.022, 0.033, 0.045, 0.05, 0.057, 0.068, 0.08, 0.092, 0.103, 0.115, 0.127,
                  0.138, 0.15]},
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", VALUES)
def test_values(name: str) -> None:
    rules, expected = VALUES[name]
    curves = measure(rules)
    for constant, values in expected.items():
        assert [value for value, _ in curves[constant].points] == values


def test_a_window_takes_preferred_numbers_and_both_ends_of_its_range() -> None:
    curves = measure("buy when close > sma(close, 21) hold 30")
    for name, low, high in (("n of sma(close, 21)", 2, 200), ("hold", 2, 60)):
        values = [value for value, _ in curves[name].points]
        assert {*values} - {curves[name].value} <= {*PREFERRED, low, high}
        assert (values[0], values[-1]) == (low, high)
        assert 13 <= len(values) <= 14
        assert any(value < curves[name].value / 2 for value in values)


def test_each_constant_is_named_by_its_call_and_its_rule() -> None:
    curves = measure(
        "param n = 5 in 2..9 buy when close > 2 * sma(close, n) and rsi(close, 3)[2] < 30 "
        "sell when rsi(close, 3) > 60 size 50% stop 3 * atr(14)"
    )
    assert {name: curve.rule for name, curve in curves.items()} == {
        "n": "",
        "2 in 2 * sma(close, n)": "buy",
        "n of rsi(close, 3)": "sell",
        "2 in rsi(close, 3)[2]": "buy",
        "30 in rsi(close, 3)[2] < 30": "buy",
        "60 in rsi(close, 3) > 60": "sell",
        "size": "size",
        "3 in 3 * atr(14)": "stop",
        "n of atr(14)": "stop",
    }
    assert curves["size"].is_percent
    assert not curves["n"].is_percent
    assert [curves[each].is_whole for each in ("n", "n of atr(14)", "size")] == [True, True, False]


def test_the_score_of_a_point_is_that_of_the_strategy_with_its_value() -> None:
    bars, terms = random_walk(400, 5), market(9000)
    rules = "strategy s {{ buy when close > sma(close, {n}) sell when rsi(close, 2) > {limit} }}"

    def score(programs: Sequence[Program]) -> list[float]:
        return [backtest(each, bars, terms).metrics["total_return"] for each in programs]

    window, _, limit = measure_curves(check(rules.format(n=20, limit=80)), score)
    for value, found in window.points:
        assert score([check(rules.format(n=int(value), limit=80))]) == [found]
    for value, found in limit.points:
        assert score([check(rules.format(n=20, limit=value))]) == [found]
    assert len({found for _, found in window.points}) > 5


def test_a_constant_of_a_tied_condition_has_one_curve() -> None:
    bars, terms = random_walk(400, 5), market(9000)

    def score(programs: Sequence[Program]) -> list[float]:
        return [backtest(each, bars, terms).metrics["total_return"] for each in programs]

    rules = "strategy s {{ buy while close > sma(close, {n}) }}"
    (window,) = measure_curves(check(rules.format(n=20)), score)
    assert (window.name, window.rule) == ("n of sma(close, 20)", "buy")
    for value, found in window.points:
        assert score([check(rules.format(n=int(value)))]) == [found]


def test_a_value_without_meaning_is_left_out() -> None:
    rules = "param n = 12 in 10..20 param m = 11 in 5..15 buy when close > sma(close, n - m)"
    curves = measure(rules)
    assert min(value for value, _ in curves["n"].points) == 12  # sma(close, 0) has no meaning
    assert max(value for value, _ in curves["m"].points) == 11


def test_the_number_of_evaluations_is_limited() -> None:
    scored: list[int] = []

    def count(programs: Sequence[Program]) -> list[float]:
        scored.append(len(programs))
        return [0.0] * len(programs)

    rules = " and ".join(f"close > sma(close, {n})" for n in range(3, 33))
    curves = measure_curves(check(f"strategy s {{ buy when {rules} }}"), count, 100)
    assert len(curves) == 30
    assert scored[0] <= 101
    for curve in curves:
        assert len(curve.points) >= 2
    for program in random_programs(20, 3):
        measure_curves(program, count, 60)
    assert max(scored) <= 101


def test_a_strategy_without_constants_has_no_curve() -> None:
    assert measure("buy when close > open sell when close < open") == {}


def build_curve(scores: Sequence[float], value: float) -> Curve:
    points = tuple((float(index), score) for index, score in enumerate(scores))
    return Curve("n", "buy", value, False, True, points)


RETAINED: dict[str, tuple[list[float], int, tuple[int, int] | None, float]] = {
    "up to the first value below half": ([2, 0.9, 1, 2, 1.5, 0.9, 2], 3, (2, 4), 4 / 6),
    "up to the ends": ([1, 1, 1], 1, (0, 2), 1.0),
    "an isolated peak": ([0.4, 1, 0.4, 1], 1, (1, 1), 1 / 3),
    "an infeasible value": ([-math.inf, 1, 1], 1, (1, 2), 0.5),
    "a score of 0 has no half": ([0, 0, 0], 1, None, math.nan),
    "an infeasible strategy has no half": ([1, -math.inf, 1], 1, None, math.nan),
}


@pytest.mark.parametrize("name", RETAINED)
def test_retained_values(name: str) -> None:
    scores, value, retained, share = RETAINED[name]
    curve = build_curve(scores, value)
    assert curve.score == scores[value]
    assert curve.retained == retained
    assert curve.share == pytest.approx(share, nan_ok=True)


def test_the_best_value_has_the_highest_score() -> None:
    assert build_curve([1, 3, 2], 0).best == (1, 3)


@pytest.mark.parametrize("seed", range(3))
def test_each_value_of_a_random_program_gives_another_strategy(seed: int) -> None:
    for program in random_programs(10, seed):
        texts: list[str] = []

        def record(programs: Sequence[Program], texts: list[str] = texts) -> list[float]:
            texts.extend(compact_text(each) for each in programs)
            return [0.0] * len(programs)

        curves = measure_curves(program, record)
        assert len(set(texts)) == len(texts) == 1 + sum(len(each.points) - 1 for each in curves)
        for curve in curves:
            values = [value for value, _ in curve.points]
            assert values == sorted(set(values))
            assert curve.value in values
