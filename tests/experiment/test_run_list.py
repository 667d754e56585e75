"""The list of runs has every run folder, and a damaged one breaks nothing; names find runs."""

from __future__ import annotations

import json
import os
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from evolve.dash.summary import SummaryCache
from evolve.errors import EvolveError
from evolve.experiment import run_folders
from evolve.experiment.run_folders import find_folder, find_run, list_folders
from evolve.experiment.run_list import ListedRun, list_runs
from evolve.store import JOURNAL, RESULT
from evolve.store.files import BARS, EXPERIMENT
from evolve.store.lock import LOCK, hold_lock
from tests.experiment.run_folders import write_run


def read_one(folder: Path) -> ListedRun:
    (run,) = list_runs(folder.parent)
    return run


def test_a_list_has_the_figures_of_each_run_newest_first(tmp_path: Path) -> None:
    write_run(tmp_path / "old", 50, 0.25)
    write_run(tmp_path / "new", 1, None, "PASS", usd=1.5)
    new, old = list_runs(tmp_path)
    assert (new.name, new.state, new.best, new.verdict, new.usd) == (
        "new", "finished", None, "PASS", 1.5,
    )  # fmt: skip
    assert (old.name, old.state, old.best, old.verdict, old.usd) == (
        "old", "stopped", 0.25, "", None,
    )  # fmt: skip
    assert (new.next_step, old.next_step) == ("", f"evolve resume {tmp_path / 'old'}")
    assert (new.fault, old.fault, new.trials) == ("", "", 0)


def test_a_run_of_a_sweep_is_listed_with_the_name_of_its_sweep(tmp_path: Path) -> None:
    write_run(tmp_path / "sweep" / "1", 2)
    write_run(tmp_path / "sweep" / "2", 1)
    write_run(tmp_path / "single", 3)
    write_run(tmp_path / "deep" / "er" / "run", 3)
    names = [each.name for each in list_runs(tmp_path)]
    assert names == ["sweep/2", "sweep/1", "single"]
    assert [each.name for each in SummaryCache(tmp_path).read()] == names
    assert find_folder(tmp_path, "sweep/1") == tmp_path / "sweep" / "1"
    for other in ("sweep", "sweep/", "/1", "sweep/../single", "./single", "deep/er", "a/b/c"):
        assert find_folder(tmp_path, other) is None


def test_links_are_listed_once_and_loops_are_no_runs(tmp_path: Path) -> None:
    runs = tmp_path / "runs"
    write_run(runs / "sweep" / "1", 2)
    write_run(runs / "one", 3)
    write_run(tmp_path / "elsewhere", 4)
    (runs / "latest").symlink_to("one")
    (runs / "again").symlink_to("sweep")
    (runs / "up").symlink_to("..")
    (runs / "loop").symlink_to("loop")
    (runs / "missing").symlink_to("nowhere")
    (runs / "out").symlink_to(tmp_path / "elsewhere")
    found = {each.name: each for each in list_runs(runs)}
    assert found.keys() == {"sweep/1", "one", "latest", "out"}
    assert "which is elsewhere" in found["out"].fault
    assert find_folder(runs, "again/1") is None


def test_what_is_no_run_is_not_listed(tmp_path: Path) -> None:
    assert list_runs(tmp_path / "missing") == ()
    assert list_runs(tmp_path) == ()
    (tmp_path / "file").touch()
    (tmp_path / "notes" / "more").mkdir(parents=True)
    assert list_runs(tmp_path) == ()
    with pytest.raises(EvolveError, match="cannot read"):
        list_runs(tmp_path / "file")


@pytest.mark.parametrize(
    ("name", "content", "fault"),
    [
        (JOURNAL, b"no database, but longer than the header of one" * 20, "cannot read"),
        (RESULT, b"{", "result.json is damaged"),
        (RESULT, b'{"verdict": {"label": 3}}', "result.json is damaged"),
        (RESULT, b"[" * 100_000, "result.json is damaged"),
    ],
)
def test_a_damaged_run_has_its_fault_and_the_command_of_its_repair(
    tmp_path: Path, name: str, content: bytes, fault: str
) -> None:
    folder = write_run(tmp_path / "a b", verdict="PASS")
    write_run(tmp_path / "good", 2)
    (folder / name).write_bytes(content)
    damaged, good = sorted(list_runs(tmp_path), key=lambda each: each.name)
    assert fault in damaged.fault
    assert damaged.next_step == f"evolve runs --repair '{folder}'"
    assert damaged.shown_state in ("damaged", "unreadable")
    assert good.fault == ""


def test_a_journal_that_no_repair_can_read_has_no_command(tmp_path: Path) -> None:
    folder = write_run(tmp_path / "a", verdict="PASS")
    with closing(sqlite3.connect(folder / JOURNAL)) as connection:
        connection.execute("PRAGMA user_version=99")
    run = read_one(folder)
    assert "expected schema version" in run.fault
    assert run.next_step == ""
    (folder / JOURNAL).unlink()
    run = read_one(folder)
    assert "no run in" in run.fault
    assert run.next_step == ""


def test_a_pipe_in_place_of_a_journal_or_a_lock_does_not_stop_the_list(tmp_path: Path) -> None:
    folder = write_run(tmp_path / "a")
    (folder / JOURNAL).unlink()
    os.mkfifo(folder / JOURNAL)
    os.mkfifo(folder / LOCK)
    assert "no run in" in read_one(folder).fault


def test_an_ended_run_without_its_last_result_goes_on(tmp_path: Path) -> None:
    folder = write_run(tmp_path / "a", verdict="PASS")
    document = {"unfinished": True, "verdict": {"label": "NOT TESTED"}}
    (folder / RESULT).write_text(json.dumps(document), "utf-8")
    run = read_one(folder)
    assert (run.state, run.verdict) == ("stopped", "")
    assert run.next_step == f"evolve resume {folder}"


def test_a_run_without_what_a_resumption_needs_is_not_continued(tmp_path: Path) -> None:
    folder = write_run(tmp_path / "a")
    (folder / EXPERIMENT).unlink()
    (folder / BARS).unlink()
    run = read_one(folder)
    assert run.fault.startswith("no experiment.yaml and no bars.parquet: restore")
    assert run.next_step == ""


def test_a_run_that_goes_on_has_no_fault_of_files_that_it_writes_yet(tmp_path: Path) -> None:
    folder = write_run(tmp_path / "a")
    (folder / EXPERIMENT).unlink()
    with hold_lock(folder):
        run = read_one(folder)
    assert (run.state, run.fault, run.next_step) == ("running", "", "")


def test_a_lock_that_cannot_be_opened_is_a_fault_of_one_row(tmp_path: Path) -> None:
    folder = write_run(tmp_path / "a")
    (folder / LOCK).symlink_to(LOCK)
    assert "symbolic links" in read_one(folder).fault


def test_a_folder_that_cannot_be_opened_is_listed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = write_run(tmp_path / "a")
    monkeypatch.setattr(run_folders, "is_run", lambda folder: False)  # as without permission
    monkeypatch.setattr(os, "access", lambda path, mode: Path(path) != folder)
    assert list_folders(tmp_path) == [folder]
    assert "permission denied" in read_one(folder).fault


def test_a_run_is_found_by_its_path_its_name_and_the_begin_of_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("spy-1", "spy-12", "qqq-1", "grid/seed=1"):
        write_run(tmp_path / "runs" / name)
    write_run(tmp_path / "other")
    for text, found in {
        "other": "other", "runs/spy-1": "runs/spy-1", "spy-1": "runs/spy-1", "q": "runs/qqq-1",
        "runs/q": "runs/qqq-1", "grid/seed=1": "runs/grid/seed=1", "grid": "runs/grid/seed=1",
        str(tmp_path / "other"): str(tmp_path / "other"),
    }.items():  # fmt: skip
        assert find_run(Path(text)) == Path(found)


def test_a_name_of_no_run_or_of_several_is_refused_with_the_nearest_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(EvolveError, match="no run in spy") as refused:
        find_run(Path("spy"))
    assert "expected a run folder" in refused.value.hint
    for number in range(5):
        write_run(tmp_path / "runs" / f"spy-{number}")
    with pytest.raises(EvolveError, match="5 runs have names that begin with `spy`") as refused:
        find_run(Path("spy"))
    assert refused.value.hint == "did you mean `spy-0`, `spy-1`, `spy-2` or one of 2 more?"
    with pytest.raises(EvolveError, match="no run in spx-1") as refused:
        find_run(Path("spx-1"))
    assert "did you mean `spy-1`" in refused.value.hint
    with pytest.raises(EvolveError, match="no run in runs/s"):
        find_run(Path("runs/s"), with_prefix=False)
