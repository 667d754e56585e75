"""The live view writes nothing into a run folder, in any state of its files."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from evolve.store import JOURNAL
from evolve.store.journal import read_event
from tests.dash.live_server import (
    copy_without_results,
    go_on,
    hash_tree,
    kill_run,
    serve_runs,
)


def visit(runs: Path) -> None:
    """Read all pages of all runs, as several browsers do."""
    with serve_runs(runs) as server:
        for folder in runs.iterdir():
            for path in ("/", "/list/page.json", f"/runs/{folder.name}"):
                assert server.request(path).status == 200
            update = server.request(f"/runs/{folder.name}/page.json").text
            assert "cannot be shown" not in update
            with server.listen(f"/runs/{folder.name}/events") as versions:
                next(versions)


def stop(finished: Path, target: Path) -> Path:
    return kill_run(finished, target)


def stop_and_lose_index(finished: Path, target: Path) -> Path:
    return kill_run(finished, target, has_index=False)


def begin(finished: Path, target: Path) -> Path:
    folder = copy_without_results(finished, target)
    with go_on(folder):
        pass
    return folder


@pytest.mark.parametrize("create", [stop, stop_and_lose_index, begin])
@pytest.mark.parametrize("is_writable", [True, False])
def test_a_visit_changes_no_file(
    create: Callable[[Path, Path], Path], is_writable: bool, finished: Path, tmp_path: Path
) -> None:
    runs = tmp_path / "runs"
    runs.mkdir()
    folder = create(finished, runs / "one")
    if not is_writable:
        for path in folder.iterdir():
            path.chmod(0o444)
        folder.chmod(0o555)
    before = hash_tree(runs)
    visit(runs)
    after = hash_tree(runs)
    folder.chmod(0o755)
    assert after == before


def test_a_visit_of_a_finished_run_changes_no_file(runs: Path) -> None:
    before = hash_tree(runs)
    visit(runs)
    assert hash_tree(runs) == before


def test_a_visit_of_a_run_that_goes_on_changes_no_file(finished: Path, tmp_path: Path) -> None:
    (tmp_path / "runs").mkdir()
    folder = copy_without_results(finished, tmp_path / "runs" / "new")
    with go_on(folder) as journal:
        journal.event("epoch", number=1, evaluated=0, best=0.25)
        names = (JOURNAL, f"{JOURNAL}-wal", "run.lock", "experiment.yaml", "bars.parquet")
        before = [(folder / name).stat().st_mtime_ns for name in names], sorted(folder.iterdir())
        visit(tmp_path / "runs")
        after = [(folder / name).stat().st_mtime_ns for name in names], sorted(folder.iterdir())
        assert after == before
        journal.event("epoch", number=2, evaluated=0, best=0.5)  # the run is not disturbed


@pytest.mark.parametrize("has_index", [True, False])
def test_the_log_of_a_killed_run_is_read(finished: Path, tmp_path: Path, has_index: bool) -> None:
    folder = kill_run(finished, tmp_path / "killed", has_index)
    assert (folder / f"{JOURNAL}-shm").exists() == has_index
    assert read_event(folder / JOURNAL, "epoch")["best"] == 0.25
    assert (folder / f"{JOURNAL}-shm").exists() == has_index
