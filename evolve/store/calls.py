"""Tables of the journal with the calls to models, their exchanges and their proposals."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

from pydantic import TypeAdapter

from evolve.llm.prompt.selection import arm_name
from evolve.llm.transport.calls import Call, RecordedCall
from evolve.llm.transport.exchange import Exchange
from evolve.llm.transport.usage import ArmCost, Cost
from evolve.store.database import Database, open_journal
from evolve.store.schema import CALLS

MAX_INTEGER = 2**63 - 1  # of SQLite

_UPSERT = """
INSERT INTO calls VALUES (?,?,?,?,?,?,NULL) ON CONFLICT (number) DO UPDATE SET
    kind=excluded.kind, model=excluded.model, task=excluded.task, digest=excluded.digest,
    asked_epoch=excluded.asked_epoch,
    collected_epoch=CASE
        WHEN digest=excluded.digest AND asked_epoch=excluded.asked_epoch THEN collected_epoch
    END
"""
_EXCHANGE, _CALL = TypeAdapter(Exchange), TypeAdapter(RecordedCall)


class CallTables:
    """Call tables of a journal; usable from several threads."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def record_call(self, call: Call) -> None:
        """Insert a call, in place of one with its number.

        If an equal call was asked in the same epoch, its collection remains recorded.
        """
        row = (call.number, call.kind, call.model, call.task, call.digest, call.epoch)
        with self._database.write() as connection:
            connection.execute(_UPSERT, row)

    def record_response(self, number: int, exchanges: tuple[Exchange, ...]) -> None:
        """Insert the exchanges of a call, in place of those that it has."""
        with self._database.write() as connection:
            connection.execute("DELETE FROM exchanges WHERE call=?", (number,))
            connection.executemany(
                "INSERT INTO exchanges (call, at, kind, request_format, text, error, tokens_in,"
                " tokens_out, usd, seconds, record) VALUES (?,?,?,?,?,?,?,?,?,?,?)",
                [_build_row(number, each) for each in exchanges],
            )

    def record_collected(self, number: int, epoch: int) -> None:
        """Update the epoch in which the response of a call was collected."""
        with self._database.write() as connection:
            connection.execute("UPDATE calls SET collected_epoch=? WHERE number=?", (epoch, number))

    def move_calls(self, first: int) -> None:
        """Move the calls from a number on to free numbers below 1.

        They are of a course that the run left. Their answers are paid for, and count as cost.
        """
        query = "SELECT MIN(0, MIN(number)) FROM calls"
        with self._database.write() as connection:
            (lowest,) = connection.execute(query).fetchone()
            values = {"lowest": lowest or 0, "first": first}
            connection.execute(
                "UPDATE calls SET number=:lowest-number, collected_epoch=NULL WHERE number>=:first",
                values,
            )
            connection.execute("UPDATE exchanges SET call=:lowest-call WHERE call>=:first", values)

    def read_left_cost(self) -> Cost:
        """Return the cost of the calls with numbers below 1."""
        query = (
            "SELECT COUNT(DISTINCT CASE WHEN kind != 'probe' AND (error = '' OR"
            " json_extract(record, '$.may_be_billed')) THEN call END), TOTAL(tokens_in),"
            " TOTAL(tokens_out), TOTAL(usd) FROM exchanges WHERE call < 1"
        )
        with self._database.read() as connection:
            calls, tokens_in, tokens_out, usd = connection.execute(query).fetchone()
        return Cost(calls, int(tokens_in), int(tokens_out), usd)

    def record_proposal(self, call: int, text: str, digest: str, status: str, reason: str) -> None:
        """Insert one strategy of a response.

        Args:
            call: number of the call.
            text: the strategy as written.
            digest: hash of the program; empty if it was rejected.
            status: `evaluated`, `duplicate`, `rejected` or `no budget`.
            reason: why it was rejected or is infeasible; else empty.
        """
        row = (call, _clean(text), digest, status, _clean(reason))
        with self._database.write() as connection:
            connection.execute(
                "INSERT INTO proposals (call, source, hash, status, reason) VALUES (?,?,?,?,?)", row
            )

    def read(self) -> dict[int, RecordedCall]:
        """Return the recorded calls, by number."""
        with self._database.read() as connection:
            return _read_calls(connection)

    def costs(self) -> dict[str, ArmCost]:
        """Return the cost by arm, including repairs."""
        query = (
            "SELECT model, task, COUNT(DISTINCT number), SUM(seconds), SUM(usd) FROM calls "
            "JOIN exchanges ON call = number WHERE task != '' AND exchanges.kind != 'probe' "
            "GROUP BY model, task ORDER BY model, task"
        )
        with self._database.read() as connection:
            rows = connection.execute(query).fetchall()
        return {arm_name(model, task): ArmCost(*cost) for model, task, *cost in rows}


def read_recording(journal: Path) -> dict[int, RecordedCall]:
    """Read the recorded calls of a journal, by number.

    Raises:
        EvolveError: if the file is not a journal.
    """
    with open_journal(journal, CALLS) as connection:
        connection.execute("BEGIN")  # one moment for both tables
        return _read_calls(connection)


def read_exchanges(journal: Path, number: int) -> tuple[Exchange, ...]:
    """Read the exchanges of one call of a journal, with their prompts, in order.

    Raises:
        EvolveError: if the file is not a journal.
    """
    with open_journal(journal, CALLS) as connection:
        query = "SELECT record FROM exchanges WHERE call=? ORDER BY id"
        records = connection.execute(query, (number,)).fetchall()
        return tuple(_EXCHANGE.validate_python(json.loads(record)) for (record,) in records)


def _read_calls(connection: sqlite3.Connection) -> dict[int, RecordedCall]:
    query = (
        "SELECT number, digest, collected_epoch, kind, model, asked_epoch FROM calls "
        "WHERE number > 0 ORDER BY number"
    )
    calls = connection.execute(query).fetchall()
    rows = connection.execute("SELECT call, record FROM exchanges ORDER BY id").fetchall()
    exchanges: dict[int, list[Exchange]] = {}
    for number, record in rows:
        exchanges.setdefault(number, []).append(_EXCHANGE.validate_python(json.loads(record)))
    return {
        number: _CALL.validate_python(
            {
                "digest": digest,
                "exchanges": tuple(exchanges.get(number, ())),
                "collected_epoch": epoch,
                "kind": kind,
                "model": model,
                "asked_epoch": asked_epoch,
            }
        )
        for number, digest, epoch, kind, model, asked_epoch in calls
    }


def _build_row(number: int, each: Exchange) -> Sequence[object]:
    at = datetime.now(UTC).isoformat(timespec="milliseconds")
    return (
        number, at, each.kind, each.request_format, _clean(each.text), _clean(each.error),
        min(each.tokens_in, MAX_INTEGER), min(each.tokens_out, MAX_INTEGER), each.usd,
        each.seconds, json.dumps(asdict(each)),
    )  # fmt: skip


def _clean(text: str) -> str:
    """Return a text with escapes for lone surrogates, which SQLite cannot store."""
    return text.encode("utf-8", "backslashreplace").decode()
