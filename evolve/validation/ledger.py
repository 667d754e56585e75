"""Ledger of a user: runs, null searches and openings of holdouts, never changed or deleted.

Each entry has a hash of its content and of the entry before it, so a change breaks the chain. The
user owns the file and may delete it. The ledger reports honest mistakes; it does not stop fraud.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import blake2b
from pathlib import Path
from typing import Any

from dsl.cache_dir import find_user_folder, read_home
from evolve.errors import EvolveError

FILE = "ledger.sqlite"
VERSION = 1
BUSY_SECONDS = 30.0
SCHEMA = """
CREATE TABLE IF NOT EXISTS entries (
    id INTEGER PRIMARY KEY AUTOINCREMENT,  -- SQLite remembers the largest, also if it is gone
    at TEXT NOT NULL,
    kind TEXT NOT NULL,
    key TEXT NOT NULL,
    body TEXT NOT NULL,   -- JSON
    chain TEXT NOT NULL   -- hash of this entry and of the one before
);
CREATE INDEX IF NOT EXISTS entries_by_key ON entries (kind, key);
CREATE TRIGGER IF NOT EXISTS entries_change BEFORE UPDATE ON entries
    BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END;
CREATE TRIGGER IF NOT EXISTS entries_deletion BEFORE DELETE ON entries
    BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END;
"""


class LedgerError(EvolveError):
    """Error of a ledger that cannot be used, or that was changed."""


def ledger_path() -> Path:
    """Return the file of the ledger, in `EVOLVE_HOME` or the user's data folder.

    Raises:
        LedgerError: if the user has no home folder.
    """
    try:
        folder = read_home()
        if folder is None:
            from platformdirs import user_data_path

            folder = find_user_folder(user_data_path)
    except OSError as error:
        raise LedgerError(str(error), "the ledger needs a folder that lasts") from None
    return folder / FILE


@dataclass(frozen=True)
class Ledger:
    """Append-only list of entries in a SQLite file, which is created at the first entry.

    Attributes:
        path: the file.
    """

    path: Path

    def read(self, kind: str, key: str | None = None) -> list[dict[str, Any]]:
        """Return the bodies of entries in order.

        Args:
            kind: kind of the entries.
            key: their key; None for all keys.

        Raises:
            LedgerError: if the file cannot be read.
        """
        query, values = "SELECT body FROM entries WHERE kind=?", [kind]
        if key is not None:
            query, values = f"{query} AND key=?", [kind, key]
        with self._open(is_reading=True) as connection:
            rows = connection.execute(f"{query} ORDER BY id", values).fetchall()
            return [dict(json.loads(body)) for (body,) in rows]

    def append(self, kind: str, key: str, body: Mapping[str, object]) -> None:
        """Add an entry.

        Raises:
            LedgerError: if the file cannot be written.
        """
        self.append_unless(kind, key, body, lambda present: False)

    def append_unless(
        self,
        kind: str,
        key: str,
        body: Mapping[str, object],
        is_known: Callable[[list[dict[str, Any]]], bool],
    ) -> None:
        """Add an entry unless the entries of its kind and key include it.

        Args:
            kind: kind of the entry.
            key: key of the entry.
            body: content, as JSON has it.
            is_known: returns whether the bodies of that kind and key include the entry.

        Raises:
            LedgerError: if the file cannot be written.
        """
        text, at = json.dumps(body), datetime.now(UTC).isoformat(timespec="milliseconds")
        with self._open() as connection:
            connection.execute("BEGIN IMMEDIATE")
            rows = connection.execute(
                "SELECT body FROM entries WHERE kind=? AND key=? ORDER BY id", (kind, key)
            ).fetchall()
            if not is_known([dict(json.loads(row)) for (row,) in rows]):
                last = connection.execute("SELECT chain FROM entries ORDER BY id DESC LIMIT 1")
                before = (last.fetchone() or ("",))[0]
                row = (at, kind, key, text)
                connection.execute(
                    "INSERT INTO entries (at, kind, key, body, chain) VALUES (?,?,?,?,?)",
                    (*row, _hash_entry(before, row)),
                )
            connection.execute("COMMIT")

    def find_break(self) -> int | None:
        """Return the number of the first entry that was changed or deleted; None if none was.

        Raises:
            LedgerError: if the file cannot be read.
        """
        expected, before = 1, ""
        with self._open(is_reading=True) as connection:
            connection.execute("BEGIN")  # one state of the file for both queries
            rows = connection.execute(
                "SELECT id, at, kind, key, body, chain FROM entries ORDER BY id"
            )
            for number, *row, chain in rows:
                if number != expected or chain != _hash_entry(before, row):
                    return expected
                expected, before = expected + 1, chain
            largest = connection.execute("SELECT seq FROM sqlite_sequence WHERE name='entries'")
            return expected if (largest.fetchone() or (0,))[0] >= expected else None

    def verify(self) -> None:
        """Raise LedgerError if the file cannot be read, or if an entry was changed or deleted."""
        number = self.find_break()
        if number is not None:
            raise LedgerError(
                f"{self.path}: entry {number} was changed or deleted, so runs and openings cannot "
                "be counted",
                "restore the file from a backup, or move it away to begin a new count",
            )

    @contextmanager
    def _open(self, is_reading: bool = False) -> Iterator[sqlite3.Connection]:
        """Yield a connection; one that only reads sees an empty ledger if there is no file."""
        try:
            is_missing = is_reading and not self.path.exists()
            if not is_reading:
                self.path.parent.mkdir(parents=True, exist_ok=True)
            target = ":memory:" if is_missing else self.path
            with closing(
                sqlite3.connect(target, timeout=BUSY_SECONDS, isolation_level=None)
            ) as connection:
                (version,) = connection.execute("PRAGMA user_version").fetchone()
                if not version:
                    connection.executescript(f"{SCHEMA} PRAGMA user_version={VERSION};")
                elif version != VERSION:
                    raise LedgerError(
                        f"{self.path}: expected version {VERSION}, found {version}",
                        "use the release that wrote the ledger",
                    )
                yield connection
        except (sqlite3.Error, OSError, ValueError, TypeError) as error:
            raise LedgerError(
                f"cannot use the ledger {self.path}: {error}",
                "free the file, or set EVOLVE_HOME to a writable folder",
            ) from None


def _hash_entry(before: str, row: object) -> str:
    content = json.dumps([before, list(row)])  # type: ignore[call-overload]
    return blake2b(content.encode(), digest_size=16).hexdigest()
