"""Executor that runs epochs on the workers of a cluster, with identical results."""

from __future__ import annotations

from collections import ChainMap, OrderedDict
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from pkgutil import resolve_name
from typing import Any
from uuid import uuid4

from dsl.analysis.program import Program
from dsl.gc_pause import pause_gc
from dsl.printing.decompile import compact_text
from evolve.cluster.calls import ClusterError
from evolve.cluster.cluster import Cluster
from evolve.cluster.remote import Blob, name_function, open_once
from evolve.cluster.wire import decode_result, decode_task, encode_result, encode_task
from evolve.notices import NoticeLog
from evolve.search.epoch import run_epoch
from evolve.search.executors import KEY_BYTES, PendingEpochs, SerialExecutor
from evolve.search.island import EpochResult, EpochTask
from evolve.search.problem import SearchProblem
from evolve.search.trial_index import TrialIndex

MAX_SEARCHES = 2  # of which a worker remembers keys and programs

OpenProblem = Callable[[bytes], SearchProblem]
"""Function of a module that builds a problem from the inputs of a run."""


class ClusterExecutor:
    """Executor that gives the epoch of each island to a free worker.

    A worker remembers the keys that it received, and each task brings those of the last epoch. A
    worker that lacks earlier ones answers with their number, and receives the rest. If the cluster
    cannot complete an epoch, the main process runs it.
    """

    def __init__(
        self,
        problem: SearchProblem,
        cluster: Cluster,
        open_problem: OpenProblem,
        inputs: bytes,
        log: NoticeLog,
    ) -> None:
        """Create an executor.

        Args:
            problem: the problem.
            cluster: the connected cluster.
            open_problem: function of a module that builds an equal problem on a worker.
            inputs: its argument, which is sent to each worker once.
            log: receives a notice once the main process runs epochs.
        """
        self._serial = SerialExecutor(problem)
        self._problem, self._cluster = problem, cluster
        self._opener, self._inputs = name_function(open_problem), cluster.share(inputs)
        self._log = log
        self._search = uuid4().hex
        self._sent = 0  # keys that the workers of the last epoch have
        self._failure = ""  # of the last epoch, which is reported once

    def submit(self, tasks: Sequence[EpochTask], index: TrialIndex) -> PendingEpochs:
        """Start epochs; each task brings the keys that are new since the last call."""
        keys, self._sent = index.keys[self._sent :], len(index)
        first = len(index) - len(keys)
        running = [self._send(task, index, first) for task in tasks]
        return lambda: [
            self._wait(task, index, future) for task, future in zip(tasks, running, strict=True)
        ]

    def _send(self, task: EpochTask, index: TrialIndex, first: int) -> Future[Any]:
        """Send a task with the keys from number `first` on, counted from 0."""
        return self._cluster.submit(
            run_remote_epoch, self._opener, self._inputs, self._search, encode_task(task), first,
            b"".join(index.keys[first:]),
            evaluations=task.max_evaluations, label=f"{self._search}/{task.island.index}",
        )  # fmt: skip

    def _wait(self, task: EpochTask, index: TrialIndex, running: Future[Any]) -> EpochResult:
        try:
            answer = running.result()
            while isinstance(answer, int):  # keys that a worker has
                answer = self._send(task, index, answer).result()
        except ClusterError as error:
            if error.message != self._failure:
                self._failure = error.message
                self._log.notice(f"{error.message}; epochs run in the main process")
            return self._serial.submit([task], index)()[0]
        self._failure = ""
        return decode_result(answer, self._problem.weights, task)


@dataclass
class _Search:
    """State of a search on a worker.

    Attributes:
        seen: keys that it received, which are distinct.
        programs: parsed programs of the population that each island last had here, by text.
    """

    seen: set[bytes] = field(default_factory=set)
    programs: dict[int, dict[str, Program]] = field(default_factory=dict)


_searches: OrderedDict[str, _Search] = OrderedDict()


def run_remote_epoch(
    opener: str, inputs: Blob, search: str, text: str, first: int, keys: bytes
) -> str | int:
    """Run an epoch on a worker.

    Args:
        opener: name of the function that builds the problem from the inputs.
        inputs: the inputs of the run.
        search: identifier of the search.
        text: the task.
        first: number of keys that the worker must have.
        keys: the keys that follow them.

    Returns:
        The result as text; the number of keys that the worker has if they are too few.
    """
    state = _find_search(search)
    if len(state.seen) < first:
        return len(state.seen)
    state.seen.update(keys[start : start + KEY_BYTES] for start in range(0, len(keys), KEY_BYTES))
    problem: SearchProblem = open_once(resolve_name(opener), inputs)
    with pause_gc():
        task = decode_task(text, problem.weights, ChainMap(*state.programs.values()))
        result = run_epoch(task, problem, state.seen)
        population = [each.program for each in result.island.population]
        state.programs[task.island.index] = {compact_text(each): each for each in population}
        return encode_result(result, task)


def _find_search(search: str) -> _Search:
    if search not in _searches:
        while len(_searches) >= MAX_SEARCHES:
            _searches.popitem(last=False)
        _searches[search] = _Search()
    _searches.move_to_end(search)
    return _searches[search]
