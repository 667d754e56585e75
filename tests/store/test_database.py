"""Schema version of a journal: written at its creation and checked by all readers."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from evolve.errors import EvolveError
from evolve.store import Journal
from evolve.store.calls import read_event, read_recording
from evolve.store.database import SCHEMA_VERSION
from evolve.store.journal import read_trials


def version(path: Path, new: int | None = None) -> int:
    """Return the version of a file, after setting it if one is given."""
    with closing(sqlite3.connect(path)) as connection:
        if new is not None:
            connection.execute(f"PRAGMA user_version={new}")
        (number,) = connection.execute("PRAGMA user_version").fetchone()
    return int(number)


def test_a_new_journal_has_the_schema_version(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite"
    with closing(Journal(path)) as journal:
        journal.event("data", source="x")
    assert version(path) == SCHEMA_VERSION >= 1
    assert read_event(path, "data") == {"source": "x"}
    assert list(read_trials(path)) == []


@pytest.mark.parametrize("other", [0, SCHEMA_VERSION + 1])
def test_readers_reject_another_schema_version(tmp_path: Path, other: int) -> None:
    path = tmp_path / "journal.sqlite"
    Journal(path).close()
    version(path, other)
    for read in (lambda: list(read_trials(path)), lambda: read_recording(path),
                 lambda: read_event(path, "data")):  # fmt: skip
        with pytest.raises(EvolveError, match=f"schema version {SCHEMA_VERSION}, found {other}"):
            read()
