"""Signatures of run folders, which change when what a page shows changes."""

from __future__ import annotations

from collections.abc import Hashable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from evolve.experiment.run_folders import is_closed, is_run
from evolve.store.files import BEST, JOURNAL, RESULT
from evolve.store.lock import is_locked

WATCHED = (JOURNAL, f"{JOURNAL}-wal", RESULT, BEST)


@dataclass(frozen=True)
class Stamp:
    """Signature of what a page shows.

    Attributes:
        content: differs if the content may differ.
        is_live: whether a run goes on that a rebuild would slow down.
    """

    content: Hashable
    is_live: bool


def read_stamp(folder: Path) -> Stamp | None:
    """Return the signature of a run folder; None if it does not exist."""
    if not is_run(folder) and not is_closed(folder):
        return None
    is_running = False
    with suppress(OSError):
        is_running = is_locked(folder)  # before the files, which are then at least as new
    return Stamp((is_running, *(_sign(folder / name) for name in WATCHED)), is_running)


def _sign(path: Path) -> tuple[int, int, int] | None:
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_ino, status.st_mtime_ns, status.st_size
