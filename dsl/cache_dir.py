"""Cache folder: files that can be produced again, such as prices and compiled kernels."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

OTHERS_WRITE = stat.S_IWGRP | stat.S_IWOTH
OTHERS_ENTER = stat.S_IRWXG | stat.S_IRWXO
PRIVATE_MODE = 0o700


def cache_dir() -> Path:
    """Return `EVOLVE_HOME` if it is set, else the user's cache folder for `evolve`.

    Raises:
        OSError: if the user has no home folder.
    """
    if (home := read_home()) is not None:
        return home
    from platformdirs import user_cache_path

    return find_user_folder(user_cache_path)


def read_home() -> Path | None:
    """Return the folder that `EVOLVE_HOME` names; None if it is not set.

    Raises:
        OSError: if it begins with the home folder of an unknown user.
    """
    home = os.environ.get("EVOLVE_HOME")
    try:
        return Path(home).expanduser() if home else None
    except RuntimeError:
        raise OSError(f"EVOLVE_HOME: no such user or home folder: {home}") from None


def find_user_folder(find: Callable[[str], Path]) -> Path:
    """Return a folder of `platformdirs` for `evolve`.

    Args:
        find: the function of `platformdirs`, such as `user_cache_path`.

    Raises:
        OSError: if the user has no home folder.
    """
    with suppress(RuntimeError):  # versions differ: some raise, in others `~` remains in the path
        folder = find("evolve")
        if folder.is_absolute():
            return folder
    raise OSError("this user has no home folder: set EVOLVE_HOME to a folder")


def create_private(folder: Path) -> None:
    """Create a folder and its missing parents, which only the user may enter.

    Raises:
        OSError: if it cannot be created.
    """
    missing = [each for each in (folder, *folder.parents) if not each.exists()]
    for each in reversed(missing):
        each.mkdir(PRIVATE_MODE, exist_ok=True)


def find_foreign_writer(folder: Path, pattern: str) -> str:
    """Return how another user could have written into a folder; empty if none could.

    Args:
        folder: the folder.
        pattern: the names in it that matter, such as `kernels-*`; all that they contain matters.

    Raises:
        OSError: if it cannot be read.
    """
    if not hasattr(os, "getuid"):  # Windows, where the user's folders are private
        return ""
    status = folder.stat()
    is_closed = not status.st_mode & OTHERS_ENTER
    found = (_find_below(each, is_closed) for each in folder.glob(pattern))
    return _find_here(folder, status, False) or next(filter(None, found), "")


def _find_below(path: Path, is_closed: bool) -> str:
    """Return how another user could write a path or what it contains.

    Args:
        path: a file or a folder; links are not followed.
        is_closed: whether only the user may enter the folder that contains it.
    """
    status = path.lstat()
    if problem := _find_here(path, status, is_closed):
        return problem
    if not stat.S_ISDIR(status.st_mode):
        return ""
    is_closed = is_closed or not status.st_mode & OTHERS_ENTER
    return next(filter(None, (_find_below(each, is_closed) for each in path.iterdir())), "")


def _find_here(path: Path, status: os.stat_result, is_closed: bool) -> str:
    if status.st_uid != os.getuid():
        return f"{path} belongs to another user"
    is_writable = not is_closed and status.st_mode & OTHERS_WRITE
    return f"other users may write {path}" if is_writable else ""
