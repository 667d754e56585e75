"""Kills of a real run at random instants of its whole life: it goes on to the same result."""

from __future__ import annotations

import multiprocessing
import os
import random
import shutil
import sys
import time
from dataclasses import dataclass
from multiprocessing.process import BaseProcess
from pathlib import Path

import pytest

from evolve.errors import EvolveError
from evolve.experiment.plan import read_plan
from evolve.experiment.resume import resume
from evolve.experiment.run import run
from evolve.report.save import save_report
from evolve.store.database import is_unwritten
from tests.experiment.compare_runs import assert_equal_runs
from tests.experiment.small_runs import write_experiment

KILLS, SHORT_FORM = 50, 4
PASSES = "synthetic:planted?seed=8&bars=2500&edge_bps=100&rule=roc(close, 1) < 0"
SETTINGS = (
    "search.population=10", "budget.evaluations=80", "validate.null_runs=19",
    "validate.walk_forward={windows: 2}",
)  # fmt: skip
FINISHED = 3  # exit code
FORKS = multiprocessing.get_context("forkserver")

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGKILL")


@dataclass(frozen=True)
class Whole:
    """Run that was never interrupted, and its duration in seconds."""

    folder: Path
    seconds: float


def run_here(folder: Path, workers: int) -> None:
    """Begin the run of a folder, or go on with it, in a process of its own group."""
    os.setsid()
    os.environ["EVOLVE_HOME"] = str(folder / "home")
    out = folder / "run"
    if not out.exists():
        plan = read_plan(folder / "small.yaml", (*SETTINGS, f"workers={workers}"))
        run(plan, out=out, report=save_report)
        return
    try:
        resume(out, report=save_report)
    except EvolveError as error:
        if "is finished" not in error.message:
            raise
        sys.exit(FINISHED)


def start(folder: Path, workers: int) -> BaseProcess:
    """Start a process whose modules are imported already, so that most of its life is the run."""
    process = FORKS.Process(target=run_here, args=(folder, workers))
    process.start()
    return process


@pytest.fixture(scope="module")
def wholes(tmp_path_factory: pytest.TempPathFactory) -> dict[int, Whole]:
    """Return runs by number of workers."""
    FORKS.set_forkserver_preload([__name__])
    warm = tmp_path_factory.mktemp("warm")  # the first run waits for imports, too
    write_experiment(warm, PASSES)
    wait_for(start(warm, 1))
    return {workers: measure(tmp_path_factory.mktemp("whole"), workers) for workers in (1, 2)}


def measure(folder: Path, workers: int) -> Whole:
    write_experiment(folder, PASSES)
    started = time.monotonic()
    wait_for(start(folder, workers))
    return Whole(folder / "run", time.monotonic() - started)


def wait_for(process: BaseProcess) -> None:
    process.join()
    assert process.exitcode in (0, FINISHED)


def kill_after(process: BaseProcess, seconds: float) -> bool:
    """Kill a process; return whether it had not ended."""
    process.join(seconds)
    if process.exitcode is None:
        process.kill()
        process.join()
        return True
    assert process.exitcode in (0, FINISHED)
    return False


def remove_unbegun(folder: Path) -> None:
    """Remove a run folder that was stopped before its journal began, as the hint asks."""
    journal = folder / "journal.sqlite"
    if folder.exists() and (not journal.exists() or is_unwritten(journal)):
        if journal.exists():
            with pytest.raises(EvolveError, match="has not begun"):
                resume(folder)
        shutil.rmtree(folder)


def kill_and_compare(folder: Path, wholes: dict[int, Whole], number: int) -> None:
    """Kill a run once to three times at random instants, go on, and compare."""
    rng, workers = random.Random(number), 1 + number % 2
    whole = wholes[workers]
    write_experiment(folder, PASSES)
    for share in [rng.random() for _ in range(1 + number % 3)]:
        is_killed = kill_after(start(folder, workers), share * whole.seconds)
        print(f"kill at {share:.2f} of {whole.seconds:.1f} s: {is_killed}")
        remove_unbegun(folder / "run")
    wait_for(start(folder, workers))
    assert_equal_runs(folder / "run", whole.folder)
    names = {path.name for path in (folder / "run").rglob("*")}
    assert {"result.json", "report.html"} <= names
    assert not [each for each in names if each.startswith(".evolve")]


@pytest.mark.slow
@pytest.mark.parametrize("number", range(SHORT_FORM))
def test_a_run_that_is_killed_at_a_random_instant_goes_on(
    tmp_path: Path, wholes: dict[int, Whole], number: int
) -> None:
    kill_and_compare(tmp_path, wholes, number)


@pytest.mark.soak
@pytest.mark.parametrize("number", range(SHORT_FORM, KILLS))
def test_a_run_that_is_killed_at_any_of_many_instants_goes_on(
    tmp_path: Path, wholes: dict[int, Whole], number: int
) -> None:
    kill_and_compare(tmp_path, wholes, number)
