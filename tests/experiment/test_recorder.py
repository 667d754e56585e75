"""Recorder of a run: buffered events, a journal that must be written, and other failures."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Mapping
from contextlib import closing
from functools import partial
from pathlib import Path

import pytest

from evolve.errors import EvolveError
from evolve.experiment.observer import EVENTS, Observer, isolate
from evolve.experiment.recorder import RunRecorder, extend_journal
from evolve.experiment.result import Run
from evolve.llm.transport.calls import Call
from evolve.llm.transport.exchange import Exchange
from evolve.store import Journal, JournalError, RunFolder
from evolve.store.calls import read_recording
from evolve.store.journal import _insert_event, read_event
from evolve.store.rows import read_rows
from tests.experiment.small_runs import NOISE, Notices, read_result, run_small
from tests.params import thin_out

SMALL = ("budget.evaluations=120", "validate.null_runs=0")


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
    with pytest.raises(JournalError, match="closed database"):
        recorder.event("late")
    assert read_event(tmp_path / "run" / "journal.sqlite", "late") == {}


def test_a_resumed_run_records_no_event_of_its_start_again(tmp_path: Path) -> None:
    folder = RunFolder.create("x", tmp_path / "run")

    def begin(recorder: RunRecorder, resumed: Journal | None = None) -> None:
        recorder.event("begin", command="x")
        recorder.notice("early")
        recorder.open(folder, resumed)
        recorder.event("models", mode="off")
        recorder.notice("late")
        recorder.start_search(0.0 if resumed is None else 100.0)

    with RunRecorder(Observer()) as recorder:
        begin(recorder)
        recorder.notice("slow")
        first = read_rows(folder.journal).events
    with RunRecorder(notices := Notices()) as recorder:
        begin(recorder, Journal(folder.journal))
        assert 100 <= recorder.search_seconds < 200
        assert read_rows(folder.journal).events == first
        recorder.notice("slow")  # a repeated call to a model
        assert read_rows(folder.journal).events == first
        recorder.go_on()
        recorder.notice("slow")
    assert notices.texts == ["early", "late", "slow", "slow"]
    assert [each.detail for each in read_rows(folder.journal).list_events("notice")] == [
        {"text": text} for text in ("early", "late", "slow", "slow")
    ]


def test_a_run_that_was_killed_before_its_models_were_known_records_them(tmp_path: Path) -> None:
    folder = RunFolder.create("x", tmp_path / "run")
    with RunRecorder(Observer()) as recorder:
        recorder.event("begin", command="x")
        recorder.open(folder)
        recorder.event("models", mode="off")
    journal = Journal(folder.journal)
    journal.roll_back(journal.read_checkpoint())
    with RunRecorder(Observer()) as recorder:
        recorder.event("begin", command="x")
        recorder.open(folder, journal)
        recorder.event("models", mode="off")
    assert [each.kind for each in read_rows(folder.journal).events] == ["begin", "models"]


class Failing(Observer):
    """Observer whose output is gone; it counts its events."""

    def __init__(self, error: Exception) -> None:
        self.error, self.errors, self.calls = error, list[Exception](), 0

    def __getattribute__(self, name: str) -> object:
        if name in EVENTS:
            return self._fail
        return super().__getattribute__(name)

    def _fail(self, *event: object) -> None:
        self.calls += 1
        raise self.error

    def broken(self, error: Exception) -> None:
        self.errors.append(error)


ERRORS = [
    OSError(5, "Input/output error"), BrokenPipeError(), UnicodeEncodeError("ascii", "é", 0, 1, ""),
    ValueError("I/O operation on closed file"), ZeroDivisionError(),
]  # fmt: skip


@pytest.mark.parametrize("error", thin_out(ERRORS, 3), ids=lambda each: type(each).__name__)
def test_an_observer_that_fails_at_every_event_changes_no_result(
    tmp_path: Path, error: Exception
) -> None:
    observer = Failing(error)
    expected = read_result(run_small(tmp_path, NOISE, *SMALL))
    found = run_small(tmp_path, NOISE, *SMALL, observer=observer)
    assert observer.errors == [error]
    assert observer.calls > 5
    assert read_result(found)["best"] == expected["best"]
    assert found.incomplete == ()
    assert type(error).__name__ in read_event(found.folder / "journal.sqlite", "observer")["error"]


def test_an_observer_may_interrupt() -> None:
    class Interrupting(Observer):
        def waiting(self) -> None:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        isolate(Interrupting(), lambda error: None).waiting()


def test_a_journal_that_fails_ends_the_run_and_what_it_has_is_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected, original = run_small(tmp_path, NOISE, *SMALL).folder / "journal.sqlite", _insert_event

    def insert(connection: sqlite3.Connection, kind: str, detail: Mapping[str, object]) -> None:
        if kind == "epoch" and detail["number"] == 2:
            raise sqlite3.OperationalError("database or disk is full")  # after the trials
        original(connection, kind, detail)

    monkeypatch.setattr("evolve.store.journal._insert_event", insert)
    with pytest.raises(JournalError) as failure:
        run_small(tmp_path, NOISE, *SMALL)
    folder = tmp_path / "2"
    path = folder / "journal.sqlite"
    assert failure.value.message == f"cannot write {path}: database or disk is full"
    assert failure.value.hint == f"free some space; to go on: evolve resume {folder}"
    with closing(Journal(path)) as journal:
        last = journal.read_checkpoint()
        names = journal.list_checkpoints()
    assert [each.epoch for each in names] == [-1, 0, 1]
    trials, whole = read_rows(path).trials, read_rows(expected).trials
    assert len(trials) == last.trials > 0
    assert trials == whole[: last.trials]
    assert (folder / "best.evo").exists()
    assert not (folder / "result.json").exists()


def test_a_journal_that_is_deleted_ends_the_run_at_the_next_epoch(tmp_path: Path) -> None:
    class Deleting(Notices):
        def baselines(self, assessed: object) -> None:
            (path,) = tmp_path.glob("1/journal.sqlite")
            path.unlink()

    with pytest.raises(JournalError, match="it was deleted"):
        run_small(tmp_path, NOISE, *SMALL, observer=Deleting())


def test_a_failure_on_another_thread_ends_the_run_at_its_next_write(tmp_path: Path) -> None:
    with RunRecorder(Observer()) as recorder:
        recorder.open(RunFolder.create("x", tmp_path / "run"))
        (tmp_path / "run" / "journal.sqlite").unlink()
        answer = (Exchange("propose", "m", "text", (), "yes"),)
        writes = [partial(recorder.record_response, number, answer) for number in (1, 2)]
        errors = list[object]()
        for write in writes:
            thread = threading.Thread(target=lambda write=write: errors.append(write()))
            thread.start()
            thread.join()
        assert errors == [None, None]  # the thread of the models goes on
        for _ in range(2):
            with pytest.raises(JournalError, match="it was deleted"):
                recorder.event("end")


def refuse(name: str, monkeypatch: pytest.MonkeyPatch, count: int = 10**6) -> None:
    """Let the first writes of a file fail, as on a full disk."""
    original, failures = RunFolder.write_text, list[str]()

    def write(self: RunFolder, path: str, text: str, is_durable: bool = True) -> None:
        if path.startswith(name) and len(failures) < count:
            failures.append(path)
            raise EvolveError(f"cannot write {self.path / path}: No space left on device")
        original(self, path, text, is_durable)

    monkeypatch.setattr(RunFolder, "write_text", write)


@pytest.mark.parametrize("name", thin_out(["result.json", "best.evo", "finalists/"], 3))
def test_a_full_disk_at_the_end_gives_the_result_in_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    expected = run_small(tmp_path, NOISE, *SMALL)
    refuse(name, monkeypatch)
    notices = Notices()
    found: Run = run_small(tmp_path, NOISE, *SMALL, observer=notices)
    assert found.incomplete == ("result.json" if name == "result.json" else "best.evo",)
    assert len([each for each in notices.texts if "No space left on device" in each]) == 1
    assert found.best is not None
    assert expected.best is not None
    assert found.best.program.hash == expected.best.program.hash
    assert (found.folder / "result.json").exists() == (name != "result.json")


def test_a_disk_that_is_full_for_a_while_leaves_nothing_incomplete(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    refuse("best.evo", monkeypatch, 1)
    notices = Notices()
    found = run_small(tmp_path, NOISE, *SMALL, observer=notices)
    assert found.incomplete == ()
    assert len([each for each in notices.texts if "best.evo is incomplete" in each]) == 1
    assert "finalist: 1 of" in (found.folder / "best.evo").read_text()


def test_what_a_model_sends_is_stored_or_escaped(tmp_path: Path) -> None:
    with RunRecorder(notices := Notices()) as recorder:
        recorder.open(RunFolder.create("x", tmp_path / "run"))
        messages = ({"role": "user", "content": "\ud800"},)
        recorder.record_call(Call(1, "propose", "m", messages, 1))
        exchange = Exchange("propose", "m", "text", messages, "a\ud800\0b", tokens_in=10**30)
        recorder.record_response(1, (exchange,))
        recorder.record_proposal(1, "\udfff", "", "rejected", "\udc80")
    assert notices.texts == []
    assert read_recording(tmp_path / "run" / "journal.sqlite")[1].exchanges == (exchange,)


def test_a_finished_journal_that_cannot_be_extended_is_reported(tmp_path: Path) -> None:
    texts: list[str] = []
    extend_journal(RunFolder(tmp_path), texts.append, lambda journal: journal.event("late"))
    assert texts == [f"{tmp_path / 'journal.sqlite'} is incomplete: no run in {tmp_path}"]
    assert list(tmp_path.iterdir()) == []
