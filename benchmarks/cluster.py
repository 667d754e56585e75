"""Evaluations per second of a search on a cluster of this machine, and what each trial costs.

The search of `search.yaml` with four islands, without a journal: serial, and on 1 and 2 workers of
dask.distributed on loopback. Also the bytes and the time of the main process per trial, the time
of an empty call, and the time to share bars.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

from report import report

from evolve.cluster import Cluster, ClusterExecutor
from evolve.cluster.wire import decode_result, decode_task, encode_result, encode_task
from evolve.experiment.plan import build_problem, read_plan
from evolve.notices import NoticeList
from evolve.search.epoch import run_epoch
from evolve.search.executors import Executor, SerialExecutor
from evolve.search.island import EpochTask
from evolve.search.problem import SearchProblem
from evolve.search.progress import Budget
from evolve.search.search import search
from tests.cluster.processes import start_processes
from tests.cluster.toy_calls import add, count_bytes

HERE = Path(__file__).parent
CALLS = 200
SHARED_BYTES = 100_000_000
SETTINGS = ("search.islands=4", "search.population=150")


def open_problem(path: bytes) -> SearchProblem:
    """Build the problem of an experiment of this machine."""
    plan = read_plan(path.decode(), SETTINGS)
    return build_problem(plan, plan.load(NoticeList()))


def measure_rate(path: Path, evaluations: int, workers: int, folder: Path) -> float:
    """Return the evaluations per second after the first epoch; serial for 0 workers."""
    problem, log, inputs = open_problem(str(path).encode()), NoticeList(), str(path).encode()
    with ExitStack() as stack:
        executor: Executor = SerialExecutor(problem)
        if workers:
            processes = stack.enter_context(start_processes(folder, 0))
            for _ in range(workers):
                processes.start_worker(FIRST_PATH=str(HERE))
            cluster = stack.enter_context(Cluster(processes.address, log))
            while len(cluster.workers) < workers:
                time.sleep(0.1)
            executor = ClusterExecutor(problem, cluster, open_problem, inputs, log)
        budget = Budget(evaluations, stale_epochs=None)
        steps = search(problem, budget, executor)
        marks = [(time.perf_counter(), step.evaluated) for step in steps]
    assert not log.texts, log.texts
    (started, before), (ended, after) = marks[2], marks[-1]
    return (after - before) / (ended - started)


def measure_calls(folder: Path) -> dict[str, float]:
    """Measure empty calls, one after another, and the sharing of bytes."""
    with start_processes(folder, 1) as processes, Cluster(processes.address, NoticeList()) as one:
        seconds = []
        for number in range(CALLS):
            started = time.perf_counter()
            one.submit(add, number, 1, evaluations=1).result()
            seconds.append(time.perf_counter() - started)
        started = time.perf_counter()
        blob = one.share(bytes(SHARED_BYTES))
        one.submit(count_bytes, blob, evaluations=1).result()
        shared = time.perf_counter() - started
    return {
        "call_ms": round(1000 * statistics.median(seconds), 1),
        "share_mb_per_second": round(SHARED_BYTES / 1e6 / shared),
    }


def measure_wire(path: Path) -> dict[str, float]:
    """Measure the tasks and results of one island: bytes, and time of the main process."""
    problem = open_problem(str(path).encode())
    steps = search(problem, Budget(8 * problem.max_epoch_evaluations, stale_epochs=None))
    island = list(steps)[-1].islands[0]
    task = EpochTask(
        island, problem.proposers, problem.max_epoch_evaluations, 9, problem.generations_per_epoch
    )
    text = encode_task(task)
    decoded = decode_task(text, problem.weights, {})
    result = encode_result(run_epoch(decoded, problem, set()), decoded)
    trials = len(decode_result(result, problem.weights, task).trials)
    started = time.perf_counter()
    for _ in range(10):
        encode_task(task)
        decode_result(result, problem.weights, task)
    seconds = (time.perf_counter() - started) / 10
    return {
        "task_bytes_per_individual": round(len(text.encode()) / len(island.population)),
        "result_bytes_per_trial": round(len(result.encode()) / trials),
        "main_us_per_trial": round(1e6 * seconds / trials, 1),
    }


def main() -> None:
    """Print the rates and the costs."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--experiment", type=Path, default=HERE / "search.yaml")
    parser.add_argument("--evaluations", type=int, default=60_000)
    options = parser.parse_args()
    rates = {}
    for workers in (0, 1, 2):
        with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
            rate = measure_rate(options.experiment, options.evaluations, workers, Path(folder))
            rates[str(workers) if workers else "serial"] = round(rate)
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        calls = measure_calls(Path(folder))
    report(
        "cluster",
        evaluations=options.evaluations,
        evaluations_per_second=rates,
        **measure_wire(options.experiment),
        **calls,
    )


if __name__ == "__main__":
    import cluster

    cluster.main()  # as a module, so that workers find its functions
