"""Numbered tasks side by side, each in a process of its own.

A task writes files, so it must not run twice at a time, and it may use all the memory that it gets.
So a process ends with its task, and a process that dies ends no other task.
"""

from __future__ import annotations

import multiprocessing
from collections import deque
from collections.abc import Callable, Generator, Sequence
from multiprocessing.connection import wait
from multiprocessing.process import BaseProcess
from typing import Any

from evolve.parallel import METHOD, begin_worker
from evolve.stop import Stop

POLL_SECONDS = 0.1

Task = Callable[[int, Stop], object]


def run_side_by_side(
    task: Task, numbers: Sequence[int], processes: int, stop: Stop
) -> Generator[tuple[int, int], None, None]:
    """Yield the number of each task as it ends, with the exit code of its process.

    Closing the iterator kills the processes that run.

    Args:
        task: the task; it must be picklable.
        numbers: the numbers, in the order in which the tasks begin.
        processes: maximum number of tasks that run at a time.
        stop: once set, no task begins, and those that run are asked to stop.
    """
    context: Any = multiprocessing.get_context(METHOD)
    is_stopped, waiting = context.Value("b", 0), deque(numbers)
    running: dict[int, tuple[BaseProcess, int]] = {}
    try:
        while running or (waiting and not stop.is_set):
            while waiting and len(running) < processes and not stop.is_set:
                number = waiting.popleft()
                process = context.Process(target=_run, args=(task, number, is_stopped))
                process.start()
                running[process.sentinel] = process, number
            for sentinel in wait(list(running), POLL_SECONDS):
                assert isinstance(sentinel, int)
                process, number = running.pop(sentinel)
                process.join()
                yield number, process.exitcode or 0
            if stop.is_set:
                is_stopped.value = 1
    finally:
        for process, _ in running.values():
            process.kill()


class SharedStop(Stop):
    """Stop that another process requests."""

    def __init__(self, flag: Any) -> None:
        """Create a stop.

        Args:
            flag: shared value that is not zero once the stop is requested.
        """
        self._flag = flag
        super().__init__()

    @property
    def is_set(self) -> bool:
        """True once the stop is requested."""
        return bool(self._flag.value)

    @is_set.setter
    def is_set(self, value: bool) -> None:
        if value:
            self._flag.value = 1


def _run(task: Task, number: int, flag: Any) -> None:
    begin_worker()
    task(number, SharedStop(flag))
