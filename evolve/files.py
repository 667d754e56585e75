"""Files: text read at once, bounded; all that the tool writes, written atomically."""

from __future__ import annotations

import errno
import os
import secrets
import stat
import sys
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO, cast

from evolve.errors import EvolveError

STANDARD_INPUT = "-"
MAX_TEXT_BYTES = 4_000_000
_PREFIX, _SUFFIX = ".evolve-", ".part"  # of a temporary file
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)  # no room for the content


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
            if content is None:  # some files of the system have no content yet
                raise BlockingIOError(errno.EAGAIN, os.strerror(errno.EAGAIN))
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


def write_text(path: Path, text: str, is_durable: bool = True) -> None:
    """Write a UTF-8 file atomically; its folder must exist.

    Args:
        path: the file.
        text: its content.
        is_durable: whether it must survive a crash of the machine.

    Raises:
        EvolveError: if it cannot be written.
    """
    try:
        content = text.encode("utf-8")
    except UnicodeError as error:
        raise EvolveError(f"cannot write {path}: {error}") from None
    with atomic_write(path, is_durable=is_durable) as (temporary,):
        temporary.write_bytes(content)


@contextmanager
def atomic_write(*paths: Path, is_durable: bool = True) -> Iterator[tuple[Path, ...]]:
    """Yield a temporary file for each path; move all of them into place at the end.

    Readers never see a partial file. If the block raises, the files at the paths do not change. A
    new file gets the permissions of the process's umask; a replaced one passes on its own. A
    symbolic link remains, and its target is replaced.

    Args:
        paths: the files.
        is_durable: whether they must survive a crash of the machine; not needed for caches. It
            costs a flush of the disk per file.

    Raises:
        EvolveError: if a file cannot be written.
    """
    temporaries: dict[Path, Path] = {}
    try:
        for path in paths:
            target = _find_target(path)
            temporaries[_create_beside(target, path)] = target
        try:
            yield tuple(temporaries)
            for temporary, target in temporaries.items():
                if target.exists():
                    temporary.chmod(stat.S_IMODE(target.stat().st_mode))
                if is_durable:
                    _flush(temporary)
            for temporary, target in temporaries.items():
                temporary.replace(target)
                if is_durable:
                    with suppress(OSError):  # some file systems cannot flush a folder
                        _flush(target.parent)
        except OSError as error:
            name = Path(str(error.filename or paths[0]))
            raise _refuse(temporaries.get(name, name), error) from None
    finally:
        for temporary in temporaries:
            with suppress(OSError):
                temporary.unlink(missing_ok=True)


def remove_partial_files(folder: Path) -> None:
    """Remove the temporary files that processes left in a folder when they were killed."""
    for path in folder.rglob(f"{_PREFIX}*{_SUFFIX}"):
        with suppress(OSError):
            path.unlink()


def create_exclusively(path: Path) -> None:
    """Create an empty file; of several processes, one succeeds.

    Raises:
        FileExistsError: if it exists.
        OSError, ValueError: if it cannot be created.
    """
    os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666))


def open_spill() -> BinaryIO:
    """Open a temporary file with a name, which is deleted when it is closed.

    Raises:
        OSError: if no temporary folder is writable.
    """
    return cast(BinaryIO, tempfile.NamedTemporaryFile(prefix="evolve-"))


def refuse_overwrite(outputs: Iterable[Path | None], inputs: Iterable[Path]) -> None:
    """Raise EvolveError if an output is also an input, under any name."""
    known = [each for each in inputs if str(each) != STANDARD_INPUT]
    for output in outputs:
        if output is not None and any(_is_same(output, each) for each in known):
            raise EvolveError(f"cannot write {output}: it is an input", "choose another name")


def _is_same(output: Path, other: Path) -> bool:
    """Return whether two paths lead to one existing file."""
    try:
        return output.samefile(other)
    except (OSError, ValueError):  # one does not exist
        return False


def _find_target(path: Path) -> Path:
    """Return the file that a path leads to.

    Raises:
        EvolveError: if it exists and is no regular file, or if the path is invalid.
    """
    try:
        target = path.resolve() if path.is_symlink() else path
        mode = target.stat().st_mode
    except FileNotFoundError:
        return target
    except (OSError, ValueError, RuntimeError) as error:  # a NUL, a surrogate or a loop of links
        raise _refuse(path, error) from None
    if not stat.S_ISREG(mode):
        message = f"cannot write {path}: expected a regular file, found {_name_kind(mode)}"
        raise EvolveError(message, "choose another name")
    return target


def _create_beside(target: Path, path: Path) -> Path:
    """Create an empty file in the folder of a target, so that the final move is atomic."""
    temporary = target.absolute().parent / f"{_PREFIX}{secrets.token_hex(8)}{_SUFFIX}"
    try:
        create_exclusively(temporary)
    except (OSError, ValueError) as error:
        raise _refuse(path, error) from None
    return temporary


def _flush(path: Path) -> None:
    """Wait until the content of a file or a folder is on the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _refuse(path: Path, error: Exception) -> EvolveError:
    reason = getattr(error, "strerror", None) or error
    hint = "choose an existing, writable folder"
    if getattr(error, "errno", None) in _FULL:
        hint = "free some space; a file that was there is unchanged"
    return EvolveError(f"cannot write {path}: {reason}", hint)
