"""Null searches, their sequential p-value, and the family-wise p-value."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from functools import cache

import numpy as np
import pytest

from evolve.backtest.market import market
from evolve.data.generators import random_walk
from evolve.fitness.fitness import FoldFitness
from evolve.fitness.goals import FitnessSpec
from evolve.jobs.job import SerialJobs
from evolve.jobs.processes import ProcessJobs
from evolve.notices import NoticeList
from evolve.search.best_curve import CurvePoint
from evolve.search.problem import SearchProblem
from evolve.search.progress import Budget
from evolve.search.search import search
from evolve.search.space import build_space
from evolve.stop import Stop
from evolve.validation.family import ScoreRow, compute_family_test, pivot_p_value
from evolve.validation.null_run import NullJob, NullRun
from evolve.validation.null_search import NullResult, NullSearcher
from evolve.validation.permutation import permute
from evolve.validation.problem_source import LocalProblem
from tests.params import thin_out

TRIALS = 360
BARS = random_walk(700, 4)


def problem() -> SearchProblem:
    """Return a small search problem on a random walk."""
    return SearchProblem(
        build_space(["sma", "rsi", "roc", "highest"]),
        FoldFitness(BARS, market(), FitnessSpec(folds=2)),
        (1.0, -1.0), 30, 2, {"crossover": 1.0, "point": 1.0, "random": 1.0}, 2, 5,
    )  # fmt: skip


@cache
def complete() -> tuple[NullResult, ...]:
    """Return four complete null searches."""
    return tuple(run(range(1, 5)))


def run(numbers: range, target: float | None = None, processes: int = 1) -> Iterator[NullResult]:
    return ProcessJobs(processes).iterate(build_job(target), numbers, NoticeList(), Stop())


def build_job(target: float | None = None) -> NullJob:
    return NullJob(LocalProblem(problem(), BARS), TRIALS, target)


def result(number: int, best: float | None) -> NullResult:
    return NullResult(number, best, 100, False, (CurvePoint(100, best),))


def null_run(score: float, bests: list[float | None], planned: int = 19) -> NullRun:
    results = tuple(result(number, best) for number, best in enumerate(bests, start=1))
    return NullRun(score, 100, planned, results)


# -- searches


def test_a_null_search_is_the_search_on_permuted_bars() -> None:
    for each in complete():
        fitness = FoldFitness(permute(BARS, each.number), market(), FitnessSpec(folds=2))
        cold = SearchProblem(**{**problem().__dict__, "evaluate": fitness})
        *_, last = search(cold, Budget(TRIALS))
        assert last.best is not None
        assert (each.best, each.evaluated) == (last.best.score, last.evaluated)
        assert not each.reached


def test_the_memory_of_an_earlier_search_changes_no_result() -> None:
    searcher = NullSearcher(problem())
    for number in (3, 1, 3):
        assert searcher.run(number, TRIALS, None) == complete()[number - 1]


def test_worker_processes_change_no_result() -> None:
    assert tuple(run(range(1, 5), processes=2)) == complete()
    assert tuple(run(range(1, 5), processes=3)) == complete()


def test_the_form_of_a_result_is_exact() -> None:
    for each in (*complete(), *run(range(1, 2), target=0.0), result(7, None)):
        document = json.loads(json.dumps(NullJob.form.encode(each)))
        assert NullJob.form.decode(document) == each


def test_a_search_ends_when_its_best_reaches_the_target() -> None:
    for whole in complete():
        assert whole.best is not None
        first = whole.curve[0].best
        assert first is not None
        (early,) = run(range(whole.number, whole.number + 1), target=first)
        assert early.reached
        assert early.is_at_least(first)
        assert early.evaluated < whole.evaluated
        (equal,) = run(range(whole.number, whole.number + 1), target=whole.best)
        assert equal.reached  # a tie counts against the real search
        above = math.nextafter(whole.best, math.inf)
        (missed,) = run(range(whole.number, whole.number + 1), target=above)
        assert missed == whole


def test_the_curve_rises_to_the_best_score() -> None:
    for each in complete():
        counts = [point.trials for point in each.curve]
        bests = [point.best for point in each.curve if point.best is not None]
        assert counts == [100, 200, TRIALS]
        assert bests == sorted(bests)
        assert bests[-1] == each.best


def test_a_stop_ends_the_iteration() -> None:
    stop = Stop()
    found = []
    for each in SerialJobs().iterate(build_job(), range(1, 5), NoticeList(), stop):
        found.append(each)
        stop.set()
    assert found == [complete()[0]]


# -- sequential p-value


def test_the_p_value_counts_the_real_search_and_ties() -> None:
    assert null_run(1.0, [0.5, 1.0, 2.0]).p_value == 3 / 4
    assert null_run(1.0, [0.5] * 19).p_value == 1 / 20
    assert null_run(1.0, [None] * 19).p_value == 1 / 20


@pytest.mark.parametrize(
    ("bests", "planned", "ends"),
    [
        ([2.0, 0.5, 0.5], 19, False),  # at least four searches
        ([2.0, 0.5, 0.5, 0.5], 19, True),
        ([0.5] * 4, 19, False),
        ([0.5] * 7 + [2.0], 19, True),  # the first that did as well
        ([0.5] * 19, 19, True),
        ([2.0] * 4, 99, False),  # 4 of 99 may do as well
        ([2.0] * 5, 99, True),
        ([0.5] * 30 + [2.0] * 4, 99, False),
        ([0.5] * 30 + [2.0] * 5, 99, True),
        ([2.0, 0.5, 0.5, 0.5], 39, False),
        ([2.0, 2.0, 0.5, 0.5], 39, True),
    ],
)
def test_the_run_ends_when_no_further_search_can_change_the_decision(
    bests: list[float | None], planned: int, ends: bool
) -> None:
    assert null_run(1.0, bests, planned).is_complete is ends


@pytest.mark.parametrize("planned", thin_out([19, 39, 99], 3))
def test_the_decision_equals_that_of_all_searches(planned: int) -> None:
    rng = np.random.default_rng(planned)
    rejections = 0
    for _ in range(2000):
        scores = rng.gumbel(size=planned + 1)
        count = next(
            n for n in range(1, planned + 1)
            if null_run(scores[0], list(scores[1 : n + 1]), planned).is_complete
        )  # fmt: skip
        early = null_run(scores[0], list(scores[1 : count + 1]), planned).p_value
        full = null_run(scores[0], list(scores[1:]), planned).p_value
        assert (early <= 0.05) == (full <= 0.05)
        rejections += early <= 0.05
    assert abs(rejections / 2000 - 0.05) < 4 * math.sqrt(0.05 * 0.95 / 2000)


def test_the_threshold_is_the_score_to_exceed() -> None:
    rng = np.random.default_rng(3)
    for planned in (19, 39, 99):
        bests = list(rng.normal(size=planned))
        threshold = null_run(0.0, bests, planned).threshold
        assert threshold is not None
        assert null_run(threshold, bests, planned).p_value > 0.05
        assert null_run(threshold + 1e-9, bests, planned).p_value <= 0.05


# -- family


def rows(
    rng: np.random.Generator, runs: int, correlation: float, nulls: int = 19
) -> list[ScoreRow]:
    """Return runs on one market: each column has a common part, which makes runs alike."""
    common = rng.gumbel(size=nulls + 1)
    own = rng.gumbel(size=(runs, nulls + 1))
    scales = rng.uniform(0.5, 2.0, size=(runs, 1))
    table = scales * (correlation * common + (1 - correlation) * own) + rng.normal(size=(runs, 1))
    return [ScoreRow(float(row[0]), tuple(row[1:])) for row in table]


def test_one_run_has_the_p_value_of_its_rank() -> None:
    rng = np.random.default_rng(5)
    for _ in range(50):
        (row,) = rows(rng, 1, 0.0)
        rank = (1 + sum(each >= row.score for each in row.nulls)) / 20
        assert compute_family_test(row).p_value == rank


@pytest.mark.slow
@pytest.mark.parametrize("correlation", thin_out([0.0, 0.5, 0.9], 3))
def test_the_best_of_five_runs_without_skill_passes_in_one_case_of_twenty(
    correlation: float,
) -> None:
    rng = np.random.default_rng(int(10 * correlation))
    naive, family, markets = 0, 0, 3000
    for _ in range(markets):
        table = rows(rng, 5, correlation)
        ranks = [sum(each >= row.score for each in row.nulls) for row in table]
        naive += min(ranks) == 0
        tests = [
            compute_family_test(row, [each for each in table if each is not row]) for row in table
        ]
        family += min(each.p_value for each in tests) <= 0.05
    error = math.sqrt(0.05 * 0.95 / markets)
    assert abs(family / markets - 0.05) < 4 * error
    assert naive > 1.1 * family


def test_scale_and_shift_of_another_run_change_nothing() -> None:
    rng = np.random.default_rng(9)
    tested, *others = rows(rng, 4, 0.4)
    before = compute_family_test(tested, others)
    scaled = [
        ScoreRow(3 * row.score - 7, tuple(3 * each - 7 for each in row.nulls)) for row in others
    ]
    after = compute_family_test(tested, scaled)
    assert after.p_value == before.p_value
    assert after.pivot == pytest.approx(before.pivot)


def test_a_run_that_cannot_be_computed_again_adds_its_bound() -> None:
    rng = np.random.default_rng(2)
    (row,) = rows(rng, 1, 0.0)
    alone, bounded = compute_family_test(row), compute_family_test(row, (), 2)
    assert alone.pivot is not None
    assert bounded.p_value == pytest.approx(min(1.0, max(alone.p_value, 3 * alone.pivot)))
    assert bounded.runs == 3


# -- pivot


@pytest.mark.parametrize("nulls", [19, 39, 99])
def test_the_pivot_is_exact_for_gumbel_scores(nulls: int) -> None:
    rng = np.random.default_rng(nulls)
    draws = 5 + 3 * rng.gumbel(size=(4000, nulls + 1))
    found = np.array([pivot_p_value(row[0], row[1:]) for row in draws])
    for level in (0.05, 0.0167, 0.005):
        error = math.sqrt(level / 4000)
        assert abs(np.mean(found <= level) - level) < 4 * error
    assert found.min() < 1 / (nulls + 1)


def test_the_pivot_needs_four_scores_that_differ() -> None:
    assert pivot_p_value(1.0, np.array([0.1, 0.2, 0.3, -math.inf])) is None
    assert pivot_p_value(1.0, np.full(19, 0.5)) is None
    assert pivot_p_value(1.0, np.array([0.1, 0.2, 0.3, 0.4])) is not None
