"""Schema version of a journal: written at its creation and checked by all readers."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from evolve.errors import EvolveError
from evolve.llm.transport.calls import Call
from evolve.llm.transport.exchange import Exchange
from evolve.store import Journal, JournalError
from evolve.store.calls import read_recording
from evolve.store.journal import check_journal, read_event, read_trials
from evolve.store.rows import read_rows
from evolve.store.schema import STEPS, VERSION
from evolve.store.totals import read_totals
from tests.dash.live_server import hash_tree


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


VERSION_2 = """
CREATE TABLE trials (trial INTEGER PRIMARY KEY, hash TEXT NOT NULL UNIQUE, source TEXT NOT NULL,
    nodes INTEGER NOT NULL, proposer TEXT NOT NULL, parents TEXT NOT NULL, island INTEGER NOT NULL,
    epoch INTEGER NOT NULL, scores TEXT NOT NULL, folds TEXT NOT NULL, trades INTEGER NOT NULL,
    infeasible_reason TEXT NOT NULL);
CREATE TABLE events (id INTEGER PRIMARY KEY, at TEXT NOT NULL, kind TEXT NOT NULL,
    detail TEXT NOT NULL);
CREATE TABLE calls (number INTEGER PRIMARY KEY, kind TEXT NOT NULL, model TEXT NOT NULL,
    task TEXT NOT NULL, digest TEXT NOT NULL, asked_epoch INTEGER NOT NULL,
    collected_epoch INTEGER);
CREATE TABLE exchanges (id INTEGER PRIMARY KEY, call INTEGER NOT NULL, at TEXT NOT NULL,
    kind TEXT NOT NULL, request_format TEXT NOT NULL, text TEXT NOT NULL, error TEXT NOT NULL,
    tokens_in INTEGER NOT NULL, tokens_out INTEGER NOT NULL, usd REAL NOT NULL,
    seconds REAL NOT NULL, record TEXT NOT NULL);
CREATE TABLE proposals (id INTEGER PRIMARY KEY, call INTEGER NOT NULL, source TEXT NOT NULL,
    hash TEXT NOT NULL, status TEXT NOT NULL, reason TEXT NOT NULL);
INSERT INTO trials VALUES (1, 'ab', 'strategy s { buy when close > open }', 3, 'seed', '', 0, 0,
    '[0.5, 3.0]', '[0.5]', 7, '');
INSERT INTO events VALUES (1, '2026-11-01T00:00:00.000+00:00', 'epoch', '{"best": 0.5}');
PRAGMA user_version=2;
"""


@pytest.fixture
def earlier(tmp_path: Path) -> Path:
    """Journal of the previous version."""
    (tmp_path / "run").mkdir()
    path = tmp_path / "run" / "journal.sqlite"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.executescript(VERSION_2)
    return path


def test_a_journal_of_the_previous_version_is_read_and_not_changed(earlier: Path) -> None:
    before = hash_tree(earlier.parent)
    rows = read_rows(earlier)
    assert [each.scores for each in rows.trials] == [(0.5, 3.0)]
    assert rows.resumes == ()
    assert read_totals(earlier).best == 0.5
    assert len(list(read_trials(earlier))) == 1
    assert read_recording(earlier) == {}
    check_journal(earlier)
    assert hash_tree(earlier.parent) == before


def test_a_journal_of_the_previous_version_is_migrated_when_it_is_written(earlier: Path) -> None:
    before = read_rows(earlier)
    with closing(Journal(earlier)) as journal:
        assert journal.list_checkpoints() == []
        with pytest.raises(EvolveError, match="has no checkpoint") as error:
            journal.read_checkpoint()
        assert "earlier version" in error.value.hint
        journal.jobs.save("x", 1, 2)
    assert version(earlier) == VERSION
    assert read_rows(earlier) == before


def test_a_migration_that_fails_changes_nothing(
    earlier: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setitem(STEPS, 2, f"{STEPS[2]} INSERT INTO jobs VALUES (1);")
        with pytest.raises(JournalError, match="3 columns but 1 values"):
            Journal(earlier)
    assert version(earlier) == 2
    assert len(read_rows(earlier).trials) == 1


@pytest.mark.parametrize(("other", "hint"), [(1, "the release that wrote"), (4, "update evolve")])
def test_another_version_is_named_with_what_to_do(earlier: Path, other: int, hint: str) -> None:
    version(earlier, other)
    for use in (read_rows, Journal):
        with pytest.raises(EvolveError, match=f"version 2 or 3, found {other}") as error:
            use(earlier)
        assert hint in error.value.hint
