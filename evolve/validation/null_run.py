"""Null run: null searches in order, until their number or their scores decide.

Source of the sequential p-value: Besag and Clifford, "Sequential Monte Carlo p-values" (1991).
"""

from __future__ import annotations

import multiprocessing
from collections.abc import Generator, Iterator, Mapping, Sequence
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeoutError
from concurrent.futures.process import BrokenProcessPool
from contextlib import closing, suppress
from dataclasses import dataclass
from functools import partial
from itertools import islice
from statistics import fmean, stdev
from typing import Any

from evolve.notices import NoticeLog
from evolve.parallel import METHOD, open_pool
from evolve.search.problem import SearchProblem
from evolve.stop import Stop
from evolve.validation.null_search import NullResult, NullSearcher, OpenProposer

LEVEL = 0.05  # of the null gate
MIN_SEARCHES = 4
POLL_SECONDS = 0.2


@dataclass(frozen=True)
class NullRun:
    """Null searches beside the real search.

    Attributes:
        score: best score of the real search.
        trials: number of trials of each search.
        planned: maximum number of null searches.
        results: results in the order of their numbers.
    """

    score: float
    trials: int
    planned: int
    results: tuple[NullResult, ...] = ()

    @property
    def exceedances(self) -> int:
        """Number of null searches whose best score is at least that of the real search."""
        return sum(each.is_at_least(self.score) for each in self.results)

    @property
    def allowed(self) -> int:
        """Maximum number of exceedances with a p-value of at most 0.05; -1 if there is none."""
        return int(LEVEL * (self.planned + 1) + 1e-9) - 1

    @property
    def p_value(self) -> float:
        """Share of the searches, with the real one, that score at least as well."""
        return (1 + self.exceedances) / (1 + len(self.results))

    @property
    def is_complete(self) -> bool:
        """True if no further search can change the decision."""
        count = len(self.results)
        is_decided = self.exceedances > max(self.allowed, 0) and count >= MIN_SEARCHES
        return count >= self.planned or is_decided

    @property
    def bests(self) -> tuple[float, ...]:
        """Best scores of the null searches that have one."""
        return tuple(each.best for each in self.results if each.best is not None)

    @property
    def mean(self) -> float | None:
        """Mean of the best scores; None if no null search has one."""
        return fmean(self.bests) if self.bests else None

    @property
    def deviation(self) -> float | None:
        """Sample standard deviation of the best scores; None for fewer than two."""
        return stdev(self.bests) if len(self.bests) > 1 else None

    @property
    def threshold(self) -> float | None:
        """Score that the real search had to exceed; None without enough null searches.

        It is a lower bound if the null run ended early.
        """
        rank = max(self.allowed, 0)
        ordered = sorted(self.bests, reverse=True)
        return ordered[rank] if rank < len(ordered) else None


@dataclass(frozen=True)
class NullJob:
    """Null searches to run.

    Attributes:
        problem: the problem of the real search; its scorer is a `FoldFitness`.
        trials: number of trials of each search.
        target: a score that ends a search; None for none.
        open_proposer: opens a proposer on permuted bars; None for none. It needs this process.
    """

    problem: SearchProblem
    trials: int
    target: float | None = None
    open_proposer: OpenProposer | None = None


def run_null_searches(
    job: NullJob,
    numbers: Sequence[int],
    known: Mapping[int, NullResult],
    processes: int,
    log: NoticeLog,
    stop: Stop,
) -> Iterator[NullResult]:
    """Yield the results of null searches in order; close the iterator to stop early.

    Args:
        job: the searches.
        numbers: numbers of the permutations.
        known: results that are not computed again, by number.
        processes: number of worker processes; 1 for this process.
        log: receives a notice if a worker dies.
        stop: once set, ends the iteration.
    """
    missing = [number for number in numbers if number not in known]
    with closing(_iterate(job, missing, min(processes, len(missing)), log, stop)) as computed:
        for number in numbers:
            result = known.get(number) or next(computed, None)
            if result is None:
                return
            yield result


def _iterate(
    job: NullJob, numbers: Sequence[int], processes: int, log: NoticeLog, stop: Stop
) -> Generator[NullResult, None, None]:
    done = 0
    if processes > 1:
        with suppress(BrokenProcessPool):
            for result in _iterate_parallel(job, numbers, processes, stop):
                done += 1
                yield result
            return
        log.notice("a worker process died; the null searches continue in the main process")
    searcher = NullSearcher(job.problem, lambda: stop.is_set, job.open_proposer)
    for number in numbers[done:]:
        found = searcher.run(number, job.trials, job.target)
        if found is None:
            return
        yield found


def _iterate_parallel(
    job: NullJob, numbers: Sequence[int], processes: int, stop: Stop
) -> Iterator[NullResult]:
    is_stopped = multiprocessing.get_context(METHOD).Value("b", 0)
    pool = open_pool(processes, partial(_init_worker, job, is_stopped))
    waiting = iter(numbers)
    running = [pool.submit(_run_search, number) for number in islice(waiting, processes)]
    try:
        while running:
            result = _wait(running.pop(0), stop)
            if result is None:
                return
            running.extend(pool.submit(_run_search, number) for number in islice(waiting, 1))
            yield result
    finally:
        is_stopped.value = 1
        pool.shutdown(wait=True, cancel_futures=True)


def _wait(future: Future[NullResult | None], stop: Stop) -> NullResult | None:
    while not stop.is_set:
        with suppress(FutureTimeoutError):
            return future.result(POLL_SECONDS)
    return None


_searcher: NullSearcher | None = None
_job: NullJob | None = None


def _init_worker(job: NullJob, is_stopped: Any) -> None:
    """Set up the state of a worker process."""
    global _searcher, _job
    _job = job
    _searcher = NullSearcher(job.problem, lambda: bool(is_stopped.value))


def _run_search(number: int) -> NullResult | None:
    assert _searcher is not None
    assert _job is not None
    return _searcher.run(number, _job.trials, _job.target)
