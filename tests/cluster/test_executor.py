"""Epochs on workers of this process: order of arrival, keys that a worker lacks, lost workers."""

from __future__ import annotations

import json
import random
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any, cast

import pytest

from evolve.cluster import Blob, Cluster, ClusterError, ClusterExecutor, executor
from evolve.notices import NoticeList
from evolve.search.progress import Budget
from evolve.search.search import search
from tests.cluster.toy_problem import build_inputs, describe_search, open_toy

INPUTS = build_inputs(islands=3, population=12)
BUDGET = Budget(500, stale_epochs=None)


@dataclass
class Shuffled:
    """Cluster whose workers are in this process, each with its own state of the search.

    Calls run in a random order on a random worker, when the first result is awaited.
    """

    workers: int
    is_lost: bool = False
    draw: random.Random = field(default_factory=lambda: random.Random(7))
    waiting: list[Awaited] = field(default_factory=list)
    first_keys: list[int] = field(default_factory=list)
    misses: int = 0

    def __post_init__(self) -> None:
        self.states: list[Any] = [{} for _ in range(self.workers)]

    def share(self, content: bytes) -> Blob:
        return Blob.of(content)

    def submit(self, function: Any, *args: Any, evaluations: int, label: str = "") -> Awaited:
        assert evaluations == json.loads(args[3])[4]  # of the encoded task; 0 for an empty quota
        assert label
        self.first_keys.append(args[4])
        future = Awaited(self, function, args)
        self.waiting.append(future)
        return future

    def run_all(self) -> None:
        self.draw.shuffle(self.waiting)
        for each in self.waiting:
            if self.is_lost:
                each.set_exception(ClusterError("no worker is left"))
                continue
            state = executor._searches
            state.clear()
            mine = self.states[self.draw.randrange(self.workers)]
            state.update(mine)
            answer = each.function(*each.args)
            mine.update(state)
            self.misses += isinstance(answer, int)
            each.set_result(answer)
        self.waiting.clear()


class Awaited(Future[Any]):
    """Future result of a shuffled cluster."""

    def __init__(self, cluster: Shuffled, function: Any, args: tuple[Any, ...]) -> None:
        super().__init__()
        self.cluster, self.function, self.args = cluster, function, args

    def result(self, timeout: float | None = None) -> Any:
        if not self.done():
            self.cluster.run_all()
        return super().result(timeout)


@pytest.fixture(scope="module")
def serial() -> list[tuple[Any, ...]]:
    return describe_search(list(search(open_toy(INPUTS), BUDGET)))


def run(cluster: Shuffled, log: NoticeList) -> list[tuple[Any, ...]]:
    problem = open_toy(INPUTS)
    runner = ClusterExecutor(problem, cast(Cluster, cluster), open_toy, INPUTS, log)
    return describe_search(list(search(problem, BUDGET, runner)))


@pytest.mark.parametrize("workers", [1, 4])
def test_the_search_is_equal_for_any_order_of_arrival(
    workers: int, serial: list[tuple[Any, ...]]
) -> None:
    cluster, log = Shuffled(workers), NoticeList()
    assert run(cluster, log) == serial
    assert log.texts == []
    assert (cluster.misses > 0) == (workers > 1)  # a worker that ran no epoch lacks keys


def test_each_task_brings_the_new_keys_only(serial: list[tuple[Any, ...]]) -> None:
    cluster = Shuffled(1)
    assert run(cluster, NoticeList()) == serial
    evaluated = [0, *[step[2] for step in serial[:-2]]]
    assert cluster.first_keys == [each for each in evaluated for _ in range(3)]


def test_the_main_process_runs_the_epochs_of_a_lost_cluster(
    serial: list[tuple[Any, ...]],
) -> None:
    log = NoticeList()
    assert run(Shuffled(2, is_lost=True), log) == serial
    assert log.texts == ["no worker is left; epochs run in the main process"]
