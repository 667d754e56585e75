"""Disk that is full: the run ends with a clear error, and what it has is readable."""

from __future__ import annotations

import os
import subprocess
from contextlib import closing
from pathlib import Path

import pytest

from evolve.store import Journal
from evolve.store.rows import read_rows
from tests.command_line import EVOLVE, ROOT, invoke
from tests.experiment.small_runs import write_experiment

resource = pytest.importorskip("resource")


def run_limited(folder: Path, max_bytes: int) -> subprocess.CompletedProcess[str]:
    """Run a small experiment of which no file may be longer than a limit."""
    limit = f"import resource; resource.setrlimit(resource.RLIMIT_FSIZE, ({max_bytes},) * 2);"
    command = f"{limit} import os, sys; os.execv(sys.argv[1], sys.argv[1:])"
    experiment = write_experiment(folder)
    arguments = ["run", str(experiment), "--out", str(folder / "run")]
    return subprocess.run(
        [EVOLVE[0], "-c", command, *EVOLVE, *arguments, "--set", "validate.null_runs=0"],
        capture_output=True, text=True, check=False, timeout=120,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("max_bytes", [120_000, 150_000])
def test_a_disk_that_fills_in_a_run_ends_it_at_its_last_checkpoint(
    tmp_path: Path, max_bytes: int
) -> None:
    done = run_limited(tmp_path, max_bytes)
    folder = tmp_path / "run"
    path = folder / "journal.sqlite"
    assert done.returncode == 1, done
    assert "Traceback" not in done.stderr
    assert f"error: cannot write {path}: " in done.stderr
    assert f"= free some space; to go on: evolve resume {folder}" in done.stderr
    trials = read_rows(path).trials
    with closing(Journal(path)) as journal:
        last = journal.read_checkpoint()
    assert 0 < len(trials) == last.trials < 200
    assert not (folder / "result.json").exists()
    assert "stopped" in invoke("show", str(folder)).out


@pytest.mark.slow
def test_a_disk_that_is_full_at_the_start_is_an_error(tmp_path: Path) -> None:
    done = run_limited(tmp_path, 20_000)
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert "error: cannot write" in done.stderr
