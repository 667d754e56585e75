"""The SQLite file of a run, opened for writing or reading, with its schema version."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from evolve.errors import EvolveError

SCHEMA_VERSION = 2  # raise it whenever a table or the meaning of a column changes


def create_journal(path: Path, schema: str) -> sqlite3.Connection:
    """Open a journal for writing, with the tables of a schema and its version.

    WAL mode lets others read while the run goes on, and loses nothing that was committed.
    """
    connection = sqlite3.connect(path, check_same_thread=False)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=NORMAL")
    connection.executescript(f"{schema} PRAGMA user_version={SCHEMA_VERSION};")
    return connection


@contextmanager
def open_journal(journal: Path) -> Iterator[sqlite3.Connection]:
    """Open a journal for reading.

    Raises:
        EvolveError: if there is none, it is damaged, or its schema has another version.
    """
    if not journal.is_file():
        raise EvolveError(f"there is no run in {journal.parent}", "give the folder of a run")
    try:
        with closing(
            sqlite3.connect(f"{journal.resolve().as_uri()}?mode=ro", uri=True)
        ) as connection:
            (found,) = connection.execute("PRAGMA user_version").fetchone()
            if found != SCHEMA_VERSION:
                message = (
                    f"{journal} has schema version {found}; this evolve reads {SCHEMA_VERSION}"
                )
                hint = "run the experiment again, or read it with the version that wrote it"
                raise EvolveError(message, hint)
            yield connection
    except (sqlite3.Error, ValueError, TypeError, KeyError) as error:
        raise EvolveError(f"{journal} cannot be read: {error}") from None
