"""Rows of a damaged journal that are whole."""

from __future__ import annotations

import json
import shutil
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from evolve.store.database import create_journal
from evolve.store.digests import NO_TRIALS, compute_digest, extend_digest
from evolve.store.schema import SCHEMA

Row = tuple[object, ...]

KEYS = {
    "events": 1, "calls": 1, "exchanges": 1, "proposals": 1, "checkpoints": 1, "resumes": 1,
    "jobs": 2,
}  # fmt: skip
"""Number of the leading columns that are the key of each table but the trials."""

EXACT = "exact.sqlite"  # the copy that is as the journal
PAGE_BYTES = 4096
MAX_VALUE_BYTES = 100_000_000

_VERSION_VALID_FOR = slice(92, 96)  # of the header, see https://sqlite.org/fileformat.html
_JSON = ("detail", "record", "state", "versions", "changes", "result")
_TYPES: dict[str, tuple[type, ...]] = {"INTEGER": (int,), "REAL": (int, float), "TEXT": (str,)}


@dataclass(frozen=True)
class Salvage:
    """Damaged journal, with what of it is whole.

    Attributes:
        path: a copy of its file that SQLite can open.
        checkpoints: rows of the checkpoints whose trials are all whole, in order.
        trials: number of trials of the last one.
        known_trials: number of trials of the run, as far as any row shows it.
    """

    path: Path
    checkpoints: tuple[Row, ...]
    trials: int
    known_trials: int


def salvage_journal(journal: Path, folder: Path) -> Salvage | None:
    """Find what of a damaged journal is whole; None if no checkpoint is.

    SQLite reads it as it is, without its write-ahead log, and with the header of a new journal,
    which has equal tables. The reading with the most trials counts.

    Args:
        journal: the file; it is not changed.
        folder: an empty folder for copies.
    """
    best: Salvage | None = None
    for copy in _copy_readings(journal, folder):
        found = _examine(copy)
        if best is None or (found.trials, len(found.checkpoints)) > (
            best.trials, len(best.checkpoints),
        ):  # fmt: skip
            best, other = found, best
        else:
            other = found
        if other is not None:
            other.path.unlink()
            best = replace(best, known_trials=max(best.known_trials, other.known_trials))
        if best.checkpoints and best.trials == best.known_trials:
            break
    return best if best is not None and best.checkpoints else None


def read_trial_rows(journal: Path, count: int) -> Iterator[Row]:
    """Yield the first trials of a journal as they are stored."""
    if count == 0:
        return
    with closing(_open(journal)) as connection:
        query = "SELECT * FROM trials ORDER BY trial LIMIT ?"  # a later page may be damaged
        yield from connection.execute(query, (count,))


def read_whole_rows(journal: Path, table: str) -> list[Row]:
    """Return the rows of a table that are whole, in order.

    They are read from both ends, so that a damaged page hides only what is behind it on both ways.
    """
    with closing(_open(journal)) as connection:
        first = _read_until_damage(connection, table, is_reversed=False)
        last = _read_until_damage(connection, table, is_reversed=True)
    width = KEYS[table]
    rows = {row[:width]: row for row in [*reversed(last), *first]}
    is_whole = _build_check(table)
    return [row for _, row in sorted(rows.items()) if is_whole(row)]


def _copy_readings(journal: Path, folder: Path) -> Iterator[Path]:
    """Yield copies of a journal: as it is, without its log, and both with another header."""
    log = journal.with_name(f"{journal.name}-wal")
    for has_header in (True, False):
        for has_log in (True, False) if log.exists() else (False,):
            is_exact = has_header and has_log == log.exists()
            copy = folder / (EXACT if is_exact else f"{has_header}-{has_log}.sqlite")
            shutil.copyfile(journal, copy)
            if has_log:
                shutil.copyfile(log, copy.with_name(f"{copy.name}-wal"))
            if not has_header:
                with copy.open("r+b") as file:
                    file.write(_build_header())
            yield copy


@cache
def _build_header() -> bytes:
    """Return the first page of a new journal, for a file of any size."""
    with TemporaryDirectory(prefix="evolve-") as folder:
        path = Path(folder) / "new.sqlite"
        with closing(create_journal(path)) as connection:
            connection.commit()
        page = bytearray(path.read_bytes()[:PAGE_BYTES])
    page[_VERSION_VALID_FOR] = bytes(4)  # so that SQLite takes the size of the file
    return bytes(page)


def _examine(path: Path) -> Salvage:
    """Find the checkpoints of a copy whose trials are all whole."""
    by_trials: dict[object, list[Row]] = {}
    for row in read_whole_rows(path, "checkpoints"):
        if row[-1] == compute_digest(row[:-1]):
            by_trials.setdefault(row[1], []).append(row)
    whole, known = list[Row](), max(map(int, map(str, by_trials)), default=0)
    trials = 0
    for number, digest in _iterate_digests(path):
        known = max(known, number)
        for row in by_trials.get(number, ()):
            if row[-2] == digest:
                whole.append(row)
                trials = number
    return Salvage(path, tuple(whole), trials, known)


def _iterate_digests(path: Path) -> Iterator[tuple[int, str]]:
    """Yield the digest after each trial, from 0 trials to the first that cannot be read."""
    digest = NO_TRIALS
    yield 0, digest
    with suppress(sqlite3.Error), closing(_open(path)) as connection:
        rows = connection.execute("SELECT * FROM trials ORDER BY trial")
        for number, row in enumerate(rows, start=1):
            if row[0] != number:
                return
            digest = extend_digest(digest, row)
            yield number, digest


def _open(path: Path) -> sqlite3.Connection:
    """Open a copy so that SQLite reads as much as it can, without a limit on what it trusts."""
    connection = sqlite3.connect(path, isolation_level=None)
    connection.text_factory = lambda content: content.decode("utf-8", "surrogateescape")
    connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, MAX_VALUE_BYTES)
    with suppress(sqlite3.Error):  # it reads a file that is shorter than its header states
        connection.execute("PRAGMA writable_schema=ON")
    return connection


def _read_until_damage(connection: sqlite3.Connection, table: str, is_reversed: bool) -> list[Row]:
    """Return rows in the order of the key, up to one that cannot be read or breaks the order."""
    width, rows = KEYS[table], list[Row]()
    names = _list_columns(table)
    direction = "DESC" if is_reversed else "ASC"
    order = ", ".join(f"{name} {direction}" for name, _, _ in names[:width])
    with suppress(sqlite3.Error, TypeError):  # TypeError: keys of different types
        for row in connection.execute(f"SELECT * FROM {table} ORDER BY {order}"):
            key = row[:width]
            if rows and not (key < rows[-1][:width] if is_reversed else key > rows[-1][:width]):
                break
            rows.append(row)
    return rows


def _build_check(table: str) -> Callable[[Sequence[object]], bool]:
    """Return a function that finds out whether the values of a row have their types."""
    columns = _list_columns(table)

    def is_whole(row: Sequence[object]) -> bool:
        return len(row) == len(columns) and all(
            _is_valid(value, name, kind, is_required)
            for value, (name, kind, is_required) in zip(row, columns, strict=True)
        )

    return is_whole


def _is_valid(value: object, name: str, kind: str, is_required: bool) -> bool:
    if value is None:
        return not is_required
    if not isinstance(value, _TYPES[kind]):
        return False
    try:
        if isinstance(value, str):
            value.encode("utf-8")  # no byte that was not UTF-8
            if name in _JSON:
                json.loads(value)
            elif name == "at":
                datetime.fromisoformat(value)
    except (ValueError, RecursionError):
        return False
    return True


@cache
def _list_columns(table: str) -> tuple[tuple[str, str, bool], ...]:
    """Return name, type and whether a value is required of each column of a table."""
    with closing(sqlite3.connect(":memory:")) as model:
        model.executescript(SCHEMA)
        rows = model.execute(f"PRAGMA table_info({table})").fetchall()
    return tuple((name, kind, bool(needed) or bool(key)) for _, name, kind, needed, _, key in rows)
