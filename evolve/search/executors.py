"""Executors that run epochs serially or in worker processes, with identical results."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager, suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import BinaryIO, Protocol

from dsl.gc_pause import pause_gc
from evolve.files import open_spill
from evolve.notices import NoticeLog
from evolve.parallel import open_pool
from evolve.search.epoch import run_epoch
from evolve.search.island import EpochResult, EpochTask, Island
from evolve.search.problem import SearchProblem
from evolve.search.trial_index import TrialIndex

KEY_BYTES = 16
MAX_ATTEMPTS = 2


PendingEpochs = Callable[[], list[EpochResult]]
"""Waits for the submitted epochs and returns their results in order."""


class Executor(Protocol):
    """Runner of epochs."""

    def submit(self, tasks: Sequence[EpochTask], index: TrialIndex) -> PendingEpochs:
        """Start epochs; the index must not change until their results are returned."""


class SerialExecutor:
    """Executor that runs one epoch after another in this process."""

    def __init__(self, problem: SearchProblem) -> None:
        self._problem = problem

    def submit(self, tasks: Sequence[EpochTask], index: TrialIndex) -> PendingEpochs:
        """Defer the epochs until their results are requested."""
        return lambda: [run_epoch(each, self._problem, index.seen) for each in tasks]


class ProcessExecutor:
    """Executor that runs epochs in worker processes; use it as a context manager.

    An epoch is a pure function of its input. If a worker dies, its epoch runs again. Workers
    receive the seen keys through a file, of which each reads the keys that are new to it. If that
    file cannot be written, or no process can start, all further epochs run in the main process.
    """

    def __init__(self, problem: SearchProblem, processes: int, log: NoticeLog) -> None:
        """Create an executor; its workers start with the first epoch.

        Args:
            problem: the problem, sent to each worker once.
            processes: number of workers.
            log: receives a notice if a worker dies.
        """
        self._serial = SerialExecutor(problem)
        self._problem = replace(problem, start_from=())  # workers do not need it
        self._processes, self._log = processes, log
        self._keys: BinaryIO | None = None
        self._written = 0
        self._is_serial = False
        self._pool: ProcessPoolExecutor | None = None

    def __enter__(self) -> ProcessExecutor:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if self._pool is not None:  # after an error, do not wait for running epochs
            self._pool.shutdown(wait=kind is None, cancel_futures=True)
        if self._keys is not None:
            with suppress(OSError):  # keys that a full disk refused
                self._keys.close()

    def submit(self, tasks: Sequence[EpochTask], index: TrialIndex) -> PendingEpochs:
        """Start epochs in the workers, after writing the new keys to the file."""
        if not self._is_serial:
            try:
                self._write_keys(index)
                running = self._submit(tasks, index)
                return lambda: self._wait(running, tasks, index)
            except OSError as error:
                self._is_serial = True
                self._log.notice(f"no worker processes: {error}; epochs run in the main process")
        return self._serial.submit(tasks, index)

    def _write_keys(self, index: TrialIndex) -> None:
        """Append the new keys to the file, whose name the workers use to read it."""
        if self._keys is None:
            self._keys = open_spill()
        self._keys.write(b"".join(index.keys[self._written :]))
        self._keys.flush()
        self._written = len(index)

    def _submit(
        self, tasks: Sequence[EpochTask], index: TrialIndex
    ) -> Iterator[EpochResult] | None:
        """Return the results as they arrive; None if a worker died."""
        with suppress(BrokenProcessPool):
            return self._start_pool().map(_run_task, tasks, [len(index)] * len(tasks))
        return None

    def _wait(
        self, running: Iterator[EpochResult] | None, tasks: Sequence[EpochTask], index: TrialIndex
    ) -> list[EpochResult]:
        """Return all results; submit the epochs again if a worker died."""
        for attempt in range(MAX_ATTEMPTS):
            if attempt > 0:
                self._log.notice("a worker process died; its epoch runs again")
                running = None
                with suppress(OSError):  # no process can start
                    running = self._submit(tasks, index)
            with suppress(BrokenProcessPool):
                if running is not None:
                    return list(running)
            self._pool = None
        self._log.notice("worker processes die repeatedly; this epoch runs in the main process")
        return self._serial.submit(tasks, index)()

    def _start_pool(self) -> ProcessPoolExecutor:
        if self._pool is None:
            assert self._keys is not None
            initialize = partial(_init_worker, self._problem, Path(self._keys.name))
            self._pool = open_pool(self._processes, initialize)
        return self._pool


class _Worker:
    """State of a worker process: the problem, and the keys that it has read so far."""

    def __init__(self, problem: SearchProblem, path: Path) -> None:
        self.problem, self.path = problem, path
        self.seen = set[bytes]()
        self.islands: dict[int, Island] = {}  # references keep interned terms from being collected

    def run(self, task: EpochTask, seen: int) -> EpochResult:
        if seen > len(self.seen):
            with self.path.open("rb") as file:
                file.seek(len(self.seen) * KEY_BYTES)
                new = file.read((seen - len(self.seen)) * KEY_BYTES)
            self.seen.update(
                new[offset : offset + KEY_BYTES] for offset in range(0, len(new), KEY_BYTES)
            )
        result = run_epoch(task, self.problem, self.seen)
        self.islands[task.island.index] = result.island
        return result


_worker: _Worker | None = None


def _init_worker(problem: SearchProblem, path: Path) -> None:
    """Set up the state of a worker process."""
    global _worker
    _worker = _Worker(problem, path)


def _run_task(task: EpochTask, seen: int) -> EpochResult:
    assert _worker is not None
    with pause_gc():
        return _worker.run(task, seen)


@contextmanager
def open_executor(problem: SearchProblem, processes: int, log: NoticeLog) -> Iterator[Executor]:
    """Yield an executor.

    Args:
        problem: the problem of the search.
        processes: number of workers; 1 for a serial executor.
        log: receives a notice if a worker dies.
    """
    if processes == 1:
        yield SerialExecutor(problem)
        return
    with ProcessExecutor(problem, processes, log) as executor:
        yield executor
