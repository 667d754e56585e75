"""Jobs whose results are stored one by one, so that a killed run repeats none of them."""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

from evolve.jobs.form import ResultForm
from evolve.jobs.job import Job, JobPool
from evolve.notices import NoticeLog
from evolve.stop import Stop

Result = TypeVar("Result")


class JobStore(Protocol[Result]):
    """Store of the results of one job."""

    def read(self) -> Mapping[int, Result]:
        """Return the stored results by number."""

    def save(self, number: int, result: Result) -> None:
        """Store the result of a number durably."""


class JobTable(Protocol):
    """Table of the results of several jobs, as values of JSON."""

    def read(self, problem: str) -> Mapping[int, Any]:
        """Return the results of a problem by number."""

    def save(self, problem: str, number: int, result: Any) -> None:
        """Store a result durably."""


@dataclass(frozen=True)
class TableStore(Generic[Result]):
    """Store in a table.

    Attributes:
        table: the table.
        problem: hash of what determines the results of the job.
        form: form of the results.
        log: receives a notice about a result that is damaged, which is computed again.
    """

    table: JobTable
    problem: str
    form: ResultForm[Result]
    log: NoticeLog

    def read(self) -> dict[int, Result]:
        """Return the stored results that are not damaged, by number."""
        results: dict[int, Result] = {}
        for number, document in self.table.read(self.problem).items():
            try:
                results[number] = self.form.decode(document)
            except ValueError:
                self.log.notice(f"the stored result {number} is damaged; its job runs again")
        return results

    def save(self, number: int, result: Result) -> None:
        """Store the result of a number."""
        self.table.save(self.problem, number, self.form.encode(result))


class NoStore(Generic[Result]):
    """Store that has no results."""

    def read(self) -> dict[int, Result]:
        """Return no results."""
        return {}

    def save(self, number: int, result: Result) -> None:
        """Drop a result."""


@dataclass(frozen=True)
class StoredJob(Generic[Result]):
    """Job with the store of its results.

    Attributes:
        job: the job.
        store: the store.
    """

    job: Job[Result]
    store: JobStore[Result]

    def iterate(
        self, pool: JobPool, numbers: Sequence[int], log: NoticeLog, stop: Stop
    ) -> Generator[Result, None, None]:
        """Yield the results in the order of the numbers; close the iterator to stop early.

        A result is stored before it is yielded, and in that order, so that what is stored does not
        depend on the workers. What is yielded passes through its form, so that a computed result
        equals a stored one.

        Args:
            pool: computes the results that the store does not have.
            numbers: the numbers, each once.
            log: receives notices of the pool.
            stop: once set, ends the iteration.
        """
        known, form = self.store.read(), self.job.form
        missing = [number for number in numbers if number not in known]
        with closing(pool.iterate(self.job, missing, log, stop)) as computed:
            for number in numbers:
                result = known.get(number)
                if result is None:
                    result = next(computed, None)
                    if result is None:
                        return
                    self.store.save(number, result)
                    result = form.decode(form.encode(result))
                yield result
