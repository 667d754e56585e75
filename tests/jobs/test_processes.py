"""Jobs in worker processes: results in order, and survival of workers that die or hang."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

import pytest

from evolve.errors import EvolveError
from evolve.jobs import processes, worker
from evolve.jobs.form import ResultForm
from evolve.jobs.job import JobPool, SerialJobs
from evolve.jobs.processes import MAX_ATTEMPTS, ProcessJobs
from evolve.jobs.stored import StoredJob, TableStore
from evolve.notices import NoticeList
from evolve.stop import Stop

NUMBERS = [5, 3, 8, 1, 9, 2, 7, 4, 6, 12, 11, 10]


@dataclass(frozen=True)
class Squared:
    """Result of the job."""

    number: int
    square: float


@dataclass(frozen=True)
class Square:
    """Job that squares a number; in a worker process, an action precedes it.

    Attributes:
        folder: has one file per attempt, which counts the attempts over all processes.
        signals: by number, the signal that a worker sends itself.
        attempts: number of attempts at which it does.
        waits_for: by number, the numbers whose attempts must exist before it returns.
        evaluations: see `Job`.
    """

    folder: Path
    signals: Mapping[int, int] = field(default_factory=dict)
    attempts: int = 1
    waits_for: Mapping[int, tuple[int, ...]] = field(default_factory=dict)
    evaluations: int = 100
    parent: int = field(default_factory=os.getpid)
    form: ClassVar[ResultForm[Squared]] = ResultForm(Squared)

    def count_evaluations(self, result: Squared) -> int:
        return self.evaluations

    def open(self, is_stopped: Callable[[], bool]) -> Callable[[int], Squared | None]:
        return lambda number: None if is_stopped() else self._run(number)

    def _run(self, number: int) -> Squared:
        if os.getpid() != self.parent:
            attempt = len(list_attempts(self.folder, number)) + 1
            (self.folder / f"{number}-{attempt}").touch()
            if number in self.signals and attempt <= self.attempts:
                os.kill(os.getpid(), self.signals[number])
            for other in self.waits_for.get(number, ()):
                while not list_attempts(self.folder, other):
                    threading.Event().wait(0.001)
        return Squared(number, number**2 / 3)


def list_attempts(folder: Path, number: int) -> list[Path]:
    return list(folder.glob(f"{number}-*"))


class Rows:
    """Table of results that lists its rows in the order in which they are written."""

    def __init__(self) -> None:
        self.rows: list[tuple[str, int, Any]] = []

    def read(self, problem: str) -> dict[int, Any]:
        return {number: result for name, number, result in self.rows if name == problem}

    def save(self, problem: str, number: int, result: Any) -> None:
        self.rows.append((problem, number, result))


def run(pool: JobPool, job: Square, log: NoticeList | None = None) -> list[tuple[str, int, Any]]:
    """Return the rows that a pool stores."""
    rows, log = Rows(), log or NoticeList()
    store = TableStore(rows, "square", job.form, log)
    results = list(StoredJob(job, store).iterate(pool, NUMBERS, log, Stop()))
    assert results == [Squared(number, number**2 / 3) for number in NUMBERS]
    return rows.rows


@pytest.fixture(autouse=True)
def short_deadline(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "MIN_SECONDS", 0.3)


@pytest.mark.parametrize("processes", [1, 2, 5, 50])
def test_results_and_rows_do_not_depend_on_the_number_of_processes(
    processes: int, tmp_path: Path
) -> None:
    log = NoticeList()
    job = Square(tmp_path, evaluations=10**9)  # no deadline
    assert run(ProcessJobs(processes), job, log) == run(SerialJobs(), job)
    assert log.texts == []


@pytest.mark.parametrize("processes", [2, 3])
def test_results_that_arrive_out_of_order_are_yielded_and_stored_in_order(
    processes: int, tmp_path: Path
) -> None:
    # The first number waits for later ones, and 8 for the one after it.
    later = {5: (9, 2), 8: (1,)}
    job = Square(tmp_path, waits_for=later, evaluations=10**9)
    assert run(ProcessJobs(processes), job) == run(SerialJobs(), job)


def test_a_slow_first_number_leaves_no_worker_idle_within_the_look_ahead(tmp_path: Path) -> None:
    # With two processes, it returns only after the other worker has run seven further numbers.
    job = Square(tmp_path, waits_for={5: (3, 8, 1, 9, 2, 7, 4)}, evaluations=10**9)
    stored = StoredJob(job, TableStore(Rows(), "square", job.form, NoticeList()))
    results = stored.iterate(ProcessJobs(2), NUMBERS, NoticeList(), Stop())
    assert next(results) == Squared(5, 25 / 3)
    started = {int(path.name.split("-")[0]) for path in tmp_path.iterdir()}
    assert len(started) <= 9  # one more may begin once the first has its result
    results.close()


@pytest.mark.parametrize("killed", [(5,), (4,), (10,), (5, 3), tuple(NUMBERS)])
def test_the_death_of_workers_costs_only_the_numbers_that_they_ran(
    killed: tuple[int, ...], tmp_path: Path
) -> None:
    log = NoticeList()
    job = Square(tmp_path, dict.fromkeys(killed, signal.SIGKILL), evaluations=10**9)
    assert run(ProcessJobs(2), job, log) == run(SerialJobs(), job)
    attempts = {number: len(list_attempts(tmp_path, number)) for number in NUMBERS}
    assert attempts == {number: 1 + (number in killed) for number in NUMBERS}
    assert log.texts == ["a worker process died; its job runs again"] * len(killed)


def test_a_number_whose_workers_always_die_runs_in_the_main_process(tmp_path: Path) -> None:
    log = NoticeList()
    job = Square(tmp_path, {8: signal.SIGKILL}, attempts=99, evaluations=10**9)
    assert run(ProcessJobs(2), job, log) == run(SerialJobs(), job)
    assert len(list_attempts(tmp_path, 8)) == MAX_ATTEMPTS
    assert len(log.texts) == MAX_ATTEMPTS + 1
    assert "runs in the main process" in log.texts[-1]


@pytest.mark.parametrize("stopped", [(5,), (1,), (10,)])
def test_the_number_of_a_worker_that_hangs_runs_elsewhere(
    stopped: tuple[int, ...], tmp_path: Path
) -> None:
    log = NoticeList()
    job = Square(tmp_path, dict.fromkeys(stopped, signal.SIGSTOP))
    assert run(ProcessJobs(2), job, log) == run(SerialJobs(), job)
    assert all(len(list_attempts(tmp_path, number)) > 1 for number in stopped)
    assert any("does not answer" in text for text in log.texts)


@pytest.mark.slow
def test_a_number_whose_workers_always_hang_runs_in_the_main_process(tmp_path: Path) -> None:
    log = NoticeList()
    job = Square(tmp_path, {1: signal.SIGSTOP}, attempts=99)
    assert run(ProcessJobs(2), job, log) == run(SerialJobs(), job)
    assert len(list_attempts(tmp_path, 1)) == MAX_ATTEMPTS


def test_no_process_is_left_behind(tmp_path: Path) -> None:
    pids: list[int] = []

    class Recorded(worker.Worker):
        def __init__(self, job: Any) -> None:
            super().__init__(job)
            assert self._process.pid is not None
            pids.append(self._process.pid)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("evolve.jobs.processes.Worker", Recorded)
        run(ProcessJobs(3), Square(tmp_path, {5: signal.SIGSTOP, 9: signal.SIGKILL}))
    assert len(pids) >= 3
    for pid in pids:
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)


def test_without_processes_the_main_one_runs_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(job: object) -> None:
        raise BlockingIOError("Resource temporarily unavailable")

    monkeypatch.setattr("evolve.jobs.processes.Worker", refuse)
    log, job = NoticeList(), Square(tmp_path)
    assert run(ProcessJobs(2), job, log) == run(SerialJobs(), job)
    assert "no further worker process" in log.texts[0]


@pytest.mark.parametrize("pool", [SerialJobs(), ProcessJobs(2)])
def test_a_stop_ends_the_iteration(pool: JobPool, tmp_path: Path) -> None:
    stop, found = Stop(), []
    for each in pool.iterate(Square(tmp_path), NUMBERS, NoticeList(), stop):
        found.append(each.number)
        stop.set()
    assert found == NUMBERS[:1]


@pytest.mark.parametrize("processes", [1, 2])
def test_an_error_of_a_job_ends_the_iteration(processes: int) -> None:
    with pytest.raises(EvolveError, match="no such number: 3"):
        list(ProcessJobs(processes).iterate(Refused(), NUMBERS, NoticeList(), Stop()))


@dataclass(frozen=True)
class Refused:
    """Job with an error."""

    evaluations: int = 1
    form: ClassVar[ResultForm[Squared]] = ResultForm(Squared)

    def count_evaluations(self, result: Squared) -> int:
        return 1

    def open(self, is_stopped: Callable[[], bool]) -> Callable[[int], Squared | None]:
        return self._run

    def _run(self, number: int) -> Squared:
        if number == 3:
            raise EvolveError("no such number: 3", "use another one")
        return Squared(number, 0.0)


def test_no_number_gives_no_result(tmp_path: Path) -> None:
    assert list(ProcessJobs(2).iterate(Square(tmp_path), [], NoticeList(), Stop())) == []


# -- stored results


def test_stored_results_are_not_computed_again(tmp_path: Path) -> None:
    job, rows, log = Square(tmp_path), Rows(), NoticeList()
    store = TableStore(rows, "square", job.form, log)
    results = StoredJob(job, store).iterate(ProcessJobs(2), NUMBERS, log, Stop())
    first = [next(results) for _ in range(5)]
    results.close()
    assert [number for _, number, _ in rows.rows] == NUMBERS[:5]
    for path in tmp_path.iterdir():
        path.unlink()
    rest = list(StoredJob(job, store).iterate(ProcessJobs(2), NUMBERS, log, Stop()))
    assert rest[:5] == first
    assert not any(list_attempts(tmp_path, number) for number in NUMBERS[:5])
    assert [number for _, number, _ in rows.rows] == NUMBERS


def damage(document: Any) -> Iterator[Any]:
    yield None
    yield {}
    yield {**document, "number": "five"}
    yield {**document, "square": None}


def test_a_damaged_result_is_reported_and_computed_again(tmp_path: Path) -> None:
    job = Square(tmp_path)
    whole = run(SerialJobs(), job)
    for changed in damage(whole[0][2]):
        rows, log = Rows(), NoticeList()
        rows.rows = [("square", NUMBERS[0], changed)]
        store = TableStore(rows, "square", job.form, log)
        list(StoredJob(job, store).iterate(SerialJobs(), NUMBERS, log, Stop()))
        assert rows.rows[1:] == whole
        assert log.texts == [f"the stored result {NUMBERS[0]} is damaged; its job runs again"]
