"""Worker processes that ignore the signals of a terminal and exit with their parent."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from contextlib import suppress
from functools import partial
from multiprocessing.connection import wait
from multiprocessing.process import BaseProcess
from typing import Any, Literal

METHOD: Literal["fork", "spawn"] = "fork" if sys.platform == "linux" else "spawn"
WORTHWHILE = {"fork": 4_000, "spawn": 50_000}  # evaluations; a spawned process repeats the imports


def open_pool(processes: int, begin: Callable[[], None] | None = None) -> ProcessPoolExecutor:
    """Open a pool of worker processes.

    Args:
        processes: number of workers.
        begin: called once in each worker; None for no call.
    """
    context = multiprocessing.get_context(METHOD)
    return ProcessPoolExecutor(processes, context, partial(_begin, begin))


def start_worker(work: Callable[[], None]) -> BaseProcess:
    """Start one worker process, without a pool.

    Args:
        work: runs in the worker.

    Raises:
        OSError: if no process can start.
    """
    context: Any = multiprocessing.get_context(METHOD)
    process: BaseProcess = context.Process(target=_begin, args=(work,), daemon=True)
    process.start()
    return process


def count_worthwhile_processes(islands: int, evaluations: int) -> int:
    """Return the number of processes that pay for their start.

    It is one per core and at most one per island; 1 if the budget is small.

    Args:
        islands: number of islands, whose epochs can run in parallel.
        evaluations: the budget.
    """
    return min(count_cores(), islands) if evaluations >= WORTHWHILE[METHOD] else 1


def count_cores() -> int:
    """Return the number of cores that this process may use."""
    with suppress(AttributeError):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def begin_worker() -> None:
    """Leave the signals of a terminal to the parent of this worker process, and exit with it."""
    _leave_signals_to_parent()
    threading.Thread(target=_die_with_parent, daemon=True).start()


def _begin(begin: Callable[[], None] | None) -> None:
    begin_worker()
    if begin is not None:
        begin()


def _leave_signals_to_parent() -> None:
    """Receive no signal that is sent to the process group of the parent, which decides.

    A pool ends its workers by SIGTERM after one of them died, and waits for them. The handler of
    the parent, which a fork inherits, would ignore it.
    """
    if hasattr(os, "setpgrp"):
        with suppress(OSError):
            os.setpgrp()
    for name in ("SIGINT", "SIGHUP"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)


def _die_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os._exit(1)
