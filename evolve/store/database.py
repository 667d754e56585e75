"""SQLite file of a run, opened for writing or reading, with its schema version."""

from __future__ import annotations

import shutil
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from evolve.errors import EvolveError
from evolve.store.journal_errors import (
    JOURNAL_ERRORS,
    report_damage,
    report_failure,
    report_unbegun,
)
from evolve.store.schema import SCHEMA, STEPS, VERSION

LOG_BYTES, LOG_PAGES = 16_000_000, 4_000  # of the log, after which it goes into the file
LOG_HEADER_BYTES = 32
MAX_LOG_BYTES = 4 * LOG_BYTES  # above it, a commit waits for readers
LOCK_SECONDS, READERS_SECONDS = 5, 20  # maximum waits for another connection

_UNWRITABLE = (
    "SQLITE_FULL", "SQLITE_READONLY", "SQLITE_CANTOPEN", "SQLITE_PERM", "SQLITE_BUSY",
    "SQLITE_IOERR_WRITE",
)  # fmt: skip
_DAMAGE = (
    sqlite3.Error, OSError, ValueError, TypeError, KeyError, AttributeError, OverflowError,
    RecursionError,
)  # fmt: skip


def create_journal(path: Path) -> sqlite3.Connection:
    """Create a journal in a file that is missing or empty; the caller commits its first rows.

    Its tables and first rows are one transaction: a journal has all of them or no table.

    Raises:
        JournalError: if it cannot be written.
    """
    try:
        connection = _connect(path, "rwc")
        try:
            connection.executescript(f"BEGIN IMMEDIATE; {SCHEMA} PRAGMA user_version={VERSION};")
        except BaseException:
            connection.close()
            raise
    except JOURNAL_ERRORS as error:
        raise report_failure(path, error) from None
    return connection


def reopen_journal(path: Path) -> sqlite3.Connection:
    """Open an existing journal for writing; migrate one of an earlier version.

    Raises:
        EvolveError: if the file is missing, damaged, of a version that cannot be migrated, or
            cannot be written.
    """
    if not path.is_file():
        raise EvolveError(f"no run in {path.parent}", "expected the folder of a run")
    try:
        return _migrate(path)
    except (*JOURNAL_ERRORS, ValueError) as error:
        if getattr(error, "sqlite_errorname", "").startswith(_UNWRITABLE):
            raise report_failure(path, error) from None
        raise report_damage(path, error) from None


class Database:
    """Connection to a journal that is open for writing; usable from several threads.

    Attributes:
        path: the file.
    """

    def __init__(self, path: Path, connection: sqlite3.Connection) -> None:
        self.path, self._connection = path, connection
        self._lock = threading.RLock()
        self._log = path.with_name(f"{path.name}-wal")
        self._max_log_bytes = MAX_LOG_BYTES

    def close(self) -> None:
        """Close the connection."""
        with self._lock:
            self._connection.close()

    @contextmanager
    def write(self) -> Iterator[sqlite3.Connection]:
        """Yield the connection for one transaction: all of the block is committed, or nothing.

        Raises:
            JournalError: if it cannot be written, or if the file was deleted.
        """
        try:
            with self._lock, self._connection as connection:
                yield connection
                self.path.stat()  # SQLite would write into a deleted file
        except JOURNAL_ERRORS as error:
            raise report_failure(self.path, error) from None

    def trim_log(self) -> None:
        """Shorten a long write-ahead log; wait for its readers.

        SQLite empties the log only when nobody reads it, which readers that overlap prevent for
        ever. After a reader that does not end, the next attempt is at twice the length.
        """
        with self._lock, suppress(OSError, sqlite3.Error):  # all of the log is committed
            size = self._log.stat().st_size
            if size > self._max_log_bytes:
                self._max_log_bytes = 2 * size
                _set_patience(self._connection, READERS_SECONDS)
                (is_busy, *_) = self._connection.execute(
                    "PRAGMA wal_checkpoint(TRUNCATE)"
                ).fetchone()
                _set_patience(self._connection, LOCK_SECONDS)
                if not is_busy:
                    self._max_log_bytes = MAX_LOG_BYTES

    @contextmanager
    def read(self) -> Iterator[sqlite3.Connection]:
        """Yield the connection for a query.

        Raises:
            JournalError: if what is read is damaged.
        """
        try:
            with self._lock:
                yield self._connection
        except _DAMAGE as error:
            raise report_damage(self.path, error) from None


@contextmanager
def open_journal(journal: Path, schema: str) -> Iterator[sqlite3.Connection]:
    """Open a journal for reading; nothing is written into its folder.

    The tables that an earlier version does not have are empty.

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
        if is_unwritten(journal):
            raise report_unbegun(journal.parent)
        with _locate(journal) as uri, closing(sqlite3.connect(uri, uri=True)) as connection:
            version = _check_version(journal, connection)
            for later in range(version, VERSION):
                _add_empty_tables(connection, STEPS[later])
            _check_tables(connection, schema)
            yield connection
    except _DAMAGE as error:
        raise report_damage(journal, error) from None


def is_unwritten(journal: Path) -> bool:
    """Return whether a journal was created and has no table yet, as when its run begins."""
    if not journal.is_file():  # SQLite would wait for the writer of a pipe
        return False
    with (
        suppress(OSError, sqlite3.Error),
        _locate(journal) as uri,
        closing(sqlite3.connect(uri, uri=True)) as connection,
    ):
        return connection.execute("SELECT name FROM sqlite_master").fetchone() is None
    return False


def _migrate(path: Path) -> sqlite3.Connection:
    """Open a journal and bring it to the current version."""
    connection = _connect(path, "rw")
    try:
        version = _check_version(path, connection)
        if version < VERSION:
            steps = "".join(STEPS[each] for each in range(version, VERSION))
            script = f"BEGIN IMMEDIATE; {steps} PRAGMA user_version={VERSION}; COMMIT;"
            connection.executescript(script)
        _check_tables(connection, SCHEMA)
    except BaseException:
        connection.close()
        raise
    return connection


def _connect(path: Path, mode: str) -> sqlite3.Connection:
    uri = f"{path.resolve().as_uri()}?mode={mode}"
    connection = sqlite3.connect(uri, uri=True, check_same_thread=False)
    _set_patience(connection, LOCK_SECONDS)
    try:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=NORMAL")
        connection.execute(f"PRAGMA wal_autocheckpoint={LOG_PAGES}")
        connection.execute(f"PRAGMA journal_size_limit={LOG_BYTES}")
    except BaseException:
        connection.close()
        raise
    return connection


def _set_patience(connection: sqlite3.Connection, seconds: float) -> None:
    connection.execute(f"PRAGMA busy_timeout={int(1000 * seconds)}")


def _check_version(journal: Path, connection: sqlite3.Connection) -> int:
    """Return the schema version of a journal; raise EvolveError if it cannot be read."""
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if version == VERSION or version in STEPS:
        return int(version)
    if not connection.execute("SELECT name FROM sqlite_master").fetchone():
        raise report_unbegun(journal.parent)
    readable = " or ".join(map(str, (*STEPS, VERSION)))
    message = f"{journal}: expected schema version {readable}, found {version}"
    hint = "run the experiment again, or use the release that wrote the journal"
    if version > VERSION:
        hint = "update evolve: a later release wrote the journal"
    raise EvolveError(message, hint)


@contextmanager
def _locate(journal: Path) -> Iterator[str]:
    """Yield an address by which SQLite reads a journal and writes nothing into its folder."""
    log, index = (journal.with_name(f"{journal.name}-{each}") for each in ("wal", "shm"))
    if not log.exists() or log.stat().st_size <= LOG_HEADER_BYTES:
        # All rows are in the file. SQLite would wait 10 seconds for a log without rows, and fail.
        yield f"{journal.resolve().as_uri()}?mode=ro&immutable=1"
    elif index.exists():  # by default SQLite would rebuild the index that a killed run left
        yield f"{journal.resolve().as_uri()}?mode=ro&readonly_shm=1"
    else:  # the index was lost, as in a copied folder; SQLite would create it
        with TemporaryDirectory(prefix="evolve-") as folder:
            for each in (journal, log):
                shutil.copy(each, folder)
            yield f"{(Path(folder) / journal.name).as_uri()}?mode=ro"


def _add_empty_tables(connection: sqlite3.Connection, schema: str) -> None:
    """Add tables that exist in the memory of a connection only."""
    connection.execute("PRAGMA temp_store=MEMORY")
    connection.executescript(schema.replace("CREATE TABLE", "CREATE TEMP TABLE"))


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
