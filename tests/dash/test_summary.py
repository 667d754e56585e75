"""The list of runs shows each state, and reads a folder again only after it changed."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from evolve.dash.run_list import RunList, build_blocks, measure_age
from evolve.dash.summary import ListedRun, SummaryCache
from evolve.errors import EvolveError
from evolve.experiment.model_costs import sum_cost
from evolve.experiment.run_view import read_view
from evolve.report.formats import format_duration
from evolve.report.page.blocks import Table, Text
from evolve.store import JOURNAL, RESULT, Journal
from tests.dash.live_server import copy_without_results, go_on, kill_run

NOW = datetime(2026, 11, 1, 12, tzinfo=UTC)


def read_one(folder: Path) -> ListedRun:
    (summary,) = SummaryCache(folder.parent).read()
    return summary


def test_a_finished_run_has_its_verdict(runs: Path) -> None:
    summary = read_one(runs / "done")
    assert (summary.state, summary.verdict, summary.fault) == ("finished", "NOT TESTED", "")
    assert summary.trials == 200
    assert summary.best is not None
    assert summary.usd is None


def test_the_cost_is_that_of_the_result_as_on_the_page_of_the_run(runs: Path) -> None:
    with closing(sqlite3.connect(runs / "done" / JOURNAL)) as connection, connection:
        for table in ("calls", "exchanges"):
            columns = connection.execute(f"PRAGMA table_info({table})").fetchall()
            empty = {
                name: 0 if kind in ("INTEGER", "REAL") else "" for _, name, kind, *_ in columns
            }
            filled = {"usd": 0.25, "at": "2026-11-02T09:30:00+00:00"}
            row = tuple(
                (empty | {name: filled[name] for name in filled.keys() & empty.keys()}).values()
            )
            marks = ", ".join("?" * len(row))
            connection.execute(f"INSERT INTO {table} VALUES ({marks})", row)
    assert read_one(runs / "done").usd == 0.25
    path = runs / "done" / RESULT
    llm = {"calls": 2, "tokens_in": 1, "tokens_out": 1, "usd": 1.5}
    path.write_text(json.dumps(json.loads(path.read_text("utf-8")) | {"llm": llm}), "utf-8")
    assert read_one(runs / "done").usd == 1.5
    cost = sum_cost(read_view(runs / "done"))
    assert cost is not None
    assert cost.usd == 1.5


def test_a_run_is_running_while_its_lock_is_held(finished: Path, tmp_path: Path) -> None:
    (tmp_path / "runs").mkdir()
    folder = copy_without_results(finished, tmp_path / "runs" / "new")
    assert SummaryCache(folder.parent).read() == ()  # without a journal it is no run yet
    with go_on(folder) as journal:
        assert read_one(folder).state == "running"
        assert read_one(folder).best is None
        journal.event("epoch", number=1, evaluated=20, best=0.5)
        assert read_one(folder).best == 0.5
        shutil.copy(finished / RESULT, folder)  # before its null run, a run has a first result
        assert (read_one(folder).state, read_one(folder).verdict) == ("running", "")
    assert read_one(folder).state == "stopped"


def test_a_killed_run_is_stopped(finished: Path, tmp_path: Path) -> None:
    (tmp_path / "runs").mkdir()
    summary = read_one(kill_run(finished, tmp_path / "runs" / "killed"))
    assert (summary.state, summary.best, summary.verdict) == ("stopped", 0.25, "")


def test_an_unwritten_journal_is_no_damage(finished: Path, tmp_path: Path) -> None:
    (tmp_path / "runs").mkdir()
    folder = copy_without_results(finished, tmp_path / "runs" / "new")
    (folder / JOURNAL).touch()
    assert (read_one(folder).state, read_one(folder).fault) == ("stopped", "")


@pytest.mark.parametrize(
    ("name", "content"),
    [(JOURNAL, b"no database"), (JOURNAL, None), (RESULT, b"{"), (RESULT, b'{"verdict": 3}'),
     (RESULT, b"[" * 100_000)],
)  # fmt: skip
def test_a_damaged_folder_is_a_row_with_its_fault(
    runs: Path, name: str, content: bytes | None
) -> None:
    if content is None:
        (runs / "done" / name).unlink()
        (runs / "done" / name).mkdir()
    else:
        (runs / "done" / name).write_bytes(content)
    summary = read_one(runs / "done")
    assert name in summary.fault or "no run" in summary.fault


def test_a_run_without_its_journal_is_a_row_with_its_fault(runs: Path) -> None:
    (runs / "done" / JOURNAL).unlink()
    assert "no run in" in read_one(runs / "done").fault


def test_only_folders_of_runs_are_listed(runs: Path) -> None:
    (runs / "notes").mkdir()
    (runs / "file").touch()
    assert [each.name for each in SummaryCache(runs).read()] == ["done"]


def test_a_folder_is_read_again_only_after_it_changed(tmp_path: Path) -> None:
    for number in range(200):
        folder = tmp_path / f"run-{number:03}"
        folder.mkdir()
        with closing(Journal.create(folder / JOURNAL)) as journal:
            journal.event("epoch", number=1, evaluated=0, best=number)
    cache = SummaryCache(tmp_path)
    before = cache.read()
    assert len(before) == cache.reads == 200
    assert cache.read() == before
    assert cache.reads == 200
    with closing(Journal(tmp_path / "run-007" / JOURNAL)) as journal:
        journal.event("epoch", number=2, evaluated=0, best=9.5)
    after = {each.name: each.best for each in cache.read()}
    assert cache.reads == 201
    assert after["run-007"] == 9.5
    shutil.rmtree(tmp_path / "run-003")
    assert len(cache.read()) == 199
    assert cache.reads == 201


def test_the_newest_run_comes_first(runs: Path) -> None:
    for number in range(2):
        folder = runs / f"older-{number}"
        folder.mkdir()
        (folder / RESULT).touch()
        os.utime(folder, (number, number))
    assert [each.name for each in SummaryCache(runs).read()] == ["done", "older-1", "older-0"]


def test_a_folder_without_runs_says_how_to_start_one(tmp_path: Path) -> None:
    for folder in (tmp_path, tmp_path / "none"):
        (block,) = RunList(folder).build().sections[0].blocks
        assert isinstance(block, Text)
        assert "evolve run" in block.text


def test_a_folder_that_cannot_be_read_is_a_warning(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(EvolveError, match="Not a directory"):
        SummaryCache(tmp_path / "file").read()
    (block,) = RunList(tmp_path / "file").build().sections[0].blocks
    assert isinstance(block, Text)
    assert block.tone == "warning"


def test_the_column_of_faults_is_absent_without_faults() -> None:
    good = ListedRun("a", "running", "2026-11-01T11:00:00.000+00:00", 0.5, "", 10, 0.1)
    bad = ListedRun("b", None, "", fault="damaged")
    (table,) = build_blocks(Path("runs"), (good,), NOW)
    assert isinstance(table, Table)
    assert table.rows == (("a", "running", 3600.0, 0.5, "", 10, 0.1, "2026-11-01T11:00:00"),)
    (table,) = build_blocks(Path("runs"), (good, bad), NOW)
    assert isinstance(table, Table)
    at = [each.heading for each in table.columns].index("note")
    assert [row[at] for row in table.rows] == ["", "damaged"]
    assert all(len(row) == len(table.columns) for row in table.rows)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "under 1 min"), (59, "under 1 min"), (60, "1 min"), (3599, "59 min"), (3600, "1 h"),
     (86_399, "23 h"), (86_400, "1 d"), (1e8, "1,157 d"), (-5, "under 1 min")],
)  # fmt: skip
def test_an_age_changes_only_with_its_text(seconds: float, text: str) -> None:
    started = (NOW - timedelta(seconds=seconds)).isoformat()
    age = measure_age(started, NOW)
    assert age is not None
    assert format_duration(age) == text
    assert measure_age(started, NOW + timedelta(seconds=0.4)) == age


def test_an_unknown_start_has_no_age() -> None:
    assert measure_age("", NOW) is None
    assert measure_age("2026-11-01T12:00:00", NOW) is None  # no time zone
