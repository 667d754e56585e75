"""The journal: every trial and event of a run, in SQLite, committed at every epoch."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from dsl.analysis.check import check
from dsl.analysis.program import Program
from dsl.printing.decompile import compact_text
from evolve.search.individual import Individual
from evolve.store import calls
from evolve.store.calls import CallTables
from evolve.store.database import create_journal, open_journal

SCHEMA = """
CREATE TABLE IF NOT EXISTS trials (
    trial INTEGER PRIMARY KEY,  -- its number: every distinct program evaluated is one trial
    hash TEXT NOT NULL UNIQUE,  -- of the canonical form
    source TEXT NOT NULL,       -- on one line; `evolve fmt` lays it out
    nodes INTEGER NOT NULL,
    proposer TEXT NOT NULL,
    parents TEXT NOT NULL,      -- hashes, separated by spaces
    island INTEGER NOT NULL,
    epoch INTEGER NOT NULL,
    scores TEXT NOT NULL,       -- JSON: one number an objective
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
    """A row of a journal: a program, and what it was worth."""

    program: Program
    scores: tuple[float, ...]
    folds: tuple[float, ...]
    trades: int
    infeasible_reason: str


def read_trials(journal: Path) -> Iterator[Trial]:
    """Every trial of a journal, in order.

    Raises:
        EvolveError: if it is no journal of a run.
    """
    query = "SELECT source, scores, folds, trades, infeasible_reason FROM trials ORDER BY trial"
    with open_journal(journal) as connection:
        for source, scores, folds, trades, reason in connection.execute(query):
            yield Trial(
                check(source), tuple(json.loads(scores)), tuple(json.loads(folds)), trades, reason
            )


class Journal:
    """An open journal; close it, as with `contextlib.closing`."""

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
        """Note that something happened; kept at once."""
        with self._lock, self._connection:
            self._insert_event(kind, detail)

    def epoch(self, number: int, trials: Iterable[Individual], **detail: object) -> None:
        """Keep an epoch: its trials and its event, all or nothing."""
        with self._lock, self._connection:
            self._connection.executemany(
                "INSERT INTO trials VALUES (?,?,?,?,?,?,?,?,?,?,?,?)",
                [self._row(each) for each in trials],
            )
            self._insert_event("epoch", {"number": number, **detail})

    def _row(self, each: Individual) -> tuple[object, ...]:
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
            _numbers(each.scores.values),
            _numbers(each.scores.folds),
            each.scores.trades,
            each.scores.infeasible_reason,
        )

    def _insert_event(self, kind: str, detail: Mapping[str, object]) -> None:
        at = datetime.now(UTC).isoformat(timespec="milliseconds")
        self._connection.execute(
            "INSERT INTO events (at, kind, detail) VALUES (?,?,?)", (at, kind, json.dumps(detail))
        )


def _numbers(values: Sequence[float]) -> str:
    """Finite numbers as JSON; quicker than a general encoder, for thousands of rows."""
    return f"[{', '.join(map(repr, values))}]"
