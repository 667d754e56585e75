"""Removal of a run folder: the files that a run writes, and the folder if nothing else is in it."""

from __future__ import annotations

import re
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from evolve.errors import EvolveError
from evolve.experiment.result_reader import read_result
from evolve.experiment.run_folders import EXAMPLE, list_folders, name_run
from evolve.store.files import (
    BARS,
    BEST,
    EARLIER,
    EXPERIMENT,
    FINALISTS,
    INPUTS,
    JOURNAL,
    LEARNINGS,
    NULL,
    REPORT,
    RESULT,
)
from evolve.store.lock import LOCK, hold_lock, is_locked

PARTIAL = r"\.evolve-\w+\.part"  # what an interrupted write leaves
SQLITE = r"(-wal|-shm|-journal)?"
OWN_FILES = re.compile(
    "|".join([*map(re.escape, (EXPERIMENT, BARS, BEST, LEARNINGS, REPORT, RESULT, LOCK)), PARTIAL,
              rf"journal(\.damaged-\d+)?\.sqlite{SQLITE}", r"result\.damaged-\d+\.json"])
)  # fmt: skip
ALL = re.compile(".*")
OWN_FOLDERS = {FINALISTS: re.compile(rf"\d+\.evo|{PARTIAL}"), INPUTS: ALL, EARLIER: ALL, NULL: ALL}
REPAIR = re.compile(r"\.evolve-repair-\w+")  # a folder that an interrupted repair leaves
# A run without its experiment cannot go on; a folder with its journal is still recognized.
FIRST, LAST = EXPERIMENT, (RESULT, LOCK, f"{JOURNAL}-wal", f"{JOURNAL}-shm", JOURNAL)


@dataclass(frozen=True)
class RunFiles:
    """Content of a run folder.

    Attributes:
        folder: the run folder.
        files: the files that a run writes.
        folders: the folders that it creates, those within others first.
        others: names of all else, also of links.
        size_bytes: size of the files on the disk.
    """

    folder: Path
    files: tuple[Path, ...]
    folders: tuple[Path, ...]
    others: tuple[str, ...]
    size_bytes: int


def list_files(folder: Path) -> RunFiles:
    """List the files of a run folder whose run has ended.

    Raises:
        EvolveError: if it is no run folder, if it is a link or if its run goes on.
    """
    _check_removable(folder)
    files, folders, others, size = list[Path](), list[Path](), list[str](), 0
    try:
        for path in _walk(folder):
            status, name = path.lstat(), path.relative_to(folder).as_posix()
            if not _is_own(name, status.st_mode):
                others.append(name)
            elif stat.S_ISDIR(status.st_mode):
                folders.insert(0, path)
            else:
                files.append(path)
                size += getattr(status, "st_blocks", 0) * 512 or status.st_size
    except OSError as error:
        raise _refuse(folder, error) from None
    return RunFiles(folder, tuple(files), tuple(folders), tuple(others), size)


def remove(run: RunFiles) -> bool:
    """Delete the files of a run, and its folder if it is empty then.

    The journal is deleted last, so that a folder is still recognized after an interrupt.

    Returns:
        Whether the folder was deleted.

    Raises:
        EvolveError: if the run goes on, or if a file cannot be deleted.
    """
    last = [run.folder / name for name in LAST]
    first = [each for each in run.files if each not in last]
    try:
        with hold_lock(run.folder):  # which creates its file
            for path in sorted(first, key=lambda each: each != run.folder / FIRST):
                path.unlink(missing_ok=True)
            for path in run.folders:
                if not any(path.iterdir()):
                    path.rmdir()
        for path in last:
            if path in run.files or path.name == LOCK:
                path.unlink(missing_ok=True)
        if any(run.folder.iterdir()):
            return False
        run.folder.resolve().rmdir()  # `.` cannot be deleted by this name
    except OSError as error:
        raise _refuse(run.folder, error) from None
    return True


def _check_removable(folder: Path) -> None:
    """Raise EvolveError if a path is not that of a run folder, or if its run goes on."""
    for path, hint in (
        (folder, "name its target instead"), (folder / LOCK, "delete the link yourself")
    ):  # fmt: skip
        if path.is_symlink():
            raise EvolveError(f"{path} is a link, which is not followed", hint)
    journal = folder / JOURNAL
    if journal.is_symlink() or not journal.is_file():
        within = [] if not folder.is_dir() else list_folders(folder)
        if within:
            names = ", ".join(name_run(each, folder) for each in within[:3])
            message = f"{folder} is no run folder: it holds runs ({names}, …)"
            raise EvolveError(message, f"evolve rm {folder}/*")
        try:
            read_result(folder)
        except EvolveError:
            hint = EXAMPLE if not folder.is_dir() else "delete it yourself if you do not need it"
            raise EvolveError(f"{folder} is no run folder: it has no {JOURNAL}", hint) from None
    if is_locked(folder):
        raise EvolveError(f"the run in {folder} goes on", "stop it with Ctrl-C, or wait")


def _walk(folder: Path) -> Iterator[Path]:
    """Yield what is in a run folder and in its own folders; a link is not followed."""
    for path in sorted(folder.iterdir()):
        is_folder = path.is_dir() and not path.is_symlink()
        if is_folder and (path.name in OWN_FOLDERS or REPAIR.fullmatch(path.name)):
            yield path
            yield from sorted(path.rglob("*"))
        else:
            yield path


def _is_own(name: str, mode: int) -> bool:
    """Return whether a run writes a file or a folder of a name."""
    top, _, rest = name.partition("/")
    files = ALL if REPAIR.fullmatch(top) else OWN_FOLDERS.get(top)
    if stat.S_ISDIR(mode):
        return files is not None and (not rest or files is ALL)
    if not stat.S_ISREG(mode):
        return False
    return bool(OWN_FILES.fullmatch(name) if files is None else files.fullmatch(rest))


def _refuse(folder: Path, error: OSError) -> EvolveError:
    name = error.filename or folder
    return EvolveError(f"cannot delete {name}: {error.strerror}", "allow writing in its folder")
