"""Jobs on the workers of a cluster: their settings and results travel as JSON text."""

from __future__ import annotations

import json
from collections import OrderedDict
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from pydantic import TypeAdapter

from evolve.cluster import Blob, Cluster, ClusterError, open_once
from evolve.experiment.run_inputs import RunInputs, parse_run_inputs
from evolve.jobs.job import Job, JobPool
from evolve.jobs.order import JobOrder
from evolve.notices import NoticeLog
from evolve.search.progress import Budget
from evolve.stop import Stop
from evolve.validation.null_run import NullJob
from evolve.validation.permutation import permute
from evolve.validation.power import PlantedMarkets
from evolve.validation.problem_source import LocalProblem, ProblemSource
from evolve.validation.walk_forward import WalkJob, Window

POLL_SECONDS = 0.2
MAX_OPENED = 2  # jobs that a worker remembers

Result = TypeVar("Result")


@dataclass(frozen=True)
class ClusterJobs:
    """Pool that gives jobs to the free workers of a cluster.

    The cluster repeats the job of a worker that dies or hangs. A number that it cannot complete
    runs in this process, and all further ones on this machine once no worker is left.

    Attributes:
        cluster: the connected cluster.
        local: pool of this machine.
    """

    cluster: Cluster
    local: JobPool

    def iterate(
        self, job: Job[Result], numbers: Sequence[int], log: NoticeLog, stop: Stop
    ) -> Generator[Result, None, None]:
        """Yield the results in order; see `JobPool`. The job must be a text job."""
        calls = _Calls(self.cluster, job)
        order: JobOrder[Result] = JobOrder(numbers, len(self.cluster.workers))
        try:
            while (first := order.first) is not None and not stop.is_set:
                calls.submit(order)
                calls.receive(order, log)
                for result in order.release():
                    if stop.is_set:
                        return
                    yield result
                if first not in calls.failed:
                    continue
                if not self.cluster.workers:
                    log.notice("the cluster has no worker; the jobs run on this machine")
                    rest = numbers[numbers.index(first) :]
                    yield from self.local.iterate(job, rest, log, stop)
                    return
                calls.failed.remove(first)
                for result in self.local.iterate(job, [first], log, stop):
                    order.add(first, result)
        finally:
            calls.cancel()


class _Calls(Generic[Result]):
    """Calls of one job that a cluster runs."""

    def __init__(self, cluster: Cluster, job: Job[Result]) -> None:
        self.failed: set[int] = set()
        self._cluster, self._job = cluster, job
        self._text, self._inputs = describe_job(job), cluster.share(_read_inputs(job).content)
        self._running: dict[Future[Any], int] = {}

    def submit(self, order: JobOrder[Result]) -> None:
        """Submit the numbers that may begin."""
        while (number := order.take()) is not None:
            call = self._cluster.submit(
                run_text_job, self._text, self._inputs, number, evaluations=self._job.evaluations
            )
            self._running[call] = number

    def receive(self, order: JobOrder[Result], log: NoticeLog) -> None:
        """Wait for results, and add those that arrived; note the numbers that failed."""
        done, _ = wait(self._running, POLL_SECONDS, FIRST_COMPLETED)
        for call in done:
            number = self._running.pop(call)
            try:
                order.add(number, self._job.form.decode(call.result()))
            except ClusterError as error:
                log.notice(f"{error.message}; the job runs on this machine")
                self.failed.add(number)

    def cancel(self) -> None:
        """Stop the calls that no worker has begun."""
        for call in self._running:
            call.cancel()


def is_text(job: object) -> bool:
    """Return whether a job can travel as text: its source and all its parts are data."""
    if isinstance(job, NullJob):
        has_data = job.build is permute or isinstance(job.build, PlantedMarkets)
        if job.open_proposer is not None or not has_data:
            return False
    return isinstance(job, NullJob | WalkJob) and isinstance(job.source, RunInputs)


def describe_job(job: object) -> str:
    """Return the settings of a job as JSON text, without the source of its problem."""
    settings: _NullText | _WalkText
    assert is_text(job)
    if isinstance(job, NullJob):
        planted = job.build if isinstance(job.build, PlantedMarkets) else None
        settings = _NullText(job.trials, job.target, planted)
    else:
        assert isinstance(job, WalkJob)
        settings = _WalkText(job.windows, job.budget)
    return json.dumps(_TEXT.dump_python(settings))


def build_job(text: str, source: ProblemSource) -> NullJob | WalkJob:
    """Build the job of a text.

    Args:
        text: what `describe_job` returned.
        source: source of its problem.
    """
    settings = _TEXT.validate_json(text, strict=True)
    if isinstance(settings, _WalkText):
        return WalkJob(source, settings.windows, settings.budget)
    build = permute if settings.planted is None else settings.planted
    return NullJob(source, settings.trials, settings.target, build=build)


def run_text_job(text: str, inputs: Blob, number: int) -> Any:
    """Run a number of a job on a worker.

    Args:
        text: the job; see `describe_job`.
        inputs: content of the inputs of the run.
        number: the number.

    Returns:
        The result as values of JSON.
    """
    key = (text, inputs.hash)
    if key not in _opened:
        while len(_opened) >= MAX_OPENED:
            _opened.popitem(last=False)
        job = build_job(text, open_once(_open_source, inputs))
        _opened[key] = _open(job)
    return _opened[key](number)


@dataclass(frozen=True)
class _NullText:
    """Settings of null searches; see `NullJob`."""

    trials: int
    target: float | None
    planted: PlantedMarkets | None


@dataclass(frozen=True)
class _WalkText:
    """Settings of the searches of windows; see `WalkJob`."""

    windows: tuple[Window, ...]
    budget: Budget


_TEXT: TypeAdapter[_NullText | _WalkText] = TypeAdapter(_NullText | _WalkText)
_opened: OrderedDict[tuple[str, str], Callable[[int], Any]] = OrderedDict()


def _open(job: Job[Any]) -> Callable[[int], Any]:
    """Return the function of a number that returns its result as values of JSON."""
    run, form = job.open(lambda: False), job.form
    return lambda number: form.encode(run(number))


def _open_source(content: bytes) -> LocalProblem:
    return parse_run_inputs(content).open()


def _read_inputs(job: object) -> RunInputs:
    assert isinstance(job, NullJob | WalkJob)
    assert isinstance(job.source, RunInputs)
    return job.source
