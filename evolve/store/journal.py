"""Journal: all trials and events of a run in SQLite, committed after every epoch."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from dsl.analysis.check import check
from dsl.analysis.program import Program
from dsl.diagnostics import LanguageError
from dsl.printing.decompile import compact_text
from evolve.search.individual import Individual
from evolve.store import calls
from evolve.store.calls import CallTables
from evolve.store.database import create_journal, open_journal

SCHEMA = """
CREATE TABLE IF NOT EXISTS trials (
    trial INTEGER PRIMARY KEY,  -- its number
    hash TEXT NOT NULL UNIQUE,  -- of the canonical form
    source TEXT NOT NULL,       -- on one line
    nodes INTEGER NOT NULL,
    proposer TEXT NOT NULL,
    parents TEXT NOT NULL,      -- hashes, separated by spaces
    island INTEGER NOT NULL,
    epoch INTEGER NOT NULL,
    scores TEXT NOT NULL,       -- JSON: one number per objective
    folds TEXT NOT NULL,        -- JSON: the first objective by fold
    trades INTEGER NOT NULL,
    infeasible_reason TEXT NOT NULL  -- empty if it is feasible
);
CREATE TABLE IF NOT EXISTS events (
    id INTEGER PRIMARY KEY,
    at TEXT NOT NULL,
    kind TEXT NOT NULL,
    detail TEXT NOT NULL        -- JSON
);
"""


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
    with open_journal(journal, SCHEMA) as connection:
        for number, row in enumerate(connection.execute(query), start=1):
            try:
                yield _parse_trial(*row)
            except (LanguageError, ValueError, TypeError, RecursionError) as error:
                reason = str(error).partition("\n")[0]
                raise ValueError(f"trial {number}: {reason}") from None


def check_journal(journal: Path) -> None:
    """Raise EvolveError if a file is no journal of this version."""
    with open_journal(journal, SCHEMA + calls.SCHEMA):
        pass


def read_event(journal: Path, kind: str) -> dict[str, Any]:
    """Read the first event of a kind in a journal; empty if it has none.

    Raises:
        EvolveError: if the file is not a journal.
    """
    with open_journal(journal, SCHEMA) as connection:
        query = "SELECT detail FROM events WHERE kind=? ORDER BY id"
        row = connection.execute(query, (kind,)).fetchone()
        return dict(json.loads(row[0])) if row else {}


class Journal:
    """Journal that is open for writing; close it, as with `contextlib.closing`."""

    def __init__(self, path: Path) -> None:
        self._connection = create_journal(path, SCHEMA + calls.SCHEMA)
        self._lock = threading.RLock()
        self._trials = 0
        self.calls = CallTables(self._connection, self._lock)

    def close(self) -> None:
        """Close the database."""
        with self._lock:
            self._connection.close()

    def event(self, kind: str, **detail: object) -> None:
        """Insert an event and commit it."""
        with self._lock, self._connection:
            self._insert_event(kind, detail)

    def epoch(self, number: int, trials: Iterable[Individual], **detail: object) -> None:
        """Insert an epoch, its trials and its event in one transaction."""
        with self._lock, self._connection:
            self._connection.executemany(
                "INSERT INTO trials VALUES (?,?,?,?,?,?,?,?,?,?,?,?)",
                [self._build_row(each) for each in trials],
            )
            self._insert_event("epoch", {"number": number, **detail})

    def _build_row(self, each: Individual) -> tuple[object, ...]:
        self._trials += 1
        return (
            self._trials,
            each.program.hash,
            compact_text(each.program),
            each.program.nodes,
            each.proposer,
            " ".join(each.parents),
            each.island,
            each.epoch,
            _encode_numbers(each.scores.values),
            _encode_numbers(each.scores.folds),
            each.scores.trades,
            each.scores.infeasible_reason,
        )

    def _insert_event(self, kind: str, detail: Mapping[str, object]) -> None:
        at = datetime.now(UTC).isoformat(timespec="milliseconds")
        self._connection.execute(
            "INSERT INTO events (at, kind, detail) VALUES (?,?,?)", (at, kind, json.dumps(detail))
        )


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


def _encode_numbers(values: Sequence[float]) -> str:
    """Encode finite numbers as JSON, faster than `json.dumps`."""
    return f"[{', '.join(map(repr, values))}]"
