"""Run folders below one folder, and signatures that change when what they show changes."""

from __future__ import annotations

import os
from collections.abc import Hashable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from evolve.errors import EvolveError
from evolve.store import JOURNAL, RESULT
from evolve.store.lock import is_locked

WATCHED = (JOURNAL, f"{JOURNAL}-wal", RESULT, "best.evo")


@dataclass(frozen=True)
class Stamp:
    """Signature of what a page shows.

    Attributes:
        content: differs if the content may differ.
        is_live: whether a run goes on that a rebuild would slow down.
    """

    content: Hashable
    is_live: bool


def list_folders(runs: Path) -> list[Path]:
    """Return the run folders below a folder; none if it does not exist.

    Raises:
        EvolveError: if the folder cannot be read.
    """
    try:
        with os.scandir(runs) as entries:
            names = sorted(each.name for each in entries if each.is_dir())
    except FileNotFoundError:
        return []
    except OSError as error:
        raise EvolveError(f"cannot read {runs}: {error.strerror}") from None
    return [path for path in (runs / name for name in names) if is_run(path)]


def find_folder(runs: Path, name: str) -> Path | None:
    """Return the run folder of a name; None if there is none.

    A name is that of one folder: it has no separator, and the folder is directly in `runs`, also
    when it is a symbolic link.
    """
    if name in ("", ".", "..") or any(each in name for each in ("/", "\\", "\0")):
        return None
    path = runs / name
    with suppress(OSError, ValueError, RuntimeError):  # too long, not UTF-8, or a loop of links
        if path.is_dir() and is_run(path) and not leads_out(path):
            return path
    return None


def leads_out(folder: Path) -> bool:
    """Return whether a folder is a symbolic link to a place outside its parent."""
    return folder.is_symlink() and folder.resolve().parent != folder.parent.resolve()


def is_run(folder: Path) -> bool:
    """Return whether a folder has a journal or a result."""
    return any(os.path.lexists(folder / name) for name in (JOURNAL, RESULT))


def read_stamp(folder: Path) -> Stamp | None:
    """Return the signature of a run folder; None if it does not exist."""
    if not is_run(folder):
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
