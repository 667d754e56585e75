"""History of a search: its curve and its sample."""

from __future__ import annotations

from evolve.search.best_curve import BestCurve, CurvePoint
from evolve.search.history import SearchHistory
from evolve.search.individual import Individual
from evolve.search.progress import Budget
from evolve.search.search import search
from evolve.search.trial_sample import MAX_TRIALS, TrialSample
from tests.search.toy import toy_problem


def run(evaluations: int) -> tuple[SearchHistory, list[Individual]]:
    history, trials = SearchHistory(), list[Individual]()
    for progress in search(toy_problem(), Budget(evaluations)):
        history.add(progress.trials)
        trials.extend(progress.trials)
    return history, trials


def test_the_curve_has_the_best_feasible_score_at_round_numbers() -> None:
    history, trials = run(1234)
    points = history.curve.points
    assert [each.trials for each in points] == [100, 200, 500, 1000, 1234]
    for each in points:
        feasible = [t.score for t in trials[: each.trials] if t.scores.is_feasible]
        assert each.best == max(feasible, default=None)


def test_the_curve_does_not_repeat_its_last_point() -> None:
    history, _ = run(200)
    assert [each.trials for each in history.curve.points] == [100, 200]
    assert BestCurve().points == (CurvePoint(0, None),)


def test_the_sample_is_evenly_spaced_and_bounded() -> None:
    _, trials = run(600)
    feasible = [each for each in trials if each.scores.is_feasible]
    for length in (1, MAX_TRIALS, MAX_TRIALS + 1, 3 * MAX_TRIALS, 4 * MAX_TRIALS + 3):
        repeated = [feasible[index % len(feasible)] for index in range(length)]
        sample, ids = TrialSample(), [id(each.program) for each in repeated]
        sample.add(repeated[: length // 3])
        sample.add(repeated[length // 3 :])
        count = len(sample.programs)
        assert min(length, MAX_TRIALS // 2) <= count <= MAX_TRIALS
        stride = -(-length // count)
        assert [id(each) for each in sample.programs] == ids[::stride]
