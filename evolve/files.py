"""Text files read at once, and files of any kind written atomically."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from evolve.errors import EvolveError

STANDARD_INPUT = "-"
_NEW_FILE_MODE = 0o644


def read_text(path: Path, wanted_by: str = "", hint: str = "", errors: str = "strict") -> str:
    """Return the text of a UTF-8 file, without a byte order mark.

    Args:
        path: the file, or `-` for standard input.
        wanted_by: what needs the file, for messages; empty if the user named it directly.
        hint: how to fix a path that does not exist.
        errors: treatment of bytes that are not UTF-8, as in `bytes.decode`.

    Raises:
        EvolveError: if the file does not exist or cannot be read.
    """
    lead = f"{wanted_by}: " if wanted_by else ""
    try:
        is_input = str(path) == STANDARD_INPUT
        content = sys.stdin.buffer.read() if is_input else path.read_bytes()
        return content.decode("utf-8-sig", errors)
    except FileNotFoundError:
        raise EvolveError(f"{lead}no such file: {path}", hint) from None
    except (OSError, UnicodeError) as error:
        reason = getattr(error, "strerror", None) or error
        raise EvolveError(f"{lead}cannot read {path}: {reason}") from None


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
