"""Kills of a real run at any moment: the best strategy is never lost, and no worker remains."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import time
from pathlib import Path

import pytest

from dsl.analysis.check import check_file
from tests.command_line import EVOLVE, ROOT
from tests.experiment.small_runs import NOISE, write_experiment

KILLS, SHORT_FORM = 20, 6
MAX_SECONDS = 2.0  # after the folder exists: within the search
SIGNALS = (signal.SIGKILL, signal.SIGTERM, signal.SIGHUP, signal.SIGINT)


def start_run(folder: Path, workers: int) -> subprocess.Popen[str]:
    """Start a long run in its own process group, as a shell does."""
    settings = (f"workers={workers}", "budget.evaluations=1000000", "validate.null_runs=0")
    options = [part for each in settings for part in ("--set", each)]
    return subprocess.Popen(
        [*EVOLVE, "run", str(write_experiment(folder, NOISE)), *options,
         "--out", str(folder / "run")],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip


def list_processes(session: int) -> list[int]:
    """Return the processes of a session that are no zombies."""
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, _, _, number = path.read_text().rpartition(")")[2].split()[:4]
        except OSError:
            continue
        if int(number) == session and state != "Z":
            found.append(int(path.parent.name))
    return found


def wait_until_gone(session: int) -> None:
    for _ in range(1000):
        if not list_processes(session):
            return
        time.sleep(0.01)
    raise AssertionError(f"processes remain: {list_processes(session)}")


def assert_readable(folder: Path) -> bool:
    """Check all strategies that a run left; return whether it left the best one."""
    for path in (folder / "finalists").glob("*"):
        if path.suffix == ".evo":
            assert check_file(path.read_text("utf-8"))
    if not (folder / "best.evo").exists():
        return False
    (program,) = check_file((folder / "best.evo").read_text("utf-8"))
    assert program.name == "small"
    return True


def kill_and_examine(parent: Path, number: int) -> None:
    """Send a signal to a run at a random instant, and examine what it leaves."""
    rng = random.Random(number)
    sent, workers = SIGNALS[number % len(SIGNALS)], 1 + number // len(SIGNALS) % 2
    process = start_run(parent, workers)
    folder = parent / "run"
    while not (folder / "journal.sqlite").exists():
        time.sleep(0.002)
        assert process.poll() is None
    wait = rng.uniform(0.0, MAX_SECONDS)
    time.sleep(wait)
    had_best = (folder / "best.evo").exists()
    (os.killpg if number % 3 else os.kill)(process.pid, sent)
    out, err = process.communicate(timeout=120)
    wait_until_gone(process.pid)
    has_best = assert_readable(folder)
    print(f"{sent.name} after {wait:.2f} s, {workers} workers: best.evo {has_best}")
    assert has_best >= had_best
    assert "Traceback" not in out + err
    if sent == signal.SIGKILL:
        assert process.returncode == -signal.SIGKILL
        assert not (folder / "result.json").exists()
        return
    assert process.returncode == 130, err
    if "stopping after this epoch" not in err:  # before the search, it ends at once
        assert "interrupted" in err
        return
    document = json.loads((folder / "result.json").read_text("utf-8"))
    assert document["stop_reason"] == "interrupted"
    assert has_best == ("best" in document)
    assert "finalist: 1 of" in (folder / "best.evo").read_text("utf-8") if has_best else True


@pytest.mark.slow
@pytest.mark.parametrize("number", range(SHORT_FORM))
def test_a_run_that_is_killed_leaves_its_best(tmp_path: Path, number: int) -> None:
    kill_and_examine(tmp_path, number)


@pytest.mark.soak
@pytest.mark.parametrize("number", range(SHORT_FORM, KILLS))
def test_a_run_that_is_killed_at_another_moment_leaves_its_best(
    tmp_path: Path, number: int
) -> None:
    kill_and_examine(tmp_path, number)


@pytest.mark.slow
@pytest.mark.parametrize("sent", SIGNALS[1:])
def test_a_second_signal_ends_the_run_at_once(tmp_path: Path, sent: signal.Signals) -> None:
    process, best = start_run(tmp_path, 2), tmp_path / "run" / "best.evo"
    while not best.exists():
        time.sleep(0.01)
        assert process.poll() is None
    os.killpg(process.pid, sent)
    os.killpg(process.pid, signal.SIGINT)
    out, err = process.communicate(timeout=30)
    assert process.returncode == 130, err
    assert "Traceback" not in out + err
    wait_until_gone(process.pid)
    assert assert_readable(tmp_path / "run")
