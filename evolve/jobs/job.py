"""Job, and the pool that runs it for one number after another."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from typing import Protocol, TypeVar

from evolve.jobs.form import ResultForm
from evolve.notices import NoticeLog
from evolve.stop import Stop

Result = TypeVar("Result")


class Job(Protocol[Result]):
    """Job that a worker runs for one number after another. It must be picklable."""

    @property
    def form(self) -> ResultForm[Result]:
        """Form of its results as JSON."""

    @property
    def evaluations(self) -> int:
        """Maximum number of evaluations for a number."""

    def count_evaluations(self, result: Result) -> int:
        """Return the number of evaluations that a result needed."""

    def open(self, is_stopped: Callable[[], bool]) -> Callable[[int], Result | None]:
        """Return the function of a number; it returns None once `is_stopped` returns True.

        The result for a number must not depend on other numbers.
        """


class JobPool(Protocol):
    """Workers that run jobs."""

    def iterate(
        self, job: Job[Result], numbers: Sequence[int], log: NoticeLog, stop: Stop
    ) -> Generator[Result, None, None]:
        """Yield the results in the order of the numbers; close the iterator to stop early.

        Args:
            job: the job.
            numbers: the numbers, each once.
            log: receives a notice if a worker dies or hangs.
            stop: once set, ends the iteration.
        """


class SerialJobs:
    """Pool that runs jobs in this process."""

    def iterate(
        self, job: Job[Result], numbers: Sequence[int], log: NoticeLog, stop: Stop
    ) -> Generator[Result, None, None]:
        """Yield the results in order; see `JobPool`."""
        run = job.open(lambda: stop.is_set)
        for number in numbers:
            result = run(number)
            if result is None:
                return
            yield result
