"""Repetition of an experiment's search: when it is possible, and in which workers."""

from __future__ import annotations

import json
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from hashlib import blake2b
from typing import Any, Literal, TypeVar

from evolve.cluster import Cluster
from evolve.config.effort import Workers
from evolve.errors import EvolveError
from evolve.experiment.cluster_jobs import ClusterJobs, is_text
from evolve.experiment.plan import LoadedData, Plan, build_problem
from evolve.experiment.recipe import build_recipe
from evolve.experiment.run_inputs import Mode, build_run_inputs
from evolve.jobs.form import ResultForm
from evolve.jobs.job import Job, JobPool, SerialJobs
from evolve.jobs.processes import ProcessJobs
from evolve.jobs.stored import JobStore, JobTable, NoStore, StoredJob, TableStore
from evolve.notices import NoticeLog
from evolve.parallel import count_worthwhile_processes
from evolve.stop import Stop
from evolve.validation.problem_source import LocalProblem, ProblemSource

Result = TypeVar("Result")


@dataclass(frozen=True)
class JobRunner:
    """Runner of the jobs that repeat the search of an experiment.

    Attributes:
        workers: workers of the experiment.
        log: receives notices.
        stop: once set, ends the jobs.
        table: table of results of the run; None if there is no run, and nothing is stored.
        cluster: the connected cluster; None for workers on this machine.
    """

    workers: Workers
    log: NoticeLog
    stop: Stop
    table: JobTable | None = None
    cluster: Cluster | None = None

    def iterate(
        self, job: Job[Result], numbers: Sequence[int], store: JobStore[Result]
    ) -> Generator[Result, None, None]:
        """Yield results in the order of the numbers; close the iterator to stop early.

        Args:
            job: the job.
            numbers: the numbers, each once.
            store: has the results of earlier jobs, and gets those of this one.
        """
        pool: JobPool = choose_pool(self.workers, len(numbers), job.evaluations)
        if self.cluster is not None and is_text(job):
            pool = ClusterJobs(self.cluster, pool)
        return StoredJob(job, store).iterate(pool, numbers, self.log, self.stop)

    def stay_here(self) -> JobRunner:
        """Return a runner that uses this process alone."""
        workers = self.workers.model_copy(update={"processes": 1})
        return replace(self, workers=workers, cluster=None)

    def build_source(self, plan: Plan, data: LoadedData, mode: Mode = "mix") -> ProblemSource:
        """Build the source of the problem of an experiment: as text for a cluster.

        Args:
            plan: the experiment.
            data: its data.
            mode: see `build_problem`.
        """
        if self.cluster is not None:
            return build_run_inputs(plan, data, mode)
        return LocalProblem(build_problem(plan, data, mode), data.split.seen)

    def find_store(self, problem: str, form: ResultForm[Result]) -> JobStore[Result]:
        """Return the store of a job in the table.

        Args:
            problem: what determines its results; see `identify_problem`.
            form: form of its results.
        """
        if self.table is None:
            return NoStore()
        return TableStore(self.table, problem, form, self.log)


@contextmanager
def open_runner(workers: Workers, log: NoticeLog, stop: Stop) -> Iterator[JobRunner]:
    """Yield a runner without a run, connected to the cluster of the experiment if it names one.

    Args:
        workers: workers of the experiment.
        log: receives notices.
        stop: once set, ends the jobs.

    Raises:
        EvolveError: if the cluster cannot be used.
    """
    with open_cluster(workers, log) as cluster:
        yield JobRunner(workers, log, stop, cluster=cluster)


@contextmanager
def open_cluster(workers: Workers, log: NoticeLog) -> Iterator[Cluster | None]:
    """Yield the connected cluster of an experiment; None if it names none.

    Raises:
        EvolveError: if the cluster cannot be used.
    """
    if workers.cluster is None:
        yield None
        return
    with Cluster(workers.cluster, log) as cluster:
        yield cluster


def check_repeatable(plan: Plan) -> None:
    """Check that the search of an experiment can be repeated on other bars.

    Raises:
        EvolveError: if the experiment has no genetic search, starts from the trials of a run, or
            stops by its lead over luck.
    """
    settings = plan.experiment
    if settings.fitness.scored_on == "validation" or settings.llm.mode == "only":
        message = "only the genetic search can be repeated, and this experiment has none"
        raise EvolveError(message, "remove `llm.mode: only`")
    if plan.extra:
        message = "the search starts from strategies that were selected on these prices"
        raise EvolveError(message, "repeat the search of the original experiment")
    if settings.budget.stops_at_luck:
        message = "`budget.stop: luck` ends a search by its own searches on shuffled prices"
        hint = "repeat it at its full budget: --set budget.stop=null"
        raise EvolveError(f"{message}, and a repeated one has none", hint)


def choose_pool(workers: Workers, searches: int, trials: int) -> JobPool:
    """Return the pool of this machine for searches, each of which runs in one process.

    Args:
        workers: workers of the experiment.
        searches: number of searches.
        trials: number of trials of a search.
    """
    processes: int | Literal["auto"] = workers.processes
    if processes == "auto":
        processes = count_worthwhile_processes(searches, searches * trials)
    return SerialJobs() if processes == 1 else ProcessJobs(processes)


def identify_problem(kind: str, plan: Plan, data: LoadedData, detail: Mapping[str, Any]) -> str:
    """Return a hash of what determines the results of a job.

    Args:
        kind: name of the job.
        plan: the experiment.
        data: its data.
        detail: further values of JSON, such as the budget.
    """
    split = data.split
    parts = [
        kind, build_recipe(plan, data), plan.experiment.seed, split.train.hash, split.seen.hash,
        detail,
    ]  # fmt: skip
    text = json.dumps(parts, sort_keys=True)
    return blake2b(text.encode(), digest_size=16).hexdigest()
