"""Neighbors of a strategy by one step of one constant, and the summary of their scores."""

from __future__ import annotations

import math
from collections.abc import Sequence

import pytest

from dsl.analysis.check import check
from dsl.analysis.program import Program
from dsl.printing.decompile import format_program
from evolve.analysis.plateau import Neighbor, Plateau, measure_plateau
from tests.programs import random_programs


class Recorder:
    """Scorer that records the programs and gives each its number of nodes, or a given score."""

    def __init__(self, scores: Sequence[float] = ()) -> None:
        self.programs: list[Program] = []
        self._scores = scores

    def __call__(self, programs: Sequence[Program]) -> list[float]:
        self.programs.extend(programs)
        return [float(each) for each in self._scores or range(len(programs), 0, -1)]


def list_changes(rules: str) -> list[str]:
    plateau = measure_plateau(check(f"strategy s {{ {rules} }}"), Recorder())
    return [each.change for each in reversed(plateau.neighbors)]


STEPS = {
    "a window moves to the next preferred numbers": (
        "buy when close > sma(close, 100) hold 5",
        [
            "`sma(close, 100)` to `sma(close, 90)`",
            "`sma(close, 100)` to `sma(close, 112)`",
            "`hold 5` to `4`",
            "`hold 5` to `6`",
        ],
    ),
    "a window between preferred numbers moves to those beside it": (
        "buy when close > sma(close, 137)",
        ["`sma(close, 137)` to `sma(close, 125)`", "`sma(close, 137)` to `sma(close, 140)`"],
    ),
    "a window at the end of its range moves inwards": (
        "buy when close > sma(close, 2)",
        ["`sma(close, 2)` to `sma(close, 3)`"],
    ),
    "a window beyond its range moves to its end": (
        "buy when close > sma(close, 999)",
        ["`sma(close, 999)` to `sma(close, 200)`"],
    ),
    "a threshold moves by a tenth of its range": (
        "buy when rsi(close, 2) < 50",
        [
            "`rsi(close, 2)` to `rsi(close, 3)`",
            "`rsi(close, 2) < 50` to `rsi(close, 2) < 42`",
            "`rsi(close, 2) < 50` to `rsi(close, 2) < 58`",
        ],
    ),
    "a threshold beyond its range moves towards it": (
        "buy when rsi(close, 2) < 3",
        ["`rsi(close, 2)` to `rsi(close, 3)`", "`rsi(close, 2) < 3` to `rsi(close, 2) < 11`"],
    ),
    "a computed window stays within its limits": (
        "param n = 12 in 10..20 param m = 11 in 5..15 buy when close > sma(close, n - m)",
        ["`n` from 12 to 14", "`m` from 11 to 10"],
    ),
    "settings move, with their unit": (
        "buy when close > open size 50% stop 5%",
        [
            "`size 50%` to `42%`",
            "`size 50%` to `58%`",
            "`stop 5%` to `3.6%`",
            "`stop 5%` to `6.4%`",
        ],
    ),
    "a parameter moves by its step": (
        "param n = 10 in 2..20 step 4 buy when rsi(close, n) < 0.5 * n hold 2",
        [
            "`n` from 10 to 6",
            "`n` from 10 to 14",
            "`0.5 * n` to `0.31 * n`",
            "`0.5 * n` to `0.69 * n`",
            "`hold 2` to `3`",
        ],
    ),
    "a whole parameter moves to the next preferred numbers of its range": (
        "param n = 100 in 5..110 buy when close > sma(close, n)",
        ["`n` from 100 to 90", "`n` from 100 to 110"],
    ),
    "a parameter at the end of its range moves inwards": (
        "param n = 2 in 2..20 buy when close > sma(close, n)",
        ["`n` from 2 to 3"],
    ),
    "a fractional parameter moves by a share of its range": (
        "param k = 1.5 in 1..3 buy when close > bb_upper(close, 20, k)",
        [
            "`k` from 1.5 to 1.2",
            "`k` from 1.5 to 1.8",
            "`bb_upper(close, 20, k)` to `bb_upper(close, 18, k)`",
            "`bb_upper(close, 20, k)` to `bb_upper(close, 22, k)`",
        ],
    ),
    "a whole parameter below zero moves by whole numbers": (
        "param k = -50 in -100..-40 buy when willr(5) < k hold 2",
        [
            "`k` from -50 to -59",
            "`k` from -50 to -41",
            "`willr(5)` to `willr(4)`",
            "`willr(5)` to `willr(6)`",
            "`hold 2` to `3`",
        ],
    ),
    "a constant of a tied condition moves in entry and exit": (
        "buy while rsi(close, 2) < 50",
        [
            "`rsi(close, 2)` to `rsi(close, 3)`",
            "`rsi(close, 2) < 50` to `rsi(close, 2) < 42`",
            "`rsi(close, 2) < 50` to `rsi(close, 2) < 58`",
        ],
    ),
    "a percentage stays one": (
        "param s = 5% in 1%..9% buy when close > open stop s",
        ["`s` from 5% to 3.8%", "`s` from 5% to 6.2%"],
    ),
    "a parameter without a range stays": ("param n = 5 buy when close > sma(close, n)", []),
    "a constant that may only be zero stays": ("buy when close - open > 0", []),
}


@pytest.mark.parametrize("name", STEPS)
def test_each_constant_moves_one_step_each_way(name: str) -> None:
    rules, changes = STEPS[name]
    assert list_changes(rules) == changes


def test_a_parameter_used_twice_is_one_leaf() -> None:
    program = check(
        "strategy s { param n = 5 in 2..20 buy when close > sma(close, n) "
        "sell when close < sma(close, n) }"
    )
    scorer = Recorder()
    plateau = measure_plateau(program, scorer)
    assert len(plateau.neighbors) == 2
    for neighbor, value in zip(scorer.programs[1:], (4, 6), strict=True):
        (param,) = neighbor.parameters
        assert param.value == value
        assert format_program(neighbor) == format_program(program).replace("= 5 ", f"= {value} ")


def test_equal_literals_of_two_rules_are_two_leaves() -> None:
    changes = list_changes("buy when close > sma(close, 50) sell when close < sma(close, 50)")
    assert changes == 2 * [
        "`sma(close, 50)` to `sma(close, 45)`",
        "`sma(close, 50)` to `sma(close, 56)`",
    ]


def test_a_step_that_changes_no_meaning_is_no_neighbor() -> None:
    """Use a window that folds to the same number of bars."""
    program = check("strategy s { param n = 9 in 8..9 buy when close > sma(close, floor(n / 4)) }")
    assert measure_plateau(program, Recorder()).neighbors == ()


@pytest.mark.parametrize("seed", range(2))
def test_neighbors_are_valid_and_distinct(seed: int) -> None:
    for program in random_programs(8, seed):
        scorer = Recorder()
        plateau = measure_plateau(program, scorer)
        assert scorer.programs[0] is program
        assert len(scorer.programs) == 1 + len(plateau.neighbors)
        assert len({each.key for each in scorer.programs}) == len(scorer.programs)
        for each in scorer.programs[1:]:
            assert each.nodes == program.nodes
            assert check(format_program(each)).key == each.key


THREE = "strategy s { buy when close > sma(close, 2) hold 5 }"  # three neighbors


def measure(*scores: float) -> Plateau:
    return measure_plateau(check(THREE), Recorder(scores))


def test_the_summary_counts_the_neighbors_with_half_of_the_score() -> None:
    plateau = measure(2.0, 1.0, 3.0, 0.999)
    assert plateau.score == 2.0
    assert plateau.share == pytest.approx(2 / 3)
    assert plateau.median == 1.0
    assert plateau.worst == Neighbor("`hold 5` to `6`", 0.999)
    assert [each.score for each in plateau.neighbors] == [0.999, 1.0, 3.0]


def test_an_infeasible_neighbor_is_the_worst() -> None:
    plateau = measure(2.0, 2.0, -math.inf, 1.9)
    assert plateau.worst == Neighbor("`hold 5` to `4`", -math.inf)
    assert plateau.share == pytest.approx(2 / 3)
    assert plateau.median == 1.9


@pytest.mark.parametrize("score", [0.0, -1.0, -math.inf])
def test_half_of_a_score_that_is_not_above_zero_is_undefined(score: float) -> None:
    assert math.isnan(measure(score, 1.0, 1.0, 1.0).share)


def test_a_strategy_without_constants_has_no_neighbor() -> None:
    plateau = measure_plateau(check("strategy s { buy when close > open }"), Recorder([1.0]))
    assert (plateau.score, plateau.neighbors, plateau.worst) == (1.0, (), None)
    assert math.isnan(plateau.share)
    assert math.isnan(plateau.median)
