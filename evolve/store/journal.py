"""Journal: all trials and events of a run in SQLite, committed after every epoch."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from dsl.analysis.check import check
from dsl.analysis.program import Program
from dsl.diagnostics import LanguageError
from evolve.errors import EvolveError
from evolve.search.individual import Individual
from evolve.search.trial_index import TrialIndex
from evolve.store import checkpoints
from evolve.store.calls import CallTables
from evolve.store.checkpoints import Checkpoint, CheckpointName
from evolve.store.database import Database, create_journal, open_journal, reopen_journal
from evolve.store.jobs import JobTable
from evolve.store.rows import TrialRow, parse_trials
from evolve.store.schema import CALLS, EVENTS, RESUMES, TRIALS
from evolve.store.trial_rows import build_trial_row


@dataclass(frozen=True)
class Trial:
    """Row of a journal.

    Attributes:
        program: the strategy.
        scores: float[objective].
        folds: the first objective by fold, float[fold].
        trades: number of closed trades over all folds.
        infeasible_reason: empty if it is feasible.
    """

    program: Program
    scores: tuple[float, ...]
    folds: tuple[float, ...]
    trades: int
    infeasible_reason: str


def read_trials(journal: Path) -> Iterator[Trial]:
    """Yield the trials of a journal in order.

    Raises:
        EvolveError: if the file is not a journal.
    """
    query = "SELECT source, scores, folds, trades, infeasible_reason FROM trials ORDER BY trial"
    with open_journal(journal, TRIALS) as connection:
        for number, row in enumerate(connection.execute(query), start=1):
            try:
                yield _parse_trial(*row)
            except (LanguageError, ValueError, TypeError, RecursionError) as error:
                reason = str(error).partition("\n")[0]
                raise ValueError(f"trial {number}: {reason}") from None


def check_journal(journal: Path) -> None:
    """Raise EvolveError if a file is no journal of this version."""
    with open_journal(journal, TRIALS + EVENTS + CALLS):
        pass


def read_event(journal: Path, kind: str) -> dict[str, Any]:
    """Read the first event of a kind in a journal; empty if it has none.

    Raises:
        EvolveError: if the file is not a journal.
    """
    with open_journal(journal, EVENTS) as connection:
        query = "SELECT detail FROM events WHERE kind=? ORDER BY id"
        row = connection.execute(query, (kind,)).fetchone()
        return dict(json.loads(row[0])) if row else {}


def read_changes(journal: Path) -> list[dict[str, Any]]:
    """Read the changes of settings of each time that a run went on, in order.

    Raises:
        EvolveError: if the file is not a journal.
    """
    with open_journal(journal, RESUMES) as connection:
        rows = connection.execute("SELECT changes FROM resumes ORDER BY id").fetchall()
        return [dict(json.loads(text)) for (text,) in rows]


class Journal:
    """Journal that is open for writing; close it, as with `contextlib.closing`.

    Every method commits. A process that is killed loses no commit. A crash of the machine may lose
    the last ones, but never a part of one: each journal is consistent.

    Attributes:
        calls: the calls to models.
        jobs: the results of jobs.
    """

    def __init__(self, path: Path) -> None:
        """Open an existing journal; migrate one of an earlier version.

        Raises:
            EvolveError: if it is missing, damaged or of a version that cannot be migrated.
        """
        self._open(Database(path, reopen_journal(path)))

    @classmethod
    def create(cls, path: Path, events: Sequence[tuple[str, Mapping[str, object]]] = ()) -> Journal:
        """Create a journal with its first events and a checkpoint before the search, at once.

        Args:
            path: the file, which is missing or empty.
            events: kind and figures of each.
        """
        journal = cls.__new__(cls)
        database = Database(path, create_journal(path))
        try:
            with database.write() as connection:
                for kind, detail in events:
                    _insert_event(connection, kind, detail)
                checkpoints.insert_checkpoint(connection, checkpoints.FIRST_EPOCH, (), 0.0, {})
        except BaseException:
            database.close()
            raise
        journal._open(database)
        return journal

    def close(self) -> None:
        """Close the database."""
        self._database.close()

    # -- the search

    def event(self, kind: str, **detail: object) -> None:
        """Insert an event and commit it."""
        with self._database.write() as connection:
            _insert_event(connection, kind, detail)

    def epoch(
        self,
        number: int,
        trials: Iterable[Individual],
        checkpoint: Mapping[str, Any],
        seconds: float,
        /,
        **detail: object,
    ) -> None:
        """Insert an epoch in one transaction: its trials, its event and its checkpoint.

        Args:
            number: number of the epoch.
            trials: its new trials, in order.
            checkpoint: state of the search at its end, as JSON values.
            seconds: time of the search so far.
            detail: figures of its event.
        """
        with self._database.write() as connection:
            (last,) = connection.execute("SELECT COALESCE(MAX(trial), 0) FROM trials").fetchone()
            rows = [
                build_trial_row(index, each) for index, each in enumerate(trials, start=last + 1)
            ]
            connection.executemany("INSERT INTO trials VALUES (?,?,?,?,?,?,?,?,?,?,?,?)", rows)
            _insert_event(connection, "epoch", {"number": number, **detail})
            checkpoints.insert_checkpoint(connection, number, rows, seconds, checkpoint)
        self._database.trim_log()

    def record_resume(
        self, command: str, versions: Mapping[str, str], changes: Mapping[str, object]
    ) -> None:
        """Record that the run goes on.

        Args:
            command: the command that continued it.
            versions: versions of the tool and its libraries.
            changes: the settings that differ from those of the run, by name.
        """
        row = (_now(), command, json.dumps(versions), json.dumps(changes))
        with self._database.write() as connection:
            query = "INSERT INTO resumes (at, command, versions, changes) VALUES (?,?,?,?)"
            connection.execute(query, row)

    # -- checkpoints

    def list_checkpoints(self) -> list[CheckpointName]:
        """Return epoch and number of trials of all checkpoints in order."""
        with self._database.read() as connection:
            return checkpoints.list_checkpoints(connection)

    def read_checkpoint(self, epoch: int | None = None) -> Checkpoint:
        """Return the checkpoint of an epoch, or the last one.

        Raises:
            EvolveError: if there is none, or if it is damaged.
        """
        with self._database.read() as connection:
            found = checkpoints.read_checkpoint(connection, epoch)
        if found is None:
            wanted = "no checkpoint" if epoch is None else f"no checkpoint of epoch {epoch}"
            hint = "a run of an earlier version can be read; to continue it, run it again"
            raise EvolveError(f"{self._database.path} has {wanted}", hint)
        return found

    def roll_back(self, checkpoint: Checkpoint) -> None:
        """Delete the trials, events, proposals and checkpoints after a checkpoint.

        The calls and their exchanges remain, since their answers are paid for.
        """
        with self._database.write() as connection:
            checkpoints.delete_later(connection, checkpoint)

    def read_last_event(self, kind: str, checkpoint: Checkpoint) -> dict[str, Any]:
        """Return the figures of the last event of a kind up to a checkpoint.

        Raises:
            EvolveError: if there is none.
        """
        query = "SELECT detail FROM events WHERE kind=? AND id<=? ORDER BY id DESC LIMIT 1"
        with self._database.read() as connection:
            row = connection.execute(query, (kind, checkpoint.last_event)).fetchone()
            if row is None:
                raise ValueError(f"expected an event {kind}")
            return dict(json.loads(row[0]))

    # -- trials

    def read_trials(self, numbers: Iterable[int]) -> dict[int, TrialRow]:
        """Return trials by number.

        Args:
            numbers: their numbers, from 1.

        Raises:
            EvolveError: if one is missing or damaged.
        """
        query, rows = "SELECT * FROM trials WHERE trial=?", []
        with self._database.read() as connection:
            for number in sorted(set(numbers)):
                row = connection.execute(query, (number,)).fetchone()
                if row is None:
                    raise ValueError(f"expected trial {number}")
                rows.append(row)
            return {each.number: each for each in parse_trials(rows)}

    def read_index(self, count: int) -> TrialIndex:
        """Return an index of the first trials.

        Args:
            count: their number.

        Raises:
            EvolveError: if one is missing, duplicate or damaged.
        """
        query = (
            "SELECT hash, proposer, parents, island, epoch FROM trials WHERE trial <= ?"
            " ORDER BY trial"
        )
        with self._database.read() as connection:
            index = TrialIndex.restore(connection.execute(query, (count,)))
            if not len(index.seen) == len(index) == count:
                raise ValueError(f"expected {count:,} different trials")
            return index

    def _open(self, database: Database) -> None:
        self._database = database
        self.calls, self.jobs = CallTables(database), JobTable(database)


def _insert_event(connection: sqlite3.Connection, kind: str, detail: Mapping[str, object]) -> None:
    connection.execute(
        "INSERT INTO events (at, kind, detail) VALUES (?,?,?)", (_now(), kind, json.dumps(detail))
    )


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def _parse_trial(source: str, scores: str, folds: str, trades: int, reason: str) -> Trial:
    """Parse a row of the trials; raise an error if a value has another type."""
    if not (isinstance(source, str) and isinstance(trades, int) and isinstance(reason, str)):
        raise TypeError("expected source, trades and infeasible_reason as text, number and text")
    values = _parse_numbers(scores)
    if not values:
        raise ValueError("expected scores")
    return Trial(check(source), values, _parse_numbers(folds), trades, reason)


def _parse_numbers(text: str) -> tuple[float, ...]:
    values = json.loads(text)
    if not isinstance(values, list) or not all(type(each) in (int, float) for each in values):
        raise TypeError(f"expected a list of numbers, found {text[:40]}")
    return tuple(map(float, values))
