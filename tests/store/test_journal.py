"""Journal of a run: transactions, checkpoints, and the tables from which a run is resumed."""

from __future__ import annotations

import multiprocessing
import os
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from random import Random

import pytest

from evolve.errors import EvolveError
from evolve.search.individual import Individual
from evolve.search.progress import Budget
from evolve.store import Journal, JournalError, checkpoints
from evolve.store.calls import read_recording
from evolve.store.checkpoints import Checkpoint
from evolve.store.database import is_unwritten
from evolve.store.rows import JournalRows, read_rows
from tests.search.toy import solve, toy_problem
from tests.store.journals import draw_trials, write_journal

FORK = multiprocessing.get_context("fork" if hasattr(os, "fork") else None)


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    """Journal with three epochs of two trials."""
    with closing(write_journal(tmp_path / "journal.sqlite", 3, 2)) as opened:
        yield opened


def drop_times(rows: JournalRows) -> object:
    return rows.trials, rows.proposals, [(each.kind, each.detail) for each in rows.events]


def test_a_journal_begins_with_its_events_and_a_checkpoint_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, events = tmp_path / "journal.sqlite", [("begin", {"command": "x"}), ("data", {})]

    def fail(*values: object) -> None:
        raise sqlite3.OperationalError("database or disk is full")

    with monkeypatch.context() as patch:
        patch.setattr(checkpoints, "insert_checkpoint", fail)
        with pytest.raises(JournalError, match="full"):
            Journal.create(path, events)
    assert is_unwritten(path)
    with pytest.raises(EvolveError, match="has not begun"):
        Journal(path)
    with closing(Journal.create(path, events)) as journal:
        assert journal.read_checkpoint() == Checkpoint(-1, 0, 2, 0, 0.0, {})
        assert not is_unwritten(path)
        with pytest.raises(JournalError, match="already exists"):
            Journal.create(path, events)
    assert [each.kind for each in read_rows(path).events] == ["begin", "data"]


def test_a_kill_within_the_first_commit_leaves_a_journal_that_never_began(tmp_path: Path) -> None:
    """Leave a log that has a header only, of which SQLite reports: locking protocol."""
    begun, killed = tmp_path / "begun", tmp_path / "killed"
    killed.mkdir()
    begun.mkdir()
    with closing(Journal.create(begun / "journal.sqlite")):
        header = (begun / "journal.sqlite-wal").read_bytes()[:32]
    with closing(sqlite3.connect(begun / "empty.sqlite")) as connection:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("SELECT * FROM sqlite_master").fetchall()
        for each in ("", "-wal", "-shm"):
            shutil.copy(begun / f"empty.sqlite{each}", killed / f"journal.sqlite{each}")
    (killed / "journal.sqlite-wal").write_bytes(header)
    assert is_unwritten(killed / "journal.sqlite")
    with pytest.raises(EvolveError, match="has not begun"):
        read_rows(killed / "journal.sqlite")


def test_checkpoints_hold_the_last_rows_of_their_epoch(journal: Journal) -> None:
    assert journal.list_checkpoints() == [(-1, 0), (0, 2), (1, 4), (2, 6)]
    last = journal.read_checkpoint()
    assert (last.epoch, last.trials, last.last_event, last.last_proposal) == (2, 6, 4, 3)
    assert last.seconds == 4.0
    assert len(last.state["rng"]) == 200
    assert journal.read_checkpoint(0).trials == 2
    with pytest.raises(EvolveError, match="no checkpoint of epoch 7"):
        journal.read_checkpoint(7)


def test_a_run_that_is_rolled_back_and_repeated_has_the_rows_of_one_that_was_not(
    tmp_path: Path, journal: Journal
) -> None:
    path, whole = tmp_path / "journal.sqlite", tmp_path / "whole.sqlite"
    expected = drop_times(read_rows(path))
    trials = {number: draw_trials(2, number, Random(number)) for number in (3, 4)}
    last = journal.read_checkpoint()
    for _ in range(2):  # the second time after a resume
        journal.roll_back(last)
        assert drop_times(read_rows(path)) == expected
        journal.event("notice", text="slow")
        journal.calls.record_proposal(2, "buy when close > open", "", "duplicate", "")
        for number in (3, 4):
            journal.epoch(number, trials[number], {"number": number}, 1.0, evaluated=6)
    with closing(write_journal(whole, 3, 2)) as other:
        other.event("notice", text="slow")
        other.calls.record_proposal(2, "buy when close > open", "", "duplicate", "")
        for number in (3, 4):
            other.epoch(number, trials[number], {"number": number}, 1.0, evaluated=6)
        assert other.read_checkpoint() == journal.read_checkpoint()
        assert other.list_checkpoints() == journal.list_checkpoints()
    assert drop_times(read_rows(path)) == drop_times(read_rows(whole))
    assert len(read_recording(path)) == 3
    journal.roll_back(journal.read_checkpoint(-1))
    assert [each.kind for each in read_rows(path).events] == ["begin"]
    assert len(read_recording(path)) == 3  # their answers are paid for


def test_trials_and_their_index_are_read_by_number(tmp_path: Path, journal: Journal) -> None:
    trials = read_rows(tmp_path / "journal.sqlite").trials
    assert journal.read_trials([5, 2, 2]) == {2: trials[1], 5: trials[4]}
    assert journal.read_index(4).keys == [bytes.fromhex(each.hash) for each in trials[:4]]
    with pytest.raises(JournalError, match="expected trial 9") as error:
        journal.read_trials([9])
    assert error.value.hint.endswith(f"evolve runs --repair {tmp_path}")


def test_an_index_that_is_read_equals_that_of_its_search(tmp_path: Path) -> None:
    progress = solve(toy_problem(), Budget(600), islands=3)
    with closing(Journal.create(tmp_path / "journal.sqlite")) as journal:
        for each in progress:
            journal.epoch(each.epoch, each.trials, {}, 0.0)
        last = progress[-1].index
        index = journal.read_index(len(last))
        assert index.keys == last.keys
        for trial in (one for each in progress for one in each.trials):
            assert index.has_origin(trial)
            assert index.trace(trial, 9) == last.trace(trial, 9)
            assert index.list_proposers(trial) == last.list_proposers(trial)
        with pytest.raises(JournalError, match="expected 700 different trials"):
            journal.read_index(700)


def test_results_of_jobs_and_resumes_outlive_a_rollback(tmp_path: Path, journal: Journal) -> None:
    journal.jobs.save("power", 7, [1.5, None])
    journal.jobs.save("power", 7, [2.5, None])
    journal.record_resume("evolve resume run", {"numpy": "2"}, {"budget.evaluations": [1, 2]})
    journal.roll_back(journal.read_checkpoint(-1))
    assert journal.jobs.read("power") == {7: [2.5, None]}
    assert journal.jobs.read("null") == {number: {"score": number / 7} for number in range(3)}
    assert journal.jobs.read("other") == {}
    (resume,) = read_rows(tmp_path / "journal.sqlite").resumes
    assert (resume.command, resume.versions) == ("evolve resume run", {"numpy": "2"})
    assert resume.changes == {"budget.evaluations": [1, 2]}


def test_damage_of_a_checkpoint_is_a_clear_error(tmp_path: Path, journal: Journal) -> None:
    path = tmp_path / "journal.sqlite"
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("UPDATE checkpoints SET state='{' WHERE epoch=2")
    with pytest.raises(JournalError, match="cannot read") as error:
        journal.read_checkpoint()
    assert error.value.hint.endswith(f"evolve runs --repair {tmp_path}")
    journal.close()
    path.write_bytes(b"not a journal" * 1000)
    with pytest.raises(JournalError, match="file is not a database"):
        Journal(path)


def write_epochs(path: Path, trials: list[list[Individual]]) -> None:
    journal = Journal(path)
    for number, each in enumerate(trials):
        journal.event("notice", text="x")
        journal.epoch(number, each, {"number": number}, 0.0, evaluated=0)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs processes that fork")
def test_a_writer_that_is_killed_leaves_whole_epochs(tmp_path: Path) -> None:
    rng, epochs = Random(3), set[int]()
    drawn = [draw_trials(3, number, Random(number)) for number in range(200)]
    for number in range(4):
        path = tmp_path / f"{number}.sqlite"
        Journal.create(path).close()
        log, size = path.with_name(f"{path.name}-wal"), rng.randrange(100_000, 2_000_000)
        writer = FORK.Process(target=write_epochs, args=(path, drawn))
        writer.start()
        while writer.is_alive() and not (log.exists() and log.stat().st_size > size):
            pass
        writer.kill()
        writer.join()
        with closing(Journal(path)) as journal:
            last = journal.read_checkpoint()
            journal.roll_back(last)
        rows = read_rows(path)
        assert len(rows.trials) == last.trials == sum(map(len, drawn[: last.epoch + 1]))
        assert len(rows.events) == last.last_event == 2 * (last.epoch + 1)
        epochs.add(last.epoch)
    assert len(epochs) > 2
