"""Leads of searches over each other, and the rate of a test by the largest lead."""

from __future__ import annotations

import importlib
import math
from pathlib import Path
from statistics import fmean, stdev

import numpy as np
import pytest
from scipy.stats import binom

from dsl.analysis.check import check
from evolve.search.best_curve import BestCurve, CurvePoint
from evolve.search.individual import Fitness, Individual
from evolve.validation.family import pivot_p_value
from evolve.validation.leads import Lead, Scores, build_scores, convert_to_normal, measure_leads
from evolve.validation.luck_stop import LuckStop
from evolve.validation.null_run import NullRun
from evolve.validation.null_search import NullResult
from tests.search.toy import ToyScores

COUNTS = (100, 200, 500, 1000, 2000)
BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
NEVER = 1e-4  # probability of a count that no correct test should reach


def draw(seed: int, searches: int = 8) -> Scores:
    """Return curves whose first one is far above the others at first."""
    rng = np.random.default_rng(seed)
    scores = np.maximum.accumulate(rng.gumbel(size=(searches, len(COUNTS))), axis=1)
    scores[0] = np.maximum(scores[0], 5.0)
    scores[1:] += np.linspace(0.0, 3.0, len(COUNTS))
    return scores


def measure_alone(scores: Scores, column: int) -> list[float]:
    """Return the lead of each search at one count by its definition."""
    values = scores[:, column].tolist()
    rest = [[*values[:row], *values[row + 1 :]] for row in range(len(values))]
    return [(one - fmean(each)) / stdev(each) for one, each in zip(values, rest, strict=True)]


def test_a_lead_is_the_distance_to_the_other_searches_in_their_deviations() -> None:
    scores = np.random.default_rng(1).gumbel(size=(7, 1))
    found = [each.largest for each in measure_leads(scores, [100])]
    assert found == pytest.approx(measure_alone(scores, 0))


def test_a_lead_is_lost_at_the_first_count_where_it_is_half_of_its_largest_value() -> None:
    lost = 0
    for seed in range(40):
        scores = draw(seed)
        current, largest, ends = scores.copy(), [-math.inf] * len(scores), [0] * len(scores)
        for column, count in enumerate(COUNTS):
            for row, lead in enumerate(measure_alone(current, column)):
                if not ends[row]:
                    if largest[row] >= 3.0 and lead <= largest[row] / 2:
                        ends[row] = count
                        current[row, column:] = current[row, column]
                    largest[row] = max(largest[row], lead)
        leads = measure_leads(scores, COUNTS)
        assert [each.lost_at for each in leads] == ends
        assert [each.largest for each in leads] == pytest.approx(largest)
        lost += ends[0] > 0
    assert lost >= 10


def test_the_searches_are_treated_alike_in_any_order() -> None:
    for seed in range(10):
        scores = draw(seed)
        order = np.random.default_rng(seed).permutation(len(scores))
        leads, permuted = measure_leads(scores, COUNTS), measure_leads(scores[order], COUNTS)
        for position, row in enumerate(order.tolist()):
            assert permuted[position] == pytest.approx(leads[row])


def test_nothing_after_the_loss_of_a_lead_changes_a_lead() -> None:
    changed = 0
    for seed in range(20):
        scores = draw(seed)
        leads = measure_leads(scores, COUNTS)
        if leads[0].lost_at:
            scores[0, COUNTS.index(leads[0].lost_at) + 1 :] += 1000.0
            assert measure_leads(scores, COUNTS) == leads
            changed += 1
    assert changed


@pytest.mark.parametrize(
    "column",
    [(0.1, 0.2, 0.3, 0.4), (0.5, 0.1, 0.1, 0.1, 0.1, 0.1), (0.5, 0.1, 0.2, 0.3) + 9 * (-math.inf,)],
    ids=["few searches", "equal others", "few scores"],
)
def test_a_score_has_no_lead_over_few_or_equal_others(column: tuple[float, ...]) -> None:
    assert measure_leads(np.array(column)[:, None], [100])[0] == Lead()


def test_a_search_without_a_score_has_no_lead_and_changes_none() -> None:
    scores = np.random.default_rng(3).gumbel(size=(8, 1))
    more = np.vstack([scores, [[-math.inf]]])
    assert measure_leads(more, [100]) == [*measure_leads(scores, [100]), Lead()]


def test_the_scores_after_each_count_are_the_last_ones_of_the_curves() -> None:
    curves = [[CurvePoint(100, None), CurvePoint(200, 0.3)], [CurvePoint(90, 0.1)]]
    assert build_scores(curves, (50, 100, 200, 500)).tolist() == [
        [-math.inf, -math.inf, 0.3, 0.3],
        [-math.inf, 0.1, 0.1, 0.1],
    ]


def test_normal_scores_have_the_order_of_the_leads() -> None:
    leads = [-math.inf, -2.0, 0.0, 0.1, 3.0, 30.0, 1e9]
    scores = convert_to_normal(leads)
    assert scores == sorted(scores)
    assert scores[2] == 0.0 and math.isfinite(scores[-1]) and scores[0] == -math.inf


# -- the end of a search


def build_nulls(scores: Scores) -> tuple[NullResult, ...]:
    curves = [tuple(map(CurvePoint, COUNTS, row)) for row in scores.tolist()]
    return tuple(
        NullResult(number, curve[-1].best, COUNTS[-1], False, curve)
        for number, curve in enumerate(curves, start=1)
    )


def build_trials(scores: list[float]) -> list[Individual]:
    program = check("strategy s { buy when close > 1 }")
    return [
        Individual(program, ToyScores((each,)), Fitness((1.0,), (each,)), "point", (), 0, 1)
        for each in scores
    ]


def build_losing_search() -> tuple[list[Individual], tuple[NullResult, ...], int]:
    """Return trials, null searches, and the number of trials at which the lead is lost."""
    trials = build_trials([5.0, *[0.0] * (COUNTS[-1] - 1)])
    nulls = next(
        build_nulls(scores[1:])
        for scores in map(draw, range(100))
        if 200 <= measure_leads(np.vstack([np.full(5, 5.0), scores[1:]]), COUNTS)[0].lost_at <= 1000
    )
    curve = BestCurve()
    curve.add(trials)
    run = NullRun(5.0, COUNTS[-1], len(nulls), nulls, curve.points)
    return trials, nulls, run.leads[0].lost_at


@pytest.mark.parametrize("epoch", [7, 100, 130])
def test_a_search_ends_after_the_epoch_that_loses_its_lead(epoch: int) -> None:
    trials, nulls, lost_at = build_losing_search()
    find_end, reason, done = LuckStop(nulls, BestCurve()), "", 0
    while not reason:
        reason, done = find_end(trials[done : done + epoch]), done + epoch
    assert done - epoch < lost_at <= done
    assert f"luck had caught up at {lost_at:,} trials" in reason


def test_a_search_that_goes_on_ends_as_one_that_was_not_interrupted() -> None:
    trials, nulls, lost_at = build_losing_search()
    for done in range(0, lost_at, 50):
        curve = BestCurve()
        curve.add(trials[:done])
        find_end = LuckStop(nulls, BestCurve.restore(curve.save()))
        assert find_end(()) == find_end(trials[done : lost_at - 1]) == ""
        assert find_end(trials[lost_at - 1 : lost_at])


def test_the_verdict_of_a_search_that_ended_is_that_of_its_leads() -> None:
    trials, nulls, lost_at = build_losing_search()
    curve = BestCurve()
    curve.add(trials[:lost_at])
    run = NullRun(5.0, COUNTS[-1], len(nulls), nulls, curve.points)
    assert run.score < max(run.bests)  # luck is better at the full budget
    assert (run.exceedances, run.p_value) == (0, 1 / 8)
    assert run.threshold is None and run.is_complete
    part = NullRun(5.0, COUNTS[-1], len(nulls), nulls[:-1], curve.points)
    assert not part.is_complete


# -- rates


@pytest.mark.slow
@pytest.mark.parametrize("tail", ["exponential", "normal"])
def test_the_largest_lead_of_a_search_without_skill_rejects_as_rarely_as_it_should(
    monkeypatch: pytest.MonkeyPatch, tail: str
) -> None:
    monkeypatch.syspath_prepend(BENCHMARKS)
    benchmark = importlib.import_module("luck_stop")
    markets, count = benchmark.iterate_markets(np.random.default_rng(2), tail, None), 3000
    rejected = {"luck": 0, "peek": 0, "pivot": 0}
    for _ in range(count):
        curves = next(markets)
        found, _ = benchmark.reject(curves)
        rejected["luck"] += found["luck"]
        rejected["peek"] += found["peek"]
        leads = [each.largest for each in measure_leads(curves, benchmark.COUNTS)]
        real, *others = convert_to_normal(leads)
        p_value = pivot_p_value(real, np.array(others))
        rejected["pivot"] += p_value is not None and p_value <= 0.01
    assert binom.sf(rejected["luck"] - 1, count, 0.05) > NEVER
    assert binom.cdf(rejected["luck"], count, 0.05) > NEVER
    assert binom.sf(rejected["pivot"] - 1, count, 0.01) > NEVER
    assert binom.sf(rejected["peek"] - 1, count, 0.05) < NEVER


@pytest.mark.slow
def test_an_edge_that_is_found_early_is_not_lost_to_a_larger_budget(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.syspath_prepend(BENCHMARKS)
    benchmark = importlib.import_module("luck_stop")
    edge = benchmark.EDGES["early"]
    markets = benchmark.iterate_markets(np.random.default_rng(3), "exponential", edge)
    found = [benchmark.reject(next(markets))[0] for _ in range(300)]
    shares = {rule: np.mean([each[rule] for each in found]) for rule in ("budget", "luck")}
    assert shares["luck"] > 0.8 > 0.4 > shares["budget"]
