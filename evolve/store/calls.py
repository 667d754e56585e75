"""What models were asked and answered, and what became of it: in the journal of the run."""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from evolve.llm.prompt.selection import arm_name
from evolve.llm.transport.calls import Call, RecordedCall
from evolve.llm.transport.exchange import Exchange
from evolve.llm.transport.usage import ArmCost
from evolve.store.database import open_journal

SCHEMA = """
CREATE TABLE IF NOT EXISTS calls (
    number INTEGER PRIMARY KEY,
    kind TEXT NOT NULL,         -- propose, repair or summarize
    model TEXT NOT NULL,
    task TEXT NOT NULL,
    digest TEXT NOT NULL,       -- of what was asked
    asked_epoch INTEGER NOT NULL,
    collected_epoch INTEGER     -- of its response; NULL if it was not collected
);
CREATE TABLE IF NOT EXISTS exchanges (
    id INTEGER PRIMARY KEY,
    call INTEGER NOT NULL,
    at TEXT NOT NULL,
    kind TEXT NOT NULL,         -- the call's, or probe
    request_format TEXT NOT NULL,  -- how the answer was constrained
    text TEXT NOT NULL,
    error TEXT NOT NULL,        -- why there is no answer
    tokens_in INTEGER NOT NULL,
    tokens_out INTEGER NOT NULL,
    usd REAL NOT NULL,
    seconds REAL NOT NULL,
    record TEXT NOT NULL        -- JSON: all of it, the messages as they were sent included
);
CREATE TABLE IF NOT EXISTS proposals (
    id INTEGER PRIMARY KEY,
    call INTEGER NOT NULL,
    source TEXT NOT NULL,
    hash TEXT NOT NULL,         -- of the trial it became or repeats; empty if it was rejected
    status TEXT NOT NULL,       -- evaluated, duplicate, rejected or no budget
    reason TEXT NOT NULL        -- the parser's errors, or why it is infeasible
);
"""


class CallTables:
    """The part of a journal that keeps a correspondence. May be used from several threads."""

    def __init__(self, connection: sqlite3.Connection, lock: threading.RLock) -> None:
        self._connection, self._lock = connection, lock

    def record_call(self, call: Call) -> None:
        """A call is made."""
        row = (call.number, call.kind, call.model, call.task, call.digest, call.epoch)
        with self._writing() as connection:
            connection.execute("INSERT INTO calls VALUES (?,?,?,?,?,?,NULL)", row)

    def record_response(self, number: int, exchanges: tuple[Exchange, ...]) -> None:
        """It is answered."""
        with self._writing() as connection:
            connection.executemany(
                "INSERT INTO exchanges (call, at, kind, request_format, text, error, tokens_in,"
                " tokens_out, usd, seconds, record) VALUES (?,?,?,?,?,?,?,?,?,?,?)",
                [_row(number, each) for each in exchanges],
            )

    def record_collected(self, number: int, epoch: int) -> None:
        """Its answer is taken in."""
        with self._writing() as connection:
            connection.execute("UPDATE calls SET collected_epoch=? WHERE number=?", (epoch, number))

    def record_proposal(self, call: int, text: str, digest: str, status: str, reason: str) -> None:
        """One strategy of an answer, and its fate."""
        row = (call, text, digest, status, reason)
        with self._writing() as connection:
            connection.execute(
                "INSERT INTO proposals (call, source, hash, status, reason) VALUES (?,?,?,?,?)", row
            )

    def costs(self) -> dict[str, ArmCost]:
        """What each arm took, its repairs included."""
        query = (
            "SELECT model, task, COUNT(DISTINCT number), SUM(seconds), SUM(usd) FROM calls "
            "JOIN exchanges ON call = number WHERE task != '' AND exchanges.kind != 'probe' "
            "GROUP BY model, task ORDER BY model, task"
        )
        with self._lock:
            rows = self._connection.execute(query).fetchall()
        return {arm_name(model, task): ArmCost(*cost) for model, task, *cost in rows}

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        with self._lock, self._connection:
            yield self._connection


def read_recording(journal: Path) -> dict[int, RecordedCall]:
    """The calls of a run, by number.

    Raises:
        EvolveError: if it is no journal of a run.
    """
    with open_journal(journal) as connection:
        calls = connection.execute("SELECT number, digest, collected_epoch FROM calls").fetchall()
        rows = connection.execute("SELECT call, record FROM exchanges ORDER BY id").fetchall()
    exchanges: dict[int, list[Exchange]] = {}
    for number, record in rows:
        exchanges.setdefault(number, []).append(_exchange_from(json.loads(record)))
    return {
        number: RecordedCall(digest, tuple(exchanges.get(number, ())), taken)
        for number, digest, taken in calls
    }


def read_event(journal: Path, kind: str) -> dict[str, Any]:
    """The first event of a kind in a journal, or an empty one.

    Raises:
        EvolveError: if it is no journal of a run.
    """
    with open_journal(journal) as connection:
        query = "SELECT detail FROM events WHERE kind=? ORDER BY id"
        found = connection.execute(query, (kind,)).fetchone()
    return dict(json.loads(found[0])) if found else {}


def _row(number: int, each: Exchange) -> Sequence[object]:
    at = datetime.now(UTC).isoformat(timespec="milliseconds")
    return (
        number, at, each.kind, each.request_format, each.text, each.error, each.tokens_in,
        each.tokens_out, each.usd, each.seconds, json.dumps(asdict(each)),
    )  # fmt: skip


def _exchange_from(record: dict[str, Any]) -> Exchange:
    return Exchange(**{**record, "messages": tuple(record["messages"])})
