"""Run folders below one folder, and the run that a name means."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from dsl.diagnostics import did_you_mean
from evolve.errors import EvolveError
from evolve.store.files import (
    JOURNAL,
    RESULT,
    RUNS,
    SWEEP,
    format_command,
    format_resume_sweep,
    quote_path,
)

EXAMPLE = "expected a run folder, such as runs/spy-20261101-120000"
SHOWN_MATCHES = 3


def list_folders(runs: Path) -> list[Path]:
    """Return the run folders in a folder, and those of the sweeps in it; none if it is missing.

    A folder that cannot be opened is listed, since it may have a run.

    Raises:
        EvolveError: if the folder cannot be read.
    """
    try:
        folders = _list_subfolders(runs)
    except FileNotFoundError:
        return []
    except OSError as error:
        raise EvolveError(f"cannot read {runs}: {error.strerror}") from None
    return list(_iterate_runs(folders))


def name_run(folder: Path, runs: Path) -> str:
    """Return the name of a listed run folder: that of its folder, or `sweep/run`."""
    return folder.relative_to(runs).as_posix()


def find_folder(runs: Path, name: str) -> Path | None:
    """Return the run folder of a listed name; None if there is none.

    The folder is directly in `runs` or in a sweep, also when it is a symbolic link.
    """
    parts = name.split("/")
    if len(parts) > 2 or any(each in ("", ".", "..") or set(each) & {"\\", "\0"} for each in parts):
        return None
    path = runs / name
    with suppress(OSError, ValueError, RuntimeError):  # too long, not UTF-8, or a loop of links
        if len(parts) == 2 and path.parent.is_symlink():
            return None
        if path.is_dir() and is_run(path) and not leads_out(path):
            return path
    return None


def find_run(path: Path, with_prefix: bool = True, with_sweeps: bool = False) -> Path:
    """Return the folder that a user names: a path, or a name of the list of `runs/`.

    Args:
        path: a path; else the name of a run in `runs/`, with or without that folder.
        with_prefix: whether the first characters of a name suffice if they are those of one run.
        with_sweeps: whether the folder may be that of a sweep.

    Raises:
        EvolveError: if there is no such run, if there are several, or if it is a folder of runs.
    """
    found = path if _is_present(path) else _find_name(path, with_prefix)
    if not with_sweeps:
        _check_no_group(found)
    return found


def is_sweep(folder: Path) -> bool:
    """Return whether a folder is that of a sweep."""
    with suppress(OSError, ValueError):
        return (folder / SWEEP).is_file()
    return False


def _is_present(path: Path) -> bool:
    with suppress(OSError, ValueError):
        return os.path.lexists(path)
    return False


def _find_name(path: Path, with_prefix: bool) -> Path:
    """Return the folder of a name in the list of `runs/`, or of a sweep there."""
    text = path.as_posix().removeprefix(f"{RUNS}/")
    if is_sweep(RUNS / text):
        return RUNS / text
    folders = {name_run(each, RUNS): each for each in list_folders(RUNS)}
    if text in folders:
        return folders[text]
    matches = [name for name in folders if name.startswith(text)]
    if with_prefix and len(matches) == 1:
        return folders[matches[0]]
    message, hint = f"no run in {path}", did_you_mean(text, folders) or EXAMPLE
    if matches:
        rest = len(matches) - SHOWN_MATCHES
        hint = f"did you mean {', '.join(f'`{each}`' for each in matches[:SHOWN_MATCHES])}"
        hint += f" or one of {rest} more?" if rest > 0 else "?"
        if with_prefix:
            message = f"{len(matches)} runs have names that begin with `{text}`"
    raise EvolveError(message, hint)


def _check_no_group(folder: Path) -> None:
    """Raise EvolveError with the commands for it if a folder is that of a sweep or of runs."""
    if not folder.is_dir() or is_run(folder):
        return
    within = list(filter(is_run, list_folders(folder)))
    if is_sweep(folder):
        table = format_command("sweep", folder)
        hint = f"to go on: {format_resume_sweep(folder)}; its table: {table}"
        if within:
            hint += f"; one of its runs: {quote_path(within[0])}"
        raise EvolveError(f"{folder} is a sweep, and no single run", hint)
    if within:
        hint = f"name one of them, such as {quote_path(within[0])}; their list: "
        hint += format_command("runs", folder)
        raise EvolveError(f"{folder} is no run folder: it holds runs", hint)


def check_runs_folder(runs: Path, command: str, must_exist: bool = False) -> None:
    """Raise EvolveError if a path is not that of a folder with run folders.

    Args:
        runs: the path.
        command: the command that wants it, for its correction.
        must_exist: whether a missing folder is refused, too.
    """
    hint = "expected a folder of run folders, such as runs"
    if must_exist and not runs.exists():
        raise EvolveError(f"no such folder: {runs}", hint)
    if runs.exists() and not runs.is_dir():
        raise EvolveError(f"{runs} is no folder", hint)
    if (runs / JOURNAL).exists():
        message = f"{runs} is one run; expected the folder that contains it"
        raise EvolveError(message, f"{command} {quote_path(runs.absolute().parent)}")


def leads_out(folder: Path) -> bool:
    """Return whether a folder is a symbolic link to a place outside its parent."""
    return folder.is_symlink() and folder.resolve().parent != folder.parent.resolve()


def is_run(folder: Path) -> bool:
    """Return whether a folder has a journal or a result."""
    return any(os.path.lexists(folder / name) for name in (JOURNAL, RESULT))


def is_closed(folder: Path) -> bool:
    """Return whether a folder may not be opened by this user."""
    return os.path.lexists(folder) and not os.access(folder, os.R_OK | os.X_OK)


def _iterate_runs(folders: list[Path]) -> Iterator[Path]:
    for folder in folders:
        if is_run(folder) or is_closed(folder):
            yield folder
        elif not folder.is_symlink():  # a sweep is listed once
            with suppress(OSError):  # it was deleted
                yield from filter(is_run, _list_subfolders(folder))


def _list_subfolders(folder: Path) -> list[Path]:
    """Return the folders in a folder, sorted by name.

    Raises:
        OSError: if it cannot be read.
    """
    names = list[str]()
    with os.scandir(folder) as entries:
        for each in entries:
            with suppress(OSError):  # a loop of links
                if each.is_dir():
                    names.append(each.name)
    return [folder / name for name in sorted(names)]
