"""SQLite file of a run, opened for writing or reading, with its schema version."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from evolve.errors import EvolveError

# Errors of a journal that cannot be written, or of a value that SQLite cannot store.
JOURNAL_ERRORS = (sqlite3.Error, OSError, UnicodeError, OverflowError)
SCHEMA_VERSION = 2  # raise it whenever a table or the meaning of a column changes


def create_journal(path: Path, schema: str) -> sqlite3.Connection:
    """Create a journal, or open one for writing.

    WAL mode allows concurrent readers and loses no committed transaction.

    Args:
        path: the file.
        schema: SQL that creates the tables.
    """
    connection = sqlite3.connect(path, check_same_thread=False)
    try:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=NORMAL")
        connection.executescript(f"{schema} PRAGMA user_version={SCHEMA_VERSION};")
    except BaseException:
        connection.close()
        raise
    return connection


@contextmanager
def open_journal(journal: Path) -> Iterator[sqlite3.Connection]:
    """Open a journal for reading.

    Raises:
        EvolveError: if the file is missing or damaged, or has another schema version.
    """
    if not journal.is_file():
        raise EvolveError(f"no run in {journal.parent}", "expected the folder of a run")
    try:
        with closing(
            sqlite3.connect(f"{journal.resolve().as_uri()}?mode=ro", uri=True)
        ) as connection:
            (version,) = connection.execute("PRAGMA user_version").fetchone()
            if version != SCHEMA_VERSION:
                message = f"{journal}: expected schema version {SCHEMA_VERSION}, found {version}"
                hint = "run the experiment again, or use the release that wrote the journal"
                raise EvolveError(message, hint)
            yield connection
    except (sqlite3.Error, ValueError, TypeError, KeyError) as error:
        raise EvolveError(f"cannot read {journal}: {error}") from None
