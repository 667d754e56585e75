"""Recorder of a run: buffered events, and the journal that it closes."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from evolve.experiment.observer import Observer
from evolve.experiment.recorder import RunRecorder
from evolve.store import RunFolder
from evolve.store.journal import read_event


def test_events_before_the_folder_exists_are_written_in_order(tmp_path: Path) -> None:
    folder = RunFolder.create("x", tmp_path / "run")
    with RunRecorder(Observer()) as recorder:
        recorder.event("data", source="x")
        recorder.notice("early")
        recorder.open(folder)
        recorder.event("end", reason="late")
    with sqlite3.connect(folder.journal) as connection:
        kinds = connection.execute("SELECT kind FROM events ORDER BY id").fetchall()
    connection.close()
    assert [kind for (kind,) in kinds] == ["data", "notice", "end"]
    assert read_event(folder.journal, "notice") == {"text": "early"}


def test_a_failure_closes_the_journal(tmp_path: Path) -> None:
    with pytest.raises(KeyError), RunRecorder(Observer()) as recorder:
        recorder.open(RunFolder.create("x", tmp_path / "run"))
        raise KeyError("a fault of the search")
    with pytest.raises(sqlite3.ProgrammingError, match="closed"):
        recorder.event("late")
