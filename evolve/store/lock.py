"""Lock of a run folder, which its process holds for as long as it lives.

The lock is one of the operating system (`flock`), so no process can die without releasing it.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from evolve.errors import EvolveError

try:
    import fcntl
except ImportError:  # not on Windows
    fcntl = None  # type: ignore[assignment]

LOCK = "run.lock"
TRIES, RETRY_SECONDS = 20, 0.01  # a reader of the state holds the lock for a moment


@contextmanager
def hold_lock(folder: Path) -> Iterator[None]:
    """Hold the lock of a run folder.

    Raises:
        EvolveError: if another process holds it.
    """
    handle = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        if not any(_try_lock(handle, pause) for pause in [RETRY_SECONDS] * TRIES):
            raise EvolveError(f"another process runs in {folder}", "wait until it ends")
        yield
    finally:
        os.close(handle)


def is_locked(folder: Path) -> bool:
    """Return whether a process holds the lock of a run folder; False where locks do not exist."""
    with suppress(FileNotFoundError, PermissionError):
        handle = os.open(folder / LOCK, os.O_RDONLY)
        try:
            if fcntl is not None:
                fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        finally:
            os.close(handle)
    return False


def _try_lock(handle: int, pause_seconds: float) -> bool:
    """Try to lock a file; pause and return False if another process holds its lock."""
    if fcntl is not None:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            time.sleep(pause_seconds)
            return False
    return True
