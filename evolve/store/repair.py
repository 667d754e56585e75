"""Repair of a damaged journal: it is rebuilt from what is whole."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from itertools import count, islice
from pathlib import Path
from tempfile import TemporaryDirectory

from evolve.errors import EvolveError
from evolve.store.checkpoints import insert_row
from evolve.store.database import create_journal
from evolve.store.journal_errors import JOURNAL_ERRORS
from evolve.store.lock import hold_lock
from evolve.store.salvage import (
    EXACT,
    KEYS,
    Row,
    Salvage,
    read_trial_rows,
    read_whole_rows,
    salvage_journal,
)

BATCH = 10_000  # rows


@dataclass(frozen=True)
class RepairReport:
    """Outcome of a repair.

    Attributes:
        epoch: the last epoch with a whole checkpoint, after which the run can be resumed; -1 if the
            search begins again.
        trials: number of trials that the journal has now.
        lost: number of trials that are lost, at least; of a run that goes on, they are computed
            again.
        damaged: path of the damaged file; None if the journal was whole and is unchanged.
    """

    epoch: int
    trials: int
    lost: int
    damaged: Path | None


def repair_journal(journal: Path) -> RepairReport:
    """Repair a damaged journal up to the last checkpoint all of whose trials are whole.

    The damaged file remains beside it. Events, calls and results of jobs that are whole remain.

    Args:
        journal: the file, in its run folder.

    Raises:
        EvolveError: if nothing is whole, if a process uses the run, or if the folder cannot be
            written; the journal is then unchanged.
    """
    if not journal.is_file():
        raise EvolveError(f"no run in {journal.parent}", "expected the folder of a run")
    with hold_lock(journal.parent):
        try:
            with TemporaryDirectory(prefix=".evolve-repair-", dir=journal.parent) as folder:
                return _repair(journal, Path(folder))
        except JOURNAL_ERRORS as error:
            hint = "free some space, or allow writing in the folder; the journal is unchanged"
            raise EvolveError(f"cannot repair {journal}: {error}", hint) from None


def _repair(journal: Path, folder: Path) -> RepairReport:
    copies = folder / "copies"
    copies.mkdir()
    salvage = salvage_journal(journal, copies)
    if salvage is None:
        message = f"cannot repair {journal}: no checkpoint is whole"
        hint = "restore the file, or run the experiment again; runs of earlier versions have none"
        raise EvolveError(message, hint)
    epoch = int(str(salvage.checkpoints[-1][0]))
    if _is_whole(salvage):
        return RepairReport(epoch, salvage.trials, 0, None)
    rebuilt = folder / journal.name
    _rebuild(salvage, rebuilt)
    damaged = _set_aside(journal)
    rebuilt.replace(journal)
    return RepairReport(epoch, salvage.trials, salvage.known_trials - salvage.trials, damaged)


def _is_whole(salvage: Salvage) -> bool:
    """Return whether a journal has no damage, in its rows and in the pages of SQLite."""
    if salvage.trials < salvage.known_trials or salvage.path.name != EXACT:
        return False
    try:
        with closing(sqlite3.connect(salvage.path)) as connection:
            (result,) = connection.execute("PRAGMA integrity_check(1)").fetchone()
            counts = [
                connection.execute(f"SELECT COUNT(*) FROM {table}").fetchone()[0] for table in KEYS
            ]
    except sqlite3.Error:
        return False
    readable = [len(read_whole_rows(salvage.path, table)) for table in KEYS]
    return bool(result == "ok" and counts == readable)


def _rebuild(salvage: Salvage, path: Path) -> None:
    """Write a journal with what is whole."""
    tables = {table: read_whole_rows(salvage.path, table) for table in KEYS}
    last = salvage.checkpoints[-1]
    if not _has_ended(salvage, tables["events"]):
        for table, limit in (("events", last[2]), ("proposals", last[3])):
            tables[table] = [row for row in tables[table] if int(str(row[0])) <= int(str(limit))]
    del tables["checkpoints"]
    with closing(create_journal(path)) as connection:
        trials = read_trial_rows(salvage.path, salvage.trials)
        while batch := list(islice(trials, BATCH)):
            _insert(connection, "trials", batch)
        for table, rows in tables.items():
            _insert(connection, table, rows)
        (events,) = connection.execute("SELECT COALESCE(MAX(id), 0) FROM events").fetchone()
        (proposals,) = connection.execute("SELECT COALESCE(MAX(id), 0) FROM proposals").fetchone()
        for epoch, count, event, proposal, *rest, _ in salvage.checkpoints:
            ids = min(int(str(event)), events), min(int(str(proposal)), proposals)
            insert_row(connection, (epoch, count, *ids, *rest))
        connection.commit()
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")  # the file alone is moved


def _has_ended(salvage: Salvage, events: Sequence[Row]) -> bool:
    """Return whether a run has its verdict, and lost no trial of it."""
    kinds = {row[2] for row in events}
    return salvage.trials == salvage.known_trials and "finished" in kinds


def _insert(connection: sqlite3.Connection, table: str, rows: Sequence[Row]) -> None:
    if rows:
        marks = ",".join("?" * len(rows[0]))
        connection.executemany(f"INSERT INTO {table} VALUES ({marks})", rows)


def _set_aside(journal: Path) -> Path:
    """Give a damaged journal and its log another name; return it."""
    names = (journal.with_name(f"{journal.stem}.damaged-{each}.sqlite") for each in count(1))
    damaged = next(each for each in names if not each.exists())
    log, index = (journal.with_name(f"{journal.name}-{each}") for each in ("wal", "shm"))
    try:
        damaged.hardlink_to(journal)
    except OSError:  # a file system without links
        shutil.copy2(journal, damaged)
    if log.exists():
        log.replace(damaged.with_name(f"{damaged.name}-wal"))
    index.unlink(missing_ok=True)
    return damaged
