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


def pool_of(processes: int, begin: Callable[..., None], *given: object) -> ProcessPoolExecutor:
    """So many processes, each of which begins with a call of what it is given."""
    context = multiprocessing.get_context(METHOD)
    return ProcessPoolExecutor(processes, context, partial(_begin, begin, *given))


def cores() -> int:
    """How many processes can work at once."""
    with suppress(AttributeError):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _begin(begin: Callable[..., None], *given: object) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_die_with_parent, daemon=True).start()
    begin(*given)


def _die_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os._exit(1)
