"""Processes beside this one: they leave Ctrl-C to their parent, and do not outlive it."""

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

METHOD = "fork" if sys.platform == "linux" else "spawn"


WORTHWHILE = {"fork": 4_000, "spawn": 50_000}  # evaluations; a spawned process imports all anew


def open_pool(processes: int, begin: Callable[[], None] | None = None) -> ProcessPoolExecutor:
    """So many processes, each of which begins with a call."""
    context = multiprocessing.get_context(METHOD)
    return ProcessPoolExecutor(processes, context, partial(_begin, begin))


def count_worthwhile_processes(islands: int, evaluations: int) -> int:
    """How many processes are worth their start: one a core and island, for work that lasts.

    Args:
        islands: how many can be bred side by side.
        evaluations: the budget.
    """
    return min(count_cores(), islands) if evaluations >= WORTHWHILE[METHOD] else 1


def count_cores() -> int:
    """How many processes can work at once."""
    with suppress(AttributeError):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _begin(begin: Callable[[], None] | None) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_die_with_parent, daemon=True).start()
    if begin is not None:
        begin()


def _die_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os._exit(1)
