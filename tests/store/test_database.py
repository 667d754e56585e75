"""Schema version of a journal: written at its creation and checked by all readers."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from evolve.errors import EvolveError
from evolve.llm.transport.calls import Call
from evolve.llm.transport.exchange import Exchange
from evolve.store import Journal
from evolve.store.calls import read_recording
from evolve.store.journal import read_event, read_trials
from evolve.store.schema import VERSION


def version(path: Path, new: int | None = None) -> int:
    """Return the version of a file, after setting it if one is given."""
    with closing(sqlite3.connect(path)) as connection:
        if new is not None:
            connection.execute(f"PRAGMA user_version={new}")
        (number,) = connection.execute("PRAGMA user_version").fetchone()
    return int(number)


def test_a_new_journal_has_the_schema_version(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite"
    with closing(Journal.create(path)) as journal:
        journal.event("data", source="x")
    assert version(path) == VERSION
    assert read_event(path, "data") == {"source": "x"}
    assert list(read_trials(path)) == []


@pytest.mark.parametrize("other", [0, 1, VERSION + 1])
def test_readers_reject_another_schema_version(tmp_path: Path, other: int) -> None:
    path = tmp_path / "journal.sqlite"
    Journal.create(path).close()
    version(path, other)
    for read in (lambda: list(read_trials(path)), lambda: read_recording(path),
                 lambda: read_event(path, "data")):  # fmt: skip
        with pytest.raises(EvolveError, match=f"schema version 2 or 3, found {other}"):
            read()


DAMAGED = {
    "trials": lambda path: list(read_trials(path)),
    "events": lambda path: read_event(path, "data"),
    "exchanges": read_recording,
}


@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO trials VALUES"
        " (1, '', 'strategy s { buy when close > open }', 3, '', '', 0, 1, '[0.5', '[]', 0, '')",
        "UPDATE events SET detail = 'not JSON'",
        "UPDATE exchanges SET record = '{}'",
        "UPDATE exchanges SET record = '[]'",
    ],
)
def test_readers_report_a_damaged_row(tmp_path: Path, statement: str) -> None:
    path = tmp_path / "journal.sqlite"
    with closing(Journal.create(path)) as journal:
        journal.event("data", source="x")
        journal.calls.record_call(Call(1, "propose", "m", (), 1))
        journal.calls.record_response(1, (Exchange("propose", "m", "text", (), "yes"),))
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(statement)
    (read,) = (read for table, read in DAMAGED.items() if table in statement)
    with pytest.raises(EvolveError, match="cannot read"):
        read(path)
