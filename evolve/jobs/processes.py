"""Pool of worker processes that survives workers that die or hang."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from multiprocessing.connection import wait
from typing import Generic

from evolve.jobs.deadline import Deadlines
from evolve.jobs.job import Job, Result, SerialJobs
from evolve.jobs.order import JobOrder
from evolve.jobs.worker import Reply, Worker
from evolve.notices import NoticeLog
from evolve.stop import Stop

POLL_SECONDS = 0.2
MIN_SECONDS = 60.0  # of a deadline
MAX_ATTEMPTS = 3  # of a number in worker processes


@dataclass(frozen=True)
class ProcessJobs:
    """Pool that runs jobs in worker processes, each of which runs one number at a time.

    If a worker dies, its number runs again in a new worker. If a worker exceeds its deadline, its
    number runs in another one, too, and the first result counts. A number whose attempts all died
    runs in the main process.

    Attributes:
        processes: maximum number of worker processes.
    """

    processes: int

    def iterate(
        self, job: Job[Result], numbers: Sequence[int], log: NoticeLog, stop: Stop
    ) -> Generator[Result, None, None]:
        """Yield the results in order; see `JobPool`."""
        processes = min(self.processes, len(numbers))
        if processes < 2:
            yield from SerialJobs().iterate(job, numbers, log, stop)
            return
        workers = _Workers(job, JobOrder(numbers, processes), processes, log, stop)
        try:
            yield from workers.iterate()
        finally:
            workers.end()


class _Workers(Generic[Result]):
    """Worker processes of one job."""

    def __init__(
        self,
        job: Job[Result],
        order: JobOrder[Result | None],
        processes: int,
        log: NoticeLog,
        stop: Stop,
    ) -> None:
        self._job, self._order, self._processes = job, order, processes
        self._log, self._stop = log, stop
        self._workers: list[Worker] = []
        self._attempts: Counter[int] = Counter()
        self._exhausted: set[int] = set()  # numbers that no further worker gets
        self._deadlines = Deadlines(MIN_SECONDS)
        self._run_here: Callable[[int], Result | None] | None = None

    def iterate(self) -> Generator[Result, None, None]:
        """Yield the results in order."""
        while (first := self._order.first) is not None and not self._stop.is_set:
            self._hand_out()
            if first in self._exhausted or not self._is_working:
                self._order.add(first, self._run(first))
            else:
                self._receive()
                self._find_overdue()
            self._hand_out()
            for result in self._order.release():
                if result is None or self._stop.is_set:
                    return
                yield result

    def end(self) -> None:
        """End all processes."""
        for worker in self._workers:
            worker.end()

    @property
    def _is_working(self) -> bool:
        return any(each.number is not None for each in self._workers)

    def _hand_out(self) -> None:
        """Give each idle worker a number, as long as there are any."""
        while (number := self._order.take()) is not None:
            worker = self._find_idle()
            if worker is None:
                self._order.repeat(number)
                return
            self._attempts[number] += 1
            worker.send(number)

    def _find_idle(self) -> Worker | None:
        """Return an idle worker, a new one if there may be more; None if all are busy."""
        punctual = [each for each in self._workers if not each.is_overdue]
        idle = next((each for each in punctual if each.number is None), None)
        if idle is None and len(punctual) < self._processes:
            try:
                idle = Worker(self._job)
                self._workers.append(idle)
            except OSError as error:
                self._processes = len(punctual)
                self._log.notice(f"no further worker process: {error}")
        return idle

    def _receive(self) -> None:
        """Wait for replies, and accept those that arrived."""
        ready = wait([each.connection for each in self._workers], POLL_SECONDS)
        for worker in [each for each in self._workers if each.connection in ready]:
            if worker not in self._workers:  # another one ran the same number
                continue
            reply = worker.receive()
            if reply is None:
                self._replace(worker)
            elif reply.error is not None:
                raise reply.error
            else:
                self._accept(worker, reply)

    def _accept(self, worker: Worker, reply: Reply) -> None:
        """Add a result, and end the workers that ran its number, too."""
        number, worker.number = worker.number, None
        assert number is not None
        if reply.result is not None:
            self._deadlines.record(self._job.count_evaluations(reply.result), reply.seconds)
        self._order.add(number, reply.result)
        for other in list(self._workers):
            if other.number == number or (other is worker and worker.is_overdue):
                self._remove(other)

    def _replace(self, worker: Worker) -> None:
        """Remove a dead worker, and repeat its number."""
        self._remove(worker)
        self._log.notice("a worker process died; its job runs again")
        number = worker.number
        if number is not None and all(each.number != number for each in self._workers):
            self._repeat(number)

    def _find_overdue(self) -> None:
        """Repeat the numbers of workers that exceeded their deadline."""
        limit = self._deadlines.compute_seconds(self._job.evaluations)
        for worker in self._workers:
            is_late = time.monotonic() - worker.started > limit
            if worker.number is not None and is_late and not worker.is_overdue:
                worker.is_overdue = True
                self._log.notice("a worker process does not answer; its job runs again")
                self._repeat(worker.number)

    def _repeat(self, number: int) -> None:
        if self._attempts[number] < MAX_ATTEMPTS:
            self._order.repeat(number)
        else:
            self._exhausted.add(number)

    def _remove(self, worker: Worker) -> None:
        self._workers.remove(worker)
        worker.end()

    def _run(self, number: int) -> Result | None:
        """Run a number in this process."""
        if self._run_here is None:
            self._log.notice("no worker process completes a job; it runs in the main process")
            self._run_here = self._job.open(lambda: self._stop.is_set)
        return self._run_here(number)
