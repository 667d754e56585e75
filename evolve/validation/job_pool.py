"""Numbered jobs in a pool of processes, with results in order and independent of the processes."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeoutError
from concurrent.futures.process import BrokenProcessPool
from contextlib import suppress
from functools import partial
from itertools import islice
from typing import Any, Protocol, TypeVar

from evolve.notices import NoticeLog
from evolve.parallel import METHOD, open_pool
from evolve.stop import Stop

POLL_SECONDS = 0.2

Result = TypeVar("Result")
ResultOf = TypeVar("ResultOf", covariant=True)


class Job(Protocol[ResultOf]):
    """Job that a process runs for one number after another. It must be picklable."""

    def open(self, is_stopped: Callable[[], bool]) -> Callable[[int], ResultOf | None]:
        """Return the function of a number; it returns None once `is_stopped` returns True."""


def iterate_jobs(
    job: Job[Result], numbers: Sequence[int], processes: int, log: NoticeLog, stop: Stop
) -> Generator[Result, None, None]:
    """Yield the results of a job in the order of their numbers; close the iterator to stop early.

    Args:
        job: the job; its result for a number must not depend on other numbers.
        numbers: the numbers.
        processes: number of worker processes; 1 for this process.
        log: receives a notice if a worker dies.
        stop: once set, ends the iteration.
    """
    done, processes = 0, min(processes, len(numbers))
    if processes > 1:
        with suppress(BrokenProcessPool):
            for result in _iterate_parallel(job, numbers, processes, stop):
                done += 1
                yield result
            return
        log.notice("a worker process died; the searches continue in the main process")
    run = job.open(lambda: stop.is_set)
    for number in numbers[done:]:
        found = run(number)
        if found is None:
            return
        yield found


def _iterate_parallel(
    job: Job[Result], numbers: Sequence[int], processes: int, stop: Stop
) -> Iterator[Result]:
    is_stopped = multiprocessing.get_context(METHOD).Value("b", 0)
    pool = open_pool(processes, partial(_init_worker, job, is_stopped))
    waiting = iter(numbers)
    running = [pool.submit(_run_job, number) for number in islice(waiting, processes)]
    try:
        while running:
            result = _wait(running.pop(0), stop)
            if result is None:
                return
            running.extend(pool.submit(_run_job, number) for number in islice(waiting, 1))
            yield result
    finally:
        is_stopped.value = 1
        pool.shutdown(wait=True, cancel_futures=True)


def _wait(future: Future[Result | None], stop: Stop) -> Result | None:
    while not stop.is_set:
        with suppress(FutureTimeoutError):
            return future.result(POLL_SECONDS)
    return None


_run: Callable[[int], Any] | None = None


def _init_worker(job: Job[Any], is_stopped: Any) -> None:
    """Set up the state of a worker process."""
    global _run
    _run = job.open(lambda: bool(is_stopped.value))


def _run_job(number: int) -> Any:
    assert _run is not None
    return _run(number)
