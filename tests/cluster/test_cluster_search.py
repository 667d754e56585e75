"""Searches on real workers: one result for any number of workers, order of arrival and death."""

from __future__ import annotations

import signal
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from evolve.cluster import Cluster, ClusterExecutor, dispatcher
from evolve.jobs import deadline
from evolve.notices import NoticeList
from evolve.search.executors import Executor
from evolve.search.progress import Budget, Progress
from evolve.search.search import search
from tests.cluster.processes import Processes, start_processes, wait_until
from tests.cluster.toy_problem import build_inputs, describe_search, open_toy

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("default")]

INPUTS = build_inputs(islands=4)
BUDGET = Budget(2400, stale_epochs=None)


@pytest.fixture(scope="module")
def serial() -> list[tuple[Any, ...]]:
    return describe_search(list(search(open_toy(INPUTS), BUDGET)))


@pytest.fixture
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dispatcher, "MIN_SECONDS", 2.0)
    monkeypatch.setattr(deadline, "SLOWNESS", 2.0)


def run(
    processes: Processes, log: NoticeList, disturb: dict[int, Any] | None = None
) -> Sequence[Progress]:
    """Search on a cluster; at given epochs, call a function while its tasks run."""
    problem = open_toy(INPUTS)
    with Cluster(processes.address, log) as cluster:
        wait_until(lambda: len(cluster.workers) == len(processes.workers))
        executor: Executor = ClusterExecutor(problem, cluster, open_toy, INPUTS, log)
        return list(_iterate(search(problem, BUDGET, executor), disturb or {}))


def _iterate(steps: Iterator[Progress], disturb: dict[int, Any]) -> Iterator[Progress]:
    for step in steps:
        disturb.get(step.epoch, lambda: None)()
        yield step


@pytest.mark.parametrize("workers", [1, 2, 3])
def test_the_search_is_equal_for_any_number_of_workers(
    workers: int, tmp_path: Path, serial: list[tuple[Any, ...]]
) -> None:
    log = NoticeList()
    with start_processes(tmp_path, workers) as processes:
        assert describe_search(run(processes, log)) == serial
    assert log.texts == []


def test_the_search_is_equal_if_a_worker_is_killed_and_another_joins(
    tmp_path: Path, serial: list[tuple[Any, ...]]
) -> None:
    log = NoticeList()
    with start_processes(tmp_path, 2) as processes:
        disturb = {
            3: processes.workers[0].kill,
            5: processes.start_worker,
            8: processes.workers[1].kill,
        }
        assert describe_search(run(processes, log, disturb)) == serial
    assert sum("is lost" in each for each in log.texts) >= 1


def test_the_search_is_equal_if_a_worker_stops(
    tmp_path: Path, serial: list[tuple[Any, ...]], _impatient: None
) -> None:
    log = NoticeList()
    with start_processes(tmp_path, 2) as processes:
        disturb = {3: lambda: processes.workers[0].send_signal(signal.SIGSTOP)}
        assert describe_search(run(processes, log, disturb)) == serial
    assert any("has not completed a task" in each for each in log.texts)
    assert not any("main process" in each for each in log.texts)  # the other worker ran them


def test_the_search_goes_on_in_the_main_process_if_no_worker_is_left(
    tmp_path: Path, serial: list[tuple[Any, ...]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dispatcher, "STRANDED_SECONDS", 0.5)
    log = NoticeList()
    with start_processes(tmp_path, 1) as processes:
        disturb = {3: processes.workers[0].kill}
        assert describe_search(run(processes, log, disturb)) == serial
    assert any("epochs run in the main process" in each for each in log.texts)
