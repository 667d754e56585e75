"""Recorder of a run: buffered events, and failures that end nothing."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from evolve.errors import EvolveError
from evolve.experiment.observer import EVENTS, Observer, isolate
from evolve.experiment.recorder import RunRecorder, extend_journal
from evolve.experiment.result import Run
from evolve.llm.transport.calls import Call
from evolve.llm.transport.exchange import Exchange
from evolve.store import Journal, RunFolder
from evolve.store.calls import read_recording
from evolve.store.journal import read_event, read_trials
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
    recorder.event("late")
    assert recorder.incomplete == ("journal.sqlite",)
    assert read_event(tmp_path / "run" / "journal.sqlite", "late") == {}


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


JOURNAL_FAILURES = [
    sqlite3.OperationalError("database or disk is full"),
    sqlite3.OperationalError("database is locked"),
    sqlite3.OperationalError("attempt to write a readonly database"),
    sqlite3.DatabaseError("database disk image is malformed"),
]


@pytest.mark.parametrize("error", thin_out(JOURNAL_FAILURES, 3), ids=str)
def test_a_journal_that_fails_ends_no_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    expected, notices, original = run_small(tmp_path, NOISE, *SMALL), Notices(), Journal.epoch

    def write(self: Journal, number: int, *values: object, **detail: object) -> None:
        if number > 1:
            raise error
        original(self, number, *values, **detail)  # type: ignore[arg-type]

    monkeypatch.setattr(Journal, "epoch", write)
    found = run_small(tmp_path, NOISE, *SMALL, observer=notices)
    assert [each for each in notices.texts if "journal.sqlite" in each] == [
        f"journal.sqlite is incomplete: {error}; nothing more is recorded; the run continues"
    ]
    assert found.incomplete == ("journal.sqlite",)
    document = read_result(found)
    assert document["journal"] == "incomplete"
    assert document["best"] == read_result(expected)["best"]
    assert "journal" not in read_result(expected)
    recorded = [each.program.hash for each in read_trials(found.folder / "journal.sqlite")]
    whole = [each.program.hash for each in read_trials(expected.folder / "journal.sqlite")]
    assert 0 < len(recorded) < len(whole)
    assert recorded == whole[: len(recorded)]


def test_a_journal_that_is_deleted_ends_no_run(tmp_path: Path) -> None:
    class Deleting(Notices):
        def baselines(self, assessed: object) -> None:
            (path,) = tmp_path.glob("1/journal.sqlite")
            path.unlink()

    notices = Deleting()
    found = run_small(tmp_path, NOISE, *SMALL, observer=notices)
    assert "journal.sqlite is incomplete: it was deleted; the run continues" in notices.texts
    assert read_result(found)["journal"] == "incomplete"


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
        assert recorder.incomplete == ()
    assert notices.texts == []
    assert read_recording(tmp_path / "run" / "journal.sqlite")[1].exchanges == (exchange,)


def test_a_finished_journal_that_cannot_be_extended_is_reported(tmp_path: Path) -> None:
    texts: list[str] = []
    extend_journal(RunFolder(tmp_path), texts.append, lambda journal: journal.event("late"))
    assert texts == [f"{tmp_path / 'journal.sqlite'} is incomplete: it was deleted"]
    assert list(tmp_path.iterdir()) == []
