"""Sweeps: equal for any number of processes, one family of attempts, and resumable."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from evolve.errors import EvolveError
from evolve.experiment.sweep.folder import PointRow, SweepFolder
from evolve.experiment.sweep.side_by_side import run_side_by_side
from evolve.experiment.sweep.sweep import begin_sweep, list_rows, open_sweep
from evolve.stop import Stop
from evolve.store import JOURNAL
from evolve.store.lock import is_locked
from evolve.validation.ledger import Ledger, ledger_path
from evolve.validation.run_ledger import SWEEP, RunLedger
from tests.command_line import EVOLVE, ROOT, invoke, refuse, start
from tests.experiment.small_runs import NOISE, write_experiment
from tests.experiment.test_kills import wait_until_gone

GRID = ("search.population=10,20", "seed=1..2", "budget.evaluations=60", "validate.null_runs=0")
TESTED = (*GRID[:-1], "validate.null_runs=19")
VOLATILE = ("elapsed_seconds", "evaluations_per_second", "proposer_seconds", "run_dir")


def sweep(folder: Path, processes: int, grid: Sequence[str] = GRID) -> list[PointRow]:
    """Run a sweep with a ledger of its own; return its rows."""
    path = write_experiment(folder, NOISE)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("EVOLVE_HOME", str(folder / "home"))
        begun = begin_sweep(path, [*grid, f"workers={processes}"], folder / "sweep")
        assert begun.processes == processes
        list(begun.run(Stop()))
        return list_rows(begun.folder)


def strip(rows: list[PointRow]) -> list[PointRow]:
    return [replace(each, seconds=0.0) for each in rows]


def read_results(folder: Path) -> list[dict[str, Any]]:
    """Return the results of all runs of a sweep, without what time decides."""
    results = []
    for path in sorted(folder.glob("*/result.json")):
        document = json.loads(path.read_text("utf-8"))
        results.append({key: each for key, each in document.items() if key not in VOLATILE})
    return results


@pytest.fixture(scope="module")
def serial(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[PointRow]]:
    """Return the folder of a sweep that ran one run after another, and its rows."""
    folder = tmp_path_factory.mktemp("serial")
    return folder / "sweep", sweep(folder, 1)


def test_a_sweep_is_equal_for_two_processes_and_after_a_stop(
    serial: tuple[Path, list[PointRow]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EVOLVE_HOME", str(tmp_path / "home"))
    path, rows = serial
    begun = begin_sweep(write_experiment(tmp_path, NOISE), [*GRID, "workers=2"], tmp_path / "sweep")
    stop = Stop()
    for _ in begun.run(stop):
        stop.set()
    statuses = {each.status for each in list_rows(begun.folder)}
    assert {"finished", "not started"} <= statuses <= {"finished", "not started", "stopped"}
    list(open_sweep(tmp_path / "sweep").run(Stop()))
    assert strip(list_rows(begun.folder)) == strip(rows)
    assert read_results(tmp_path / "sweep") == read_results(path)
    assert [each.status for each in rows] == ["finished"] * 4
    assert len({each.score for each in rows}) > 1


@pytest.mark.slow
def test_each_run_is_tested_as_one_of_all_runs_in_any_order(tmp_path: Path) -> None:
    rows = [sweep(tmp_path / str(count), count, TESTED) for count in (1, 2)]
    assert strip(rows[0]) == strip(rows[1])
    one, two = (read_results(tmp_path / str(count) / "sweep") for count in (1, 2))
    assert one == two
    assert [each["validation"]["family"]["runs"] for each in one] == [4] * 4
    assert all(each["holdout"]["sealed"] for each in one)


def test_the_rows_have_the_figures_of_the_runs(serial: tuple[Path, list[PointRow]]) -> None:
    folder, rows = serial
    for row in rows:
        result = json.loads((folder / row.folder / "result.json").read_text("utf-8"))
        assert row.trials == result["trials"]["evaluated"]
        assert row.verdict == result["verdict"]["label"]
        assert row.seconds == result["elapsed_seconds"]
        assert row.validation == result["best"]["metrics"]["validation"][row.objective]
    settings = [(each.settings["search.population"], each.settings["seed"]) for each in rows]
    assert settings == [("10", "1"), ("10", "2"), ("20", "1"), ("20", "2")]
    assert rows[3].folder == "4-population=20-seed=2"


def test_a_finished_sweep_runs_nothing_again(serial: tuple[Path, list[PointRow]]) -> None:
    before = {each: each.stat().st_mtime_ns for each in serial[0].glob("results/*")}
    assert list(open_sweep(serial[0]).run(Stop())) == []
    assert {each: each.stat().st_mtime_ns for each in serial[0].glob("results/*")} == before


def test_a_run_that_finished_before_its_row_is_not_run_again(
    serial: tuple[Path, list[PointRow]], tmp_path: Path
) -> None:
    path, rows = serial
    folder = tmp_path / "sweep"
    shutil.copytree(path, folder)
    (folder / "results/2.json").unlink()
    notes = folder / rows[1].folder / "notes.txt"
    notes.touch()
    before = notes.with_name("result.json").read_bytes()
    assert list(open_sweep(folder).run(Stop())) == [rows[1]]
    assert list_rows(SweepFolder(folder)) == rows
    assert notes.exists()
    assert notes.with_name("result.json").read_bytes() == before


def test_a_run_that_was_killed_before_it_began_runs_again(
    serial: tuple[Path, list[PointRow]], tmp_path: Path
) -> None:
    path, rows = serial
    folder = tmp_path / "sweep"
    shutil.copytree(path, folder)
    (folder / "results/2.json").unlink()
    shutil.rmtree(folder / rows[1].folder)
    (folder / rows[1].folder).mkdir()
    (folder / rows[1].folder / JOURNAL).touch()
    assert strip(list(open_sweep(folder).run(Stop()))) == strip([rows[1]])


def test_a_table_with_a_missing_run_names_the_command_to_go_on(
    serial: tuple[Path, list[PointRow]], tmp_path: Path
) -> None:
    folder = tmp_path / "a sweep"
    shutil.copytree(serial[0], folder)
    assert "to go on" not in invoke("sweep", str(folder)).err
    (folder / "results/2.json").unlink()
    assert f"to go on: evolve sweep '{folder}' --resume" in invoke("sweep", str(folder)).err


def test_a_changed_experiment_is_refused(
    tmp_path: Path,
) -> None:
    path = write_experiment(tmp_path, NOISE)
    begin_sweep(path, GRID, tmp_path / "sweep")
    path.write_text(path.read_text("utf-8").replace("folds: 2", "folds: 3"), "utf-8")
    with pytest.raises(EvolveError, match=r"changed since the sweep began \(runs 1, 2, 3, 4\)"):
        open_sweep(tmp_path / "sweep")


@pytest.mark.usefixtures("own_home")
def test_a_run_that_fails_ends_no_other(tmp_path: Path) -> None:
    grid = [*GRID[2:], "seed=1,2"]
    begun = begin_sweep(write_experiment(tmp_path, NOISE), grid, tmp_path / "sweep")
    (tmp_path / "sweep" / begun.points[0].folder).mkdir()
    (tmp_path / "sweep" / begun.points[0].folder / "notes").touch()
    rows = sorted(begun.run(Stop()), key=lambda row: row.number)
    assert [each.status for each in rows] == ["failed", "finished"]
    assert "already exists and is not empty" in rows[0].error
    assert list_rows(begun.folder) == rows


@pytest.mark.usefixtures("own_home")
@pytest.mark.slow
def test_a_finished_run_whose_row_was_lost_does_not_run_again(
    serial: tuple[Path, list[PointRow]], tmp_path: Path
) -> None:
    shutil.copytree(serial[0], tmp_path / "sweep")
    rows = serial[1]
    first, second, third, _ = (tmp_path / "sweep" / each.folder for each in rows)
    (first / "report.html").touch()
    before = (first / "journal.sqlite").read_bytes()
    for path in second.iterdir():
        path.unlink() if path.is_file() else shutil.rmtree(path)
    (second / "journal.sqlite").touch()  # of a run that was killed before it began
    document = json.loads((third / "result.json").read_text("utf-8"))
    (third / "result.json").write_text(json.dumps({**document, "unfinished": True}), "utf-8")
    for path in (tmp_path / "sweep" / "results").iterdir():
        path.unlink()
    again = sorted(open_sweep(tmp_path / "sweep").run(Stop()), key=lambda row: row.number)
    assert strip(again) == strip(rows)
    assert (first / "journal.sqlite").read_bytes() == before


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda each: each["points"][0].update(folder="../other"), "points.0.folder"),
        (lambda each: each["points"][0].update(folder="/tmp/other"), "points.0.folder"),
        (lambda each: each["points"].pop(), "expected 4 runs, found 3"),
        (lambda each: each.update(processes=0), "processes"),
    ],
)
def test_a_damaged_sweep_is_refused(
    tmp_path: Path, change: Callable[[Any], object], message: str
) -> None:
    begin_sweep(write_experiment(tmp_path, NOISE), GRID, tmp_path / "sweep")
    path = tmp_path / "sweep" / "sweep.json"
    document = json.loads(path.read_text("utf-8"))
    change(document)
    path.write_text(json.dumps(document), "utf-8")
    assert message in refuse("sweep", str(tmp_path / "sweep"), "--resume")


def test_a_result_of_another_run_is_refused(tmp_path: Path) -> None:
    begun = begin_sweep(write_experiment(tmp_path, NOISE), GRID, tmp_path / "sweep")
    row = list_rows(begun.folder)[1]
    begun.folder.write_row(replace(row, number=1))
    assert "the result of run 1 is that of another run" in refuse("sweep", str(tmp_path / "sweep"))


def die(number: int, stop: Stop) -> None:
    if number == 2:
        os.kill(os.getpid(), signal.SIGKILL)


def wait_for_stop(folder: Path, number: int, stop: Stop) -> None:
    (folder / str(number)).touch()
    while not stop.is_set:
        time.sleep(0.01)


@pytest.mark.parametrize("processes", [1, 3])
def test_a_process_that_dies_is_reported_and_the_others_go_on(processes: int) -> None:
    ended = dict(run_side_by_side(die, [1, 2, 3, 4], processes, Stop()))
    assert ended == {1: 0, 2: -signal.SIGKILL, 3: 0, 4: 0}


def test_a_stop_reaches_the_running_tasks_and_begins_no_other(tmp_path: Path) -> None:
    stop = Stop()

    def stop_once_two_run() -> None:
        while len(list(tmp_path.iterdir())) < 2:
            time.sleep(0.01)
        stop.set()

    Thread(target=stop_once_two_run, daemon=True).start()
    ended = dict(run_side_by_side(partial(wait_for_stop, tmp_path), [1, 2, 3], 2, stop))
    assert ended == {1: 0, 2: 0}


def test_a_ledger_without_a_sweep_leaves_out_no_run(tmp_path: Path) -> None:
    ledger = RunLedger(Ledger(tmp_path / "ledger.sqlite"))
    ledger.record_sweep(["a", "b", "b"])
    ledger.record_sweep(["b", "c"])
    assert ledger.leave_out_sweep("x").other_members == 0
    assert ledger.leave_out_sweep("a").other_members == 2
    assert ledger.leave_out_sweep("b").other_members == 3
    assert ledger.leave_out_sweep("b").members == {"a", "b", "c"}
    ledger.record_begin("bars", "a")
    ledger.record_begin("bars", "x")
    assert ledger.count_abandoned("bars") == 2
    assert ledger.leave_out_sweep("b").count_abandoned("bars") == 1
    ledger.record_sweep(["b", "c"])
    assert len(ledger.ledger.read(SWEEP)) == 2


@pytest.mark.usefixtures("own_home")
def test_all_errors_are_found_before_the_first_run(tmp_path: Path) -> None:
    path = str(write_experiment(tmp_path))
    for settings, message in (
        (["search.populaton=10,20"], "did you mean `population`?"),
        (["search.population=10,2,3", "seed=-1"], "at least 0"),
        (["fitness.maximize=sharpe,[sharpe]"], "two runs of the grid are equal"),
        (["validate.holdout=auto"], "a sweep opens no holdout"),
        (["workers.processes=1,2"], "the runs of a sweep share the processes"),
        (["workers=1,2"], "the runs of a sweep share the processes"),
        (["seed=1..99999999999999999999"], "at most 10,000 runs"),
        (["start_from=a.evo,b.evo"], "no such file"),
        (["data.from=csv:missing.csv"], "missing.csv"),
    ):
        options = [part for each in settings for part in ("--set", each)]
        done = invoke("sweep", path, *options, "--out", str(tmp_path / "out"), status=1)
        assert message in done.err
    assert not (tmp_path / "out").exists()
    assert Ledger(ledger_path()).read(SWEEP) == []


def test_a_dry_run_prints_the_grid_and_writes_nothing(tmp_path: Path) -> None:
    path = write_experiment(tmp_path)
    done = invoke(
        "sweep", str(path), "--set", "seed=1..2", "--set", "budget.minutes=1,2", "--dry-run"
    )
    assert done.out.splitlines() == [
        "1  seed=1 budget.minutes=1", "2  seed=1 budget.minutes=2",
        "3  seed=2 budget.minutes=1", "4  seed=2 budget.minutes=2",
    ]  # fmt: skip
    assert [each.name for each in tmp_path.iterdir()] == ["small.yaml"]


def test_a_folder_without_a_sweep_is_refused(tmp_path: Path) -> None:
    assert "no sweep in" in refuse("sweep", str(tmp_path))
    assert "no sweep in" in refuse("sweep", str(tmp_path), "--resume")
    (tmp_path / "sweep.json").write_text('{"format": 2}')
    assert "sweep.json is damaged" in refuse("sweep", str(tmp_path))


@pytest.mark.slow
def test_a_killed_sweep_that_is_resumed_equals_one_that_was_not(
    serial: tuple[Path, list[PointRow]], tmp_path: Path
) -> None:
    path, folder = write_experiment(tmp_path, NOISE), tmp_path / "sweep"
    options = [part for each in (*GRID, "workers=2") for part in ("--set", each)]
    args = ("sweep", str(path), *options, "--out", str(folder))
    environment = {**os.environ, "EVOLVE_HOME": str(tmp_path / "home")}
    with subprocess.Popen(
        [*EVOLVE, *args], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        start_new_session=True, env={**environment, "PYTHONPATH": str(ROOT)},
    ) as running:  # fmt: skip
        for line in running.stderr or ():
            if line.startswith("1/4"):
                break
        os.killpg(running.pid, signal.SIGKILL)
    wait_until_gone(running.pid)
    assert not is_locked(folder)
    assert list_rows(SweepFolder(folder))[3].status != "finished"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("EVOLVE_HOME", str(tmp_path / "home"))
        invoke("sweep", str(folder), "--resume")
    assert strip(list_rows(SweepFolder(folder))) == strip(serial[1])
    assert read_results(folder) == read_results(serial[0])


@pytest.mark.usefixtures("own_home")
def test_a_sweep_whose_rows_cannot_be_written_prints_the_command_to_go_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse_row(*_: object) -> None:
        raise EvolveError("cannot write 1.json: No space left on device")

    monkeypatch.setattr(SweepFolder, "write_row", refuse_row)
    monkeypatch.setattr("evolve.experiment.sweep.sweep.run_side_by_side", lambda *_: iter([(1, 1)]))
    path, folder = write_experiment(tmp_path, NOISE), tmp_path / "sweep"
    done = invoke("sweep", str(path), "--set", "seed=1..2", "--out", str(folder), status=1)
    assert "No space left" in done.err
    assert f"to go on: evolve sweep {folder} --resume" in done.err


@pytest.mark.slow
def test_an_interrupt_ends_the_sweep_with_the_command_to_go_on(tmp_path: Path) -> None:
    path, folder = write_experiment(tmp_path, NOISE), tmp_path / "sweep"
    options = ["--set", "seed=1..4", "--set", "budget.evaluations=1000000"]
    with start("sweep", str(path), *options, "--out", str(folder)) as running:
        while not list(folder.glob("*/best.evo")):
            time.sleep(0.05)
        running.send_signal(signal.SIGINT)
        out, err = running.communicate(timeout=60)
    assert running.returncode == 130
    assert f"to go on: evolve sweep {folder} --resume" in err
    assert "stopped" in out
    statuses = {each.status for each in list_rows(SweepFolder(folder))}
    assert statuses == {"stopped", "not started"}
