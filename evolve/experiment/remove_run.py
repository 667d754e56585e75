"""Removal of a run or a sweep: the files that it writes, and its folder if it is empty then."""

from __future__ import annotations

import re
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from evolve.config.document import read_document
from evolve.errors import EvolveError
from evolve.experiment.input_copies import PROMPTS_FOLDER
from evolve.experiment.result_reader import read_result
from evolve.experiment.run_folders import EXAMPLE, is_run, is_sweep, list_folders, name_run
from evolve.experiment.sweep.folder import RESULTS
from evolve.files import read_text
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
    SWEEP,
    format_command,
)
from evolve.store.lock import LOCK, hold_lock, is_locked

PARTIAL = r"(.*/)?\.evolve-\w+\.part"  # what an interrupted write leaves
REPAIR = r"\.evolve-repair-\w+"  # a folder that an interrupted repair leaves
SQLITE = r"\.sqlite(-wal|-shm|-journal)?"
RUN_FILES = (
    *map(re.escape, (EXPERIMENT, BARS, BEST, LEARNINGS, REPORT, RESULT, LOCK)),
    rf"journal(\.damaged-\d+)?{SQLITE}", r"result\.damaged-\d+\.json", rf"{REPAIR}/.*", PARTIAL,
    rf"{FINALISTS}/\d+\.evo", rf"{EARLIER}/\d+/({RESULT}|{REPORT})", rf"{NULL}/\d+{SQLITE}",
)  # fmt: skip
RUN_FOLDERS = re.compile(rf"{FINALISTS}|{INPUTS}|{EARLIER}|{NULL}|{REPAIR}")
SWEEP_FILES = re.compile(rf"{re.escape(SWEEP)}|{re.escape(LOCK)}|{RESULTS}/\d+\.json|{PARTIAL}")
SWEEP_FOLDERS = re.compile(RESULTS)
# Without its inputs and its experiment a run cannot go on; by these its folder is recognized.
LAST = (RESULT, LOCK, f"{JOURNAL}-wal", f"{JOURNAL}-shm", JOURNAL, SWEEP)


@dataclass(frozen=True)
class RunFiles:
    """Content of the folder of a run or a sweep.

    Attributes:
        folder: the folder.
        files: the files that the run or the sweep writes, in the order of their deletion.
        folders: the folders that it creates, those within others first.
        others: names of all else, also of links.
        size_bytes: size of the files on the disk.
        runs: the runs of a sweep.
    """

    folder: Path
    files: tuple[Path, ...]
    folders: tuple[Path, ...]
    others: tuple[str, ...]
    size_bytes: int
    runs: tuple[RunFiles, ...] = ()


def list_files(folder: Path) -> RunFiles:
    """List the files of a run that has ended, or of a sweep and its runs.

    Raises:
        EvolveError: if it is neither, if it is a link or if its run goes on.
    """
    _check_no_link(folder)
    if is_sweep(folder) and not is_run(folder):
        _check_ended(folder)
        runs = [each for each in list_folders(folder) if is_run(each) and not each.is_symlink()]
        return _list(folder, SWEEP_FILES, SWEEP_FOLDERS, tuple(map(list_files, runs)))
    _check_run(folder)
    _check_ended(folder)
    files = re.compile("|".join([*RUN_FILES, *_list_inputs(folder)]))
    return _list(folder, files, RUN_FOLDERS)


def remove(run: RunFiles) -> bool:
    """Delete the files of a run or a sweep, and its folder if it is empty then.

    The journal is deleted last, so that a folder is still recognized after an interrupt.

    Returns:
        Whether the folder was deleted.

    Raises:
        EvolveError: if the run goes on, or if a file cannot be deleted.
    """
    last = [run.folder / name for name in LAST]
    try:
        with hold_lock(run.folder):  # which creates its file
            for each in run.runs:
                remove(each)
            for path in run.files:
                if path not in last:
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


def _check_no_link(folder: Path) -> None:
    for path, hint in (
        (folder, "name its target instead"), (folder / LOCK, "delete the link yourself")
    ):  # fmt: skip
        if path.is_symlink():
            raise EvolveError(f"{path} is a link, which is not followed", hint)


def _check_ended(folder: Path) -> None:
    if is_locked(folder):
        noun = "run" if is_run(folder) else "sweep"
        raise EvolveError(f"the {noun} in {folder} goes on", "stop it with Ctrl-C, or wait")


def _check_run(folder: Path) -> None:
    """Raise EvolveError if a path is not that of a run folder."""
    journal = folder / JOURNAL
    if not journal.is_symlink() and journal.is_file():
        return
    within = [] if not folder.is_dir() else list_folders(folder)
    if within:
        names = ", ".join(name_run(each, folder) for each in within[:3])
        message = f"{folder} is no run folder: it holds runs ({names}, …)"
        raise EvolveError(message, f"{format_command('rm', folder)}/*")
    try:
        read_result(folder)
    except EvolveError:
        hint = EXAMPLE if not folder.is_dir() else "delete it yourself if you do not need it"
        raise EvolveError(f"{folder} is no run folder: it has no {JOURNAL}", hint) from None


def _list_inputs(folder: Path) -> Iterator[str]:
    """Yield patterns of the names of the inputs that a run copied, from its experiment."""
    try:
        settings = read_document(read_text(folder / EXPERIMENT), EXPERIMENT).data
    except EvolveError:  # the inputs are unknown, so that they remain
        return
    for section, name in (("", "start_from"), ("language", "include"), ("llm", "learnings")):
        values = _get(_get(settings, section) if section else settings, name)
        for entry in values if isinstance(values, list) else [values]:
            each = _get(entry, "file") if isinstance(entry, dict) else entry
            if isinstance(each, str) and each.startswith(f"{INPUTS}/"):
                yield re.escape(each)
    if _get(_get(settings, "llm"), "prompts") == PROMPTS_FOLDER.as_posix():
        yield rf"{PROMPTS_FOLDER.as_posix()}/.*"


def _get(section: Any, name: str) -> Any:
    return section.get(name) if isinstance(section, dict) else None


def _list(
    folder: Path, own: re.Pattern[str], own_folders: re.Pattern[str],
    runs: tuple[RunFiles, ...] = (),
) -> RunFiles:  # fmt: skip
    """List the content of a folder.

    Args:
        folder: the folder.
        own: pattern of the names of the files that its run or its sweep writes.
        own_folders: pattern of the names of the folders with these files.
        runs: the runs in it, which are not listed again.
    """
    files, folders, others, size = list[Path](), list[Path](), list[str](), 0
    skipped = {each.folder for each in runs}
    try:
        for path in _walk(folder, own_folders):
            status, name = path.lstat(), path.relative_to(folder).as_posix()
            if path in skipped:
                continue
            if stat.S_ISDIR(status.st_mode) and own_folders.fullmatch(name.partition("/")[0]):
                folders.insert(0, path)
            elif stat.S_ISREG(status.st_mode) and own.fullmatch(name):
                files.append(path)
                size += getattr(status, "st_blocks", 0) * 512 or status.st_size
            else:
                others.append(name)
    except OSError as error:
        raise _refuse(folder, error) from None
    files.sort(key=lambda each: (not each.is_relative_to(folder / INPUTS), each.name != EXPERIMENT))
    return RunFiles(folder, tuple(files), tuple(folders), tuple(others), size, runs)


def _walk(folder: Path, own_folders: re.Pattern[str]) -> Iterator[Path]:
    """Yield what is in a folder and in its own folders; a link is not followed."""
    for path in sorted(folder.iterdir()):
        yield path
        if own_folders.fullmatch(path.name) and path.is_dir() and not path.is_symlink():
            yield from sorted(path.rglob("*"))


def _refuse(folder: Path, error: OSError) -> EvolveError:
    name = error.filename or folder
    return EvolveError(f"cannot delete {name}: {error.strerror}", "allow writing in its folder")
