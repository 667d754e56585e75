"""SQLite file of a run, opened for writing or reading, with its schema version."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from evolve.errors import EvolveError

# Errors of a journal that cannot be written, or of a value that SQLite cannot store.
JOURNAL_ERRORS = (sqlite3.Error, OSError, UnicodeError, OverflowError)
SCHEMA_VERSION = 2  # raise it whenever a table or the meaning of a column changes

_DAMAGE = (
    sqlite3.Error, OSError, ValueError, TypeError, KeyError, AttributeError, OverflowError,
    RecursionError,
)  # fmt: skip


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
def open_journal(journal: Path, schema: str) -> Iterator[sqlite3.Connection]:
    """Open a journal for reading; nothing is written into its folder.

    Args:
        journal: the file.
        schema: SQL of the tables that are read.

    Raises:
        EvolveError: if the file is missing or damaged, or has another schema version; also for an
            error of a conversion in the block.
    """
    try:
        if not journal.is_file():
            raise EvolveError(f"no run in {journal.parent}", "expected the folder of a run")
        with _locate(journal) as uri, closing(sqlite3.connect(uri, uri=True)) as connection:
            (version,) = connection.execute("PRAGMA user_version").fetchone()
            if version != SCHEMA_VERSION:
                message = f"{journal}: expected schema version {SCHEMA_VERSION}, found {version}"
                hint = "run the experiment again, or use the release that wrote the journal"
                raise EvolveError(message, hint)
            _check_tables(connection, schema)
            yield connection
    except _DAMAGE as error:
        hint = "restore the file, or run the experiment again"
        reason = " ".join(str(error).split("\n")[:3])  # pydantic adds the value
        raise EvolveError(f"cannot read {journal}: {reason}", hint) from None


@contextmanager
def _locate(journal: Path) -> Iterator[str]:
    """Yield an address by which SQLite reads a journal and writes nothing into its folder."""
    log, index = (journal.with_name(f"{journal.name}-{each}") for each in ("wal", "shm"))
    if not log.exists():  # no process writes, and SQLite needs no files for locks
        yield f"{journal.resolve().as_uri()}?mode=ro&immutable=1"
    elif index.exists():  # by default SQLite would rebuild the index that a killed run left
        yield f"{journal.resolve().as_uri()}?mode=ro&readonly_shm=1"
    else:  # the index was lost, as in a copied folder; SQLite would create it
        with TemporaryDirectory(prefix="evolve-") as folder:
            for each in (journal, log):
                shutil.copy(each, folder)
            yield f"{(Path(folder) / journal.name).as_uri()}?mode=ro"


def _check_tables(connection: sqlite3.Connection, schema: str) -> None:
    """Raise ValueError if a table of a schema is missing or has other columns."""
    for table, expected in _list_tables(schema).items():
        found = _list_columns(connection, table)
        if expected != found:
            raise ValueError(f"expected the columns {expected} in table {table}, found {found}")


@cache
def _list_tables(schema: str) -> dict[str, str]:
    """Return the columns of each table of a schema."""
    with closing(sqlite3.connect(":memory:")) as model:
        model.executescript(schema)
        tables = model.execute("SELECT name FROM sqlite_master WHERE type='table'").fetchall()
        return {table: _list_columns(model, table) for (table,) in tables}


def _list_columns(connection: sqlite3.Connection, table: str) -> str:
    rows = connection.execute(f"PRAGMA table_info({table})").fetchall()
    return ", ".join(str(name) for _, name, *_ in rows) or "none"
