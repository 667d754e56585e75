"""Search: trials, budgets, improvement and reproducibility."""

from __future__ import annotations

import os
import random
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest

from dsl.analysis.check import check
from dsl.analysis.program import Program
from evolve.search.epoch import run_epoch
from evolve.search.executors import PendingEpochs, SerialExecutor
from evolve.search.island import EpochResult, EpochTask, new_island
from evolve.search.options import DEFAULT_OPTIONS
from evolve.search.progress import Budget, Progress
from evolve.search.proposers import PROPOSERS
from evolve.search.search import search
from evolve.search.trial_index import TrialIndex
from evolve.stop import Stop
from tests.search.toy import ToyScores, closeness, ignore_large_ones, solve, toy_problem

ROOT = Path(__file__).parents[2]


def toy_run(evaluations: int = 600, seed: int = 1, islands: int = 3) -> list[Progress]:
    return solve(toy_problem(), Budget(evaluations), seed, islands)


def fingerprint(run: list[Progress]) -> list[str]:
    return [trial.program.hash for each in run for trial in each.trials]


def test_every_distinct_program_is_one_trial_and_the_budget_is_exact() -> None:
    run = toy_run(500)
    hashes = fingerprint(run)
    assert len(hashes) == len(set(hashes)) == run[-1].evaluated == 500
    assert run[-1].stop_reason


def test_the_best_score_improves_and_never_drops() -> None:
    scores = [each.best.score for each in toy_run(1500) if each.best]
    assert all(later >= earlier for earlier, later in pairwise(scores))
    assert scores[-1] > scores[0]
    assert scores[-1] > -1.0


def test_a_run_depends_on_its_seed() -> None:
    assert fingerprint(toy_run(300, seed=4)) == fingerprint(toy_run(300, seed=4))
    assert fingerprint(toy_run(300, seed=4)) != fingerprint(toy_run(300, seed=5))


@pytest.mark.slow
def test_a_run_does_not_depend_on_the_hash_seed() -> None:
    script = (
        "from tests.search.test_search import fingerprint, toy_run;"
        "print(','.join(fingerprint(toy_run(300))))"
    )
    outputs = {
        subprocess.run(
            [sys.executable, "-c", script],
            cwd=ROOT,
            env={**os.environ, "PYTHONHASHSEED": hash_seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout.strip()
        for hash_seed in ("0", "1", "77")
    }
    assert outputs == {",".join(fingerprint(toy_run(300)))}


def test_an_epoch_is_a_pure_function_of_its_input() -> None:
    problem, island = toy_problem(), new_island(0, 7)
    random.seed(1)
    once = run_epoch(EpochTask(island, problem.proposers, 50, 1, 3), problem, frozenset())
    random.seed(2)
    again = run_epoch(EpochTask(island, problem.proposers, 50, 1, 3), problem, frozenset())
    assert [t.program.hash for t in once.trials] == [t.program.hash for t in again.trials]
    assert once.island.rng_state == again.island.rng_state
    assert once.stats == again.stats
    assert island.population == ()


def test_an_epoch_evaluates_new_programs_within_its_budget() -> None:
    problem, island = toy_problem(), new_island(0, 7)
    first = run_epoch(EpochTask(island, problem.proposers, 40, 1, 3), problem, frozenset())
    seen = frozenset(trial.program.key for trial in first.trials)
    second = run_epoch(EpochTask(island, problem.proposers, 40, 1, 3), problem, seen)
    assert len(first.trials) == 40
    assert not seen & {trial.program.key for trial in second.trials}
    assert sum(each.duplicate for each in second.stats.values()) > 0


def test_the_search_does_not_use_the_global_generator() -> None:
    random.seed(11)
    state = random.getstate()
    toy_run(100)
    assert random.getstate() == state


def test_starting_programs_are_the_first_trials() -> None:
    start = [
        check("strategy a { buy when rsi(close, 14) < 30 }"),
        check("strategy b { buy when close > open }"),
    ]
    run = solve(toy_problem(), Budget(100), 1, 2, [*start, start[0]])
    assert [trial.program.name for trial in run[0].trials] == ["a", "b"]
    assert run[0].epoch == 0
    assert run[0].evaluated == 2
    assert run[-1].evaluated == 100


def test_infeasible_programs_are_trials_but_never_parents() -> None:
    problem = toy_problem()

    def reject_large_ones(programs: object) -> list[ToyScores]:
        assert isinstance(programs, list)
        return [ToyScores(each.values, each.values[1] <= 12) for each in closeness(programs)]

    run = solve(replace(problem, evaluate=reject_large_ones), Budget(300), 1, 2)
    assert run[-1].evaluated == 300
    for progress in run:
        for island in progress.islands:
            assert all(each.scores.is_feasible for each in island.population)


def test_idle_programs_are_replaced_and_no_trials() -> None:
    run = solve(replace(toy_problem(), evaluate=ignore_large_ones), Budget(300), 1, 2)
    assert run[-1].evaluated == 300
    assert sum(each.idle for each in run[-1].stats.values()) > 30
    trials = [trial for each in run for trial in each.trials]
    assert sum(trial.scores.is_idle for trial in trials) < 10  # those of the last redraw


def test_idle_programs_are_trials_if_the_experiment_counts_them() -> None:
    options = replace(DEFAULT_OPTIONS, idle="count")
    problem = replace(toy_problem(), evaluate=ignore_large_ones, options=options)
    run = solve(problem, Budget(300), 1, 2)
    assert sum(trial.scores.is_idle for each in run for trial in each.trials) > 30
    assert not any(each.idle for each in run[-1].stats.values())


def test_a_search_ends_in_a_space_where_all_programs_are_idle() -> None:
    def ignore_all(programs: Sequence[Program]) -> list[ToyScores]:
        return [replace(each, is_feasible=False, is_idle=True) for each in closeness(programs)]

    last = solve(replace(toy_problem(), evaluate=ignore_all), Budget(100), 1, 2)[-1]
    assert (last.evaluated, last.best) == (100, None)


def test_a_population_has_the_fittest_program_of_each_behavior() -> None:
    def group(programs: Sequence[Program]) -> list[ToyScores]:
        return [replace(each, behavior=round(each.values[0] / 50)) for each in closeness(programs)]

    for progress in solve(replace(toy_problem(), evaluate=group), Budget(600), 1, 1):
        population = progress.islands[0].population
        assert len({each.scores.behavior for each in population}) == len(population)
        best = max((each.score for each in population), default=None)
        assert best == (progress.best.score if progress.best is not None else None)


def test_a_population_may_have_programs_of_equal_behavior() -> None:
    def alike(programs: Sequence[Program]) -> list[ToyScores]:
        return [replace(each, behavior="alike") for each in closeness(programs)]

    options = replace(DEFAULT_OPTIONS, distinct=False)
    for distinct, size in ((options, 20), (DEFAULT_OPTIONS, 1)):
        problem = replace(toy_problem(), evaluate=alike, options=distinct)
        assert len(solve(problem, Budget(300), 1, 1)[-1].islands[0].population) == size


def test_the_search_stops_if_it_is_stale_or_out_of_time_or_interrupted() -> None:
    def constant(programs: object) -> list[ToyScores]:
        assert isinstance(programs, list)
        return [ToyScores((1.0, 1.0)) for _ in programs]

    flat = replace(toy_problem(), evaluate=constant)
    stale = solve(flat, Budget(10_000, stale_epochs=2), 1, 1)
    assert "no improvement in 2 epochs" in stale[-1].stop_reason
    ticks = iter(range(0, 10_000, 30))
    timed = solve(flat, Budget(10_000, minutes=1), 1, 1, clock=lambda: next(ticks))
    assert "budget of 1 minutes spent at epoch" in timed[-1].stop_reason
    stop = Stop()
    stop.set()
    interrupted = solve(flat, Budget(10_000), 1, 1, stop=stop)
    assert interrupted[-1].stop_reason == "interrupted"


def test_a_run_limited_by_time_is_a_prefix_of_an_unlimited_one() -> None:
    ticks = iter(range(0, 10_000, 15))
    cut = solve(toy_problem(), Budget(600, minutes=1), 1, 2, clock=lambda: next(ticks))
    whole = solve(toy_problem(), Budget(600), 1, 2)
    assert 0 < len(cut) < len(whole)
    assert fingerprint(cut) == fingerprint(whole)[: len(fingerprint(cut))]


def test_a_single_objective_is_maximized() -> None:
    def closest(programs: object) -> list[ToyScores]:
        assert isinstance(programs, list)
        return [ToyScores(each.values[:1]) for each in closeness(programs)]

    one = replace(toy_problem(), evaluate=closest, weights=(1.0,))
    scores = [each.best.score for each in solve(one, Budget(600), 1, 2) if each.best]
    assert scores[-1] > scores[0]


@pytest.mark.parametrize("name", PROPOSERS)
def test_the_counts_of_every_proposer_add_up(name: str) -> None:
    stats = toy_run(1200)[-1].stats[name]
    assert stats.proposed >= stats.valid >= stats.evaluated > 0
    assert stats.valid == stats.duplicate + stats.idle + stats.evaluated
    assert stats.accepted <= stats.evaluated


def test_an_epoch_starts_before_the_last_one_is_yielded() -> None:
    order: list[str] = []

    class LoggingExecutor(SerialExecutor):
        def submit(self, tasks: Sequence[EpochTask], index: TrialIndex) -> PendingEpochs:
            order.append("submitted")
            pending = super().submit(tasks, index)

            def wait() -> list[EpochResult]:
                order.append("awaited")
                return pending()

            return wait

    count = 0
    problem = replace(toy_problem(), islands=2)
    for _ in search(problem, Budget(300), LoggingExecutor(problem)):
        order.append("yielded")
        count += 1
    assert count > 3
    assert order == ["submitted", "yielded", "awaited"] * (count - 1) + ["yielded"]
