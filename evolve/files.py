"""Text files read at once, and files of any kind written atomically."""

from __future__ import annotations

import os
import stat
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from evolve.errors import EvolveError

STANDARD_INPUT = "-"
MAX_TEXT_BYTES = 4_000_000
_NEW_FILE_MODE = 0o644


def read_text(
    path: Path,
    wanted_by: str = "",
    hint: str = "",
    errors: str = "strict",
    max_bytes: int = MAX_TEXT_BYTES,
) -> str:
    """Return the text of a UTF-8 file, without a byte order mark.

    Args:
        path: the file, or `-` for standard input.
        wanted_by: what needs the file, for messages; empty if the user named it directly.
        hint: how to fix a path that does not exist.
        errors: treatment of bytes that are not UTF-8, as in `bytes.decode`.
        max_bytes: the maximum size.

    Raises:
        EvolveError: if the file does not exist, is no regular file, is too large or cannot be read.
    """
    content = read_bytes(path, max_bytes, wanted_by, hint)
    try:
        return content.decode("utf-8-sig", errors)
    except UnicodeError as error:
        raise EvolveError(f"{_lead(wanted_by)}cannot read {path}: {error}") from None


def read_bytes(path: Path, max_bytes: int, wanted_by: str = "", hint: str = "") -> bytes:
    """Return the content of a file; the size is checked first.

    Args:
        path: the file, or `-` for standard input.
        max_bytes: the maximum size.
        wanted_by: what needs the file, for messages; empty if the user named it directly.
        hint: how to fix a path that does not exist.

    Raises:
        EvolveError: if the file does not exist, is no regular file, is too large or cannot be read.
    """
    if str(path) == STANDARD_INPUT:
        content = sys.stdin.buffer.read(max_bytes + 1)
    else:
        with open_regular(path, wanted_by, hint) as file:
            content = file.read(max_bytes + 1)
    if len(content) > max_bytes:
        name = "standard input" if str(path) == STANDARD_INPUT else str(path)
        message = f"{_lead(wanted_by)}{name} is too large: expected at most {max_bytes:,} bytes"
        raise EvolveError(message, "give a smaller file")
    return content


@contextmanager
def open_regular(path: Path, wanted_by: str = "", hint: str = "") -> Iterator[BinaryIO]:
    """Open a regular file for reading; a pipe, a device or a folder is refused without reading.

    Args:
        path: the file.
        wanted_by: what needs the file, for messages; empty if the user named it directly.
        hint: how to fix a path that does not exist.

    Raises:
        EvolveError: if the file does not exist, is no regular file or cannot be read.
    """
    lead = _lead(wanted_by)
    try:
        # Without O_NONBLOCK, opening a pipe waits for a writer.
        handle = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))
        with os.fdopen(handle, "rb") as file:
            mode = os.fstat(handle).st_mode
            if not stat.S_ISREG(mode):
                raise EvolveError(
                    f"{lead}cannot read {path}: expected a regular file, found {_name_kind(mode)}",
                    "give a file, or `-` for standard input where the command accepts it",
                )
            yield file
    except FileNotFoundError:
        raise EvolveError(f"{lead}no such file: {path}", hint) from None
    except (OSError, ValueError) as error:  # ValueError: a NUL or a surrogate in the path
        reason = getattr(error, "strerror", None) or error
        raise EvolveError(f"{lead}cannot read {path}: {reason}") from None


def _lead(wanted_by: str) -> str:
    return f"{wanted_by}: " if wanted_by else ""


def _name_kind(mode: int) -> str:
    kinds = {stat.S_IFDIR: "a folder", stat.S_IFIFO: "a pipe", stat.S_IFSOCK: "a socket"}
    return kinds.get(stat.S_IFMT(mode), "a device")


def write_text(path: Path, text: str) -> None:
    """Write a UTF-8 file atomically; its folder must exist.

    Raises:
        EvolveError: if it cannot be written.
    """
    with atomic_write(path) as (temporary,):
        temporary.write_text(text, "utf-8")


@contextmanager
def atomic_write(*paths: Path) -> Iterator[tuple[Path, ...]]:
    """Yield a temporary file for each path; move all of them into place at the end.

    Readers never see a partial file. If the block raises, the files at the paths do not change.

    Raises:
        EvolveError: if a file cannot be written.
    """
    targets = [path.resolve() if path.is_symlink() else path for path in paths]
    temporaries: list[Path] = []
    try:
        for target in targets:
            temporaries.append(_temporary_beside(target))
        yield tuple(temporaries)
        for temporary, target in zip(temporaries, targets, strict=True):
            temporary.chmod(target.stat().st_mode if target.exists() else _NEW_FILE_MODE)
            temporary.replace(target)
    except OSError as error:
        path = error.filename or paths[0]
        hint = "choose an existing, writable folder"
        raise EvolveError(f"cannot write {path}: {error.strerror or error}", hint) from None
    finally:
        for temporary in temporaries:
            temporary.unlink(missing_ok=True)


def _temporary_beside(path: Path) -> Path:
    """Create an empty file in the folder of a path, so that the final move is atomic."""
    try:
        handle, name = tempfile.mkstemp(dir=path.absolute().parent, suffix=".part")
    except OSError as error:
        error.filename = str(path)
        raise
    os.close(handle)
    return Path(name)
