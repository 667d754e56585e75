"""Time by genetic operator, which reports show and the search does not read."""

from __future__ import annotations

from dataclasses import replace
from itertools import count, pairwise
from pathlib import Path

import pytest

from evolve.experiment.run_view import read_view
from evolve.notices import NoticeList
from evolve.search import epoch
from evolve.search.executors import ProcessExecutor
from evolve.search.island import EpochResult
from evolve.search.progress import Budget
from tests.experiment.small_runs import NOISE, run_small
from tests.search.toy import solve, toy_problem


def test_the_time_of_each_operator_is_that_of_its_proposals_and_evaluations(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ticks = count()
    monkeypatch.setattr(epoch, "perf_counter", lambda: float(next(ticks)))
    problem = toy_problem()
    last = solve(problem, Budget(300))[-1]
    measured = next(ticks) / 2  # one tick per try, and one per evaluated generation
    assert sum(last.seconds.values()) == pytest.approx(measured)
    assert measured > last.evaluated
    assert set(last.seconds) <= set(problem.proposers)
    for name, stats in last.stats.items():
        assert last.seconds[name] >= stats.proposed


def test_seconds_grow_and_are_no_part_of_the_equality_of_epochs() -> None:
    steps = solve(toy_problem(), Budget(300))
    assert steps[0].seconds == {}
    for before, after in pairwise(steps):
        assert all(after.seconds[name] >= spent for name, spent in before.seconds.items())
    result = EpochResult(steps[-1].islands[0], (), {}, {"point": 1.0})
    assert result == replace(result, seconds={"point": 2.0})


def test_worker_processes_return_their_seconds() -> None:
    problem = toy_problem()
    with ProcessExecutor(problem, 2, NoticeList()) as executor:
        last = solve(problem, Budget(200), islands=2, executor=executor)[-1]
    assert {name for name, each in last.stats.items() if each.evaluated} <= set(last.seconds)


def test_a_run_records_the_seconds_by_epoch_and_in_its_result(tmp_path: Path) -> None:
    view = read_view(run_small(tmp_path, NOISE, "validate.null_runs=0").folder)
    recorded = [each.detail["seconds"] for each in view.rows.list_events("epoch")]
    assert recorded[-1] == view.result["proposer_seconds"]
    assert set(recorded[-1]) >= {name for name in view.result["proposers"] if name != "seed"}
    assert 0 < sum(recorded[-1].values()) < view.result["elapsed_seconds"]
