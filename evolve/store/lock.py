"""Lock of a run folder, which its process holds for as long as it lives.

The lock is one of the operating system (`flock`), so no process can die without releasing it. Its
file names the owner, for messages. Where a file system has no such locks, the owner decides: a
process of this host that no longer exists has left its lock behind.
"""

from __future__ import annotations

import errno
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

from evolve.errors import EvolveError
from evolve.store.owner import Owner, describe_owner, identify_process, read_owner, write_owner

try:
    import fcntl
except ImportError:  # not on Windows
    fcntl = None  # type: ignore[assignment]

LOCK = "run.lock"
TRIES, RETRY_SECONDS = 20, 0.01  # a reader of the state holds the lock for a moment

_UNSUPPORTED = (errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOSYS, errno.EINVAL)
_HANDLES: set[int] = set()


@contextmanager
def hold_lock(folder: Path) -> Iterator[None]:
    """Hold the lock of a run folder; take over one whose process is gone.

    Raises:
        EvolveError: if another process holds it, or if the folder cannot be written.
    """
    path = folder / LOCK
    try:
        handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    except OSError as error:
        hint = "allow writing in the folder, or copy it elsewhere"
        raise EvolveError(f"cannot write {path}: {error.strerror}", hint) from None
    _HANDLES.add(handle)
    try:
        if not any(_try_lock(handle, pause) for pause in [RETRY_SECONDS] * TRIES):
            raise _refuse(folder, read_owner(handle))
        write_owner(handle, identify_process(datetime.now(UTC)))
        try:
            yield
        finally:
            write_owner(handle, None)
    finally:
        _HANDLES.discard(handle)
        os.close(handle)


def is_locked(folder: Path) -> bool:
    """Return whether a process holds the lock of a run folder."""
    with suppress(FileNotFoundError, PermissionError):
        # Without O_NONBLOCK, opening a pipe waits for a writer.
        handle = os.open(folder / LOCK, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))
        try:
            return not _try_flock(handle, is_exclusive=False)
        finally:
            os.close(handle)
    return False


def _try_lock(handle: int, pause_seconds: float) -> bool:
    """Try to lock a file; pause and return False if another process holds its lock."""
    if _try_flock(handle, is_exclusive=True):
        return True
    time.sleep(pause_seconds)
    return False


def _try_flock(handle: int, is_exclusive: bool) -> bool:
    """Try to lock a file; return False if another process holds its lock."""
    if fcntl is not None:
        wanted = fcntl.LOCK_EX if is_exclusive else fcntl.LOCK_SH
        try:
            fcntl.flock(handle, wanted | fcntl.LOCK_NB)
            return True
        except BlockingIOError:
            return False
        except OSError as error:
            if error.errno not in _UNSUPPORTED:
                raise
    owner = read_owner(handle)
    return owner is None or not owner.may_live


def _refuse(folder: Path, owner: Owner | None) -> EvolveError:
    if owner is None:  # it has not yet written its name
        return EvolveError(f"{folder} is in use by another process", "wait until it ends")
    hint = f"wait until it ends, or stop it: kill {owner.pid}"
    if not owner.is_local:
        hint = f"wait until it ends; if {owner.host} has no such process, delete {folder / LOCK}"
    return EvolveError(f"{folder} is in use by {describe_owner(owner, datetime.now(UTC))}", hint)


def _leave_locks_to_parent() -> None:
    """Close the handles in a forked process, which would hold the locks of a killed parent."""
    while _HANDLES:
        with suppress(OSError):
            os.close(_HANDLES.pop())


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_leave_locks_to_parent)
