"""Jobs on a cluster: they travel as text, and give the results of this process."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field, replace
from pathlib import Path
from random import Random
from typing import Any

import pytest

from evolve.cluster import Blob, Cluster, ClusterError, dispatcher
from evolve.config.effort import Workers
from evolve.experiment.cluster_jobs import ClusterJobs, build_job, describe_job, is_text
from evolve.experiment.plan import LoadedData, Plan, read_plan
from evolve.experiment.repeated_search import JobRunner
from evolve.experiment.run_inputs import RunInputs, build_run_inputs
from evolve.jobs.job import SerialJobs
from evolve.jobs.stored import NoStore, StoredJob, TableStore
from evolve.notices import NoticeList
from evolve.search.progress import Budget
from evolve.stop import Stop
from evolve.store import Journal
from evolve.validation.null_run import NullJob
from evolve.validation.power import FIRST_MARKET, RULES, PlantedMarkets
from evolve.validation.walk_forward import WalkJob, cut_windows
from tests.cluster.processes import start_processes

EXPERIMENT = """
name: cluster
seed: 3
data: {from: "synthetic:walk?bars=600&seed=3"}
fitness: {folds: 2, require: {trades_per_fold: 2}}
language: {max_nodes: 20, include: [own.evo]}
start_from: [seeds.evo]
search: {islands: 2, population: 20, generations_per_epoch: 2}
budget: {evaluations: 120}
workers: 1
"""
OPERATORS = "define dip(x: number, n: window = 20) -> change = x / highest(x, n) - 1"
SEEDS = "strategy first { buy when dip(close, 9) < -0.02  sell when dip(close) > -0.01 }"


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> tuple[Plan, LoadedData, RunInputs]:
    folder = tmp_path_factory.mktemp("cluster")
    (folder / "own.evo").write_text(OPERATORS)
    (folder / "seeds.evo").write_text(SEEDS)
    (folder / "cluster.yaml").write_text(EXPERIMENT)
    plan = read_plan(folder / "cluster.yaml")
    data = plan.load(NoticeList())
    return plan, data, build_run_inputs(plan, data)


def list_jobs(opened: tuple[Plan, LoadedData, RunInputs]) -> list[tuple[Any, range]]:
    """Return a job of each kind with its numbers."""
    _, data, inputs = opened
    markets = PlantedMarkets(RULES, (20.0, 40.0), data.market)
    windows = cut_windows(len(data.split.seen), 4, True)
    return [
        (NullJob(inputs, 40, 0.3), range(1, 8)),
        (NullJob(inputs, 40, -math.inf, build=markets), range(FIRST_MARKET, FIRST_MARKET + 5)),
        (WalkJob(inputs, windows, Budget(40, 3)), range(4)),
    ]


def store_rows(pool: Any, job: Any, numbers: range, path: Path) -> list[tuple[int, Any]]:
    """Return the rows of the journal that a pool fills."""
    journal, log = Journal.create(path), NoticeList()
    store = TableStore(journal.jobs, "problem", job.form, log)
    list(StoredJob(job, store).iterate(pool, numbers, log, Stop()))
    rows = list(journal.jobs.read("problem").items())
    journal.close()
    return rows


@dataclass
class FakeCluster:
    """Cluster in this process, whose calls end in a random order.

    Attributes:
        rng: draws the order.
        last: number of the last call.
        lost: numbers that no worker can complete.
        workers: addresses of the workers.
    """

    rng: Random
    last: int
    lost: tuple[int, ...] = ()
    workers: tuple[str, ...] = ("a", "b", "c")
    waiting: list[Callable[[], None]] = field(default_factory=list)

    def share(self, content: bytes) -> Blob:
        return Blob.of(content)

    def submit(
        self, function: Callable[..., Any], text: str, blob: Blob, number: int, *, evaluations: int
    ) -> Future[Any]:
        future: Future[Any] = Future()

        def end() -> None:
            if number in self.lost:
                future.set_exception(ClusterError(f"job {number} failed"))
            else:
                result = function(text, blob, number)
                future.set_result(json.loads(json.dumps(result, allow_nan=False)))

        self.waiting.append(end)
        if len(self.waiting) >= 3 or number == self.last:
            self.rng.shuffle(self.waiting)
            while self.waiting:
                self.waiting.pop()()
        return future


@pytest.mark.parametrize("index", range(3))
def test_a_job_survives_its_text(index: int, opened: tuple[Plan, LoadedData, RunInputs]) -> None:
    job, _ = list_jobs(opened)[index]
    assert is_text(job)
    assert build_job(describe_job(job), job.source) == job


def test_a_job_with_a_function_of_its_own_is_no_text(
    opened: tuple[Plan, LoadedData, RunInputs],
) -> None:
    job = list_jobs(opened)[0][0]
    assert not is_text(replace(job, open_proposer=lambda *_: None))
    assert not is_text(replace(job, build=lambda *_: None))


@pytest.mark.parametrize("index", range(3))
def test_rows_equal_those_of_this_process_in_any_order_of_arrival(
    index: int, opened: tuple[Plan, LoadedData, RunInputs], tmp_path: Path
) -> None:
    job, numbers = list_jobs(opened)[index]
    expected = store_rows(SerialJobs(), job, numbers, tmp_path / "serial.sqlite")
    assert len(expected) == len(numbers)
    fakes: list[Any] = [
        FakeCluster(Random(1), numbers[-1]),
        FakeCluster(Random(2), numbers[-1], lost=(numbers[0], numbers[2])),
        FakeCluster(Random(3), numbers[-1], lost=(numbers[1],), workers=()),
    ]
    for seed, fake in enumerate(fakes):
        path = tmp_path / f"{seed}.sqlite"
        assert store_rows(ClusterJobs(fake, SerialJobs()), job, numbers, path) == expected


@pytest.mark.slow
@pytest.mark.parametrize("deaths", [1, 2])
def test_rows_equal_those_of_this_process_when_workers_of_a_cluster_die(
    deaths: int,
    opened: tuple[Plan, LoadedData, RunInputs],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(dispatcher, "STRANDED_SECONDS", 1.0)
    plan, data, _ = opened
    log = NoticeList()
    with start_processes(tmp_path, 2) as processes, Cluster(processes.address, log) as cluster:
        runner = JobRunner(plan.experiment.workers, log, Stop(), cluster=cluster)
        job = NullJob(runner.build_source(plan, data), 1000)
        found = []
        for result in runner.iterate(job, range(1, 11), NoStore()):
            found.append(result)
            if len(found) <= deaths:
                processes.workers[len(found) - 1].kill()
    local = JobRunner(Workers(processes=1), NoticeList(), Stop())
    expected = NullJob(local.build_source(plan, data), 1000)
    assert found == list(local.iterate(expected, range(1, 11), NoStore()))
    assert any("this machine" in text for text in log.texts) == (deaths == 2)
