"""Jobs in a pool: results in order for any number of processes, and survival of a dead worker."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass

import pytest

from evolve.notices import NoticeList
from evolve.stop import Stop
from evolve.validation.job_pool import iterate_jobs


@dataclass(frozen=True)
class Square:
    """Job that squares a number; it ends a worker process at a number."""

    deadly: int | None = None
    parent: int = 0

    def open(self, is_stopped: Callable[[], bool]) -> Callable[[int], int | None]:
        return self._run

    def _run(self, number: int) -> int | None:
        if number == self.deadly and os.getpid() != self.parent:
            os._exit(1)
        return number * number


@pytest.mark.parametrize("processes", [1, 2, 3, 50])
def test_results_are_in_order_for_any_number_of_processes(processes: int) -> None:
    numbers = [5, 3, 8, 1, 9, 2, 7]
    log = NoticeList()
    found = list(iterate_jobs(Square(), numbers, processes, log, Stop()))
    assert found == [number * number for number in numbers]
    assert log.texts == []


@pytest.mark.parametrize("processes", [1, 2])
def test_a_stop_ends_the_iteration(processes: int) -> None:
    stop = Stop()
    found = []
    for each in iterate_jobs(StopAware(), range(100), processes, NoticeList(), stop):
        found.append(each)
        stop.set()
    assert found == [0]


@dataclass(frozen=True)
class StopAware:
    """Job that returns its number, or None once it is stopped."""

    def open(self, is_stopped: Callable[[], bool]) -> Callable[[int], int | None]:
        return lambda number: None if is_stopped() else number


def test_no_number_gives_no_result() -> None:
    assert list(iterate_jobs(Square(), [], 2, NoticeList(), Stop())) == []


def test_after_the_death_of_a_worker_the_main_process_continues() -> None:
    log = NoticeList()
    job = Square(4, os.getpid())
    assert list(iterate_jobs(job, range(8), 2, log, Stop())) == [n * n for n in range(8)]
    assert any("a worker process died" in text for text in log.texts)
