"""Memory, journal and checkpoints of a long run, its resumption, and the list of many runs.

A run of `durable.yaml` kills its process after a million trials. `evolve resume` then continues
it, and `evolve show` and `evolve report` read it. The wide run has 64 islands of 1,000 strategies,
of up to 500 nodes. The cost of checkpoints is also the CPU time of runs with and without them.
`--short` measures the same on 20,000 trials.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar
from unittest.mock import patch

from report import report

from evolve.experiment import execute
from evolve.experiment.observer import Observer
from evolve.experiment.run import run
from evolve.search.history import SearchHistory
from evolve.search.progress import Progress
from evolve.store import JOURNAL, checkpoints
from evolve.store.database import Database

EXPERIMENT = Path(__file__).with_suffix(".yaml")
MARKS = (0.1, 0.5, 1.0)  # parts of the trials
WIDE = ("search.islands=64", "search.population=1000", "language.max_nodes=500",
        "search.generations_per_epoch=2")  # fmt: skip
ROUNDS = 3
Value = TypeVar("Value")


@dataclass(frozen=True)
class Sizes:
    """Sizes of what is measured.

    Attributes:
        trials: of the long run.
        wide: settings of the wide run.
        wide_trials: of the wide run.
        compared: trials of a run with or without checkpoints.
        runs: number of runs in the list.
        listed: trials of each of them.
    """

    trials: int = 1_000_000
    wide: Sequence[str] = WIDE
    wide_trials: int = 200_000
    compared: int = 50_000
    runs: int = 200
    listed: int = 5_000


SHORT = Sizes(20_000, (*WIDE, "search.islands=4", "search.population=100"), 2_000, 5_000, 20, 500)


@dataclass
class Meter(Observer):
    """Memory, files and time of checkpoints of a run; kills the process at its end.

    Attributes:
        folder: the run folder.
        trials: number of trials after which the process ends.
        seconds: time by part of a checkpoint.
        rows: one per epoch: trials, seconds, megabytes of memory, bytes of the log of SQLite.
    """

    folder: Path
    trials: int
    seconds: dict[str, float] = field(default_factory=lambda: defaultdict(float))
    rows: list[tuple[int, float, float, int]] = field(default_factory=list)

    def progress(self, progress: Progress, seconds: float) -> None:
        log = (self.folder / f"{JOURNAL}-wal").stat().st_size
        self.rows.append((progress.evaluated, seconds, read_memory(), log))
        if progress.evaluated >= self.trials:
            self._end()

    def wrap(self, name: str, call: Callable[..., Value]) -> Callable[..., Value]:
        """Return a function that calls another and adds its time."""

        def timed(*args: Any, **options: Any) -> Value:
            started = time.perf_counter()
            try:
                return call(*args, **options)
            finally:
                self._add(name, started)

        return timed

    def time_commits(
        self, write: Callable[[Database], AbstractContextManager[sqlite3.Connection]]
    ) -> Callable[[Database], AbstractContextManager[sqlite3.Connection]]:
        """Return a context manager of a transaction that adds the time of its commit."""

        @contextmanager
        def timed(database: Database) -> Iterator[sqlite3.Connection]:
            with write(database) as connection:
                yield connection
                started = time.perf_counter()
            self._add("commit", started)

        return timed

    def _add(self, name: str, started: float) -> None:
        self.seconds[name] += time.perf_counter() - started

    def _end(self) -> None:
        path = self.folder / JOURNAL
        with closing(sqlite3.connect(path)) as connection:
            states = "SELECT COUNT(*), SUM(LENGTH(state)), MAX(LENGTH(state)) FROM checkpoints"
            count, bytes_, largest = connection.execute(states).fetchone()
            (pages,) = connection.execute("PRAGMA page_count").fetchone()  # those of the log, too
            (page_bytes,) = connection.execute("PRAGMA page_size").fetchone()
        trials, seconds, *_ = self.rows[-1]
        epochs = len(self.rows) - 1
        marks = [next(each for each in self.rows if each[0] >= self.trials * part)
                 for part in MARKS]  # fmt: skip
        growth = 1e6 * (marks[-1][2] - marks[0][2]) / max(trials - marks[0][0], 1)
        figures = {
            "trials": trials,
            "seconds": round(seconds, 1),
            "memory_mb": {f"{part:.0%}": round(mark[2]) for part, mark in zip(MARKS, marks,
                                                                             strict=True)},
            "memory_bytes_per_trial": round(growth),
            "journal_bytes_per_trial": round(pages * page_bytes / trials),
            "checkpoint_bytes_per_trial": round(bytes_ / trials),
            "largest_checkpoint_kb": round(largest / 1e3),
            "checkpoints": count,
            "checkpoint_ms": round(1e3 * sum(self.seconds.values()) / epochs, 1),
            "checkpoint_share": round(sum(self.seconds.values()) / seconds, 4),
            "parts": {name: round(spent / seconds, 4) for name, spent in self.seconds.items()},
            "max_log_mb": round(max(row[3] for row in self.rows) / 1e6, 1),
        }  # fmt: skip
        print(json.dumps(figures), flush=True)
        os.kill(os.getpid(), signal.SIGKILL)


def read_memory() -> float:
    """Return the resident memory of this process in megabytes."""
    pages = int(Path("/proc/self/statm").read_text("utf-8").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def run_until_killed(folder: Path, trials: int, settings: Sequence[str]) -> None:
    """Run the experiment, with a larger budget, until this process is killed."""
    meter = Meter(folder, trials)
    parts: list[tuple[object, str]] = [
        (execute, "describe_state"), (SearchHistory, "save"), (SearchHistory, "add"),
        (checkpoints, "insert_checkpoint"), (Database, "trim_log"),
    ]  # fmt: skip
    with ExitStack() as stack:
        for owner, name in parts:
            call = meter.wrap(name, getattr(owner, name))
            stack.enter_context(patch.object(owner, name, call))
        stack.enter_context(patch.object(Database, "write", meter.time_commits(Database.write)))
        run(EXPERIMENT, [*settings, f"budget.evaluations={2 * trials}"], folder, meter)


def measure_cpu(folder: Path, trials: int, has_checkpoints: bool) -> float:
    """Return the CPU seconds of a run with or without checkpoints."""
    with ExitStack() as stack:
        if not has_checkpoints:
            stack.enter_context(patch.object(execute, "describe_state", lambda _: {}))
            stack.enter_context(patch.object(SearchHistory, "save", lambda *_: {}))
            stack.enter_context(patch.object(checkpoints, "insert_checkpoint", lambda *_: None))
        run(EXPERIMENT, ["budget.evaluations=1000"], folder / "warm")
        started = time.process_time()
        run(EXPERIMENT, [f"budget.evaluations={trials}"], folder / "run")
        return time.process_time() - started


def measure_resume(folder: Path) -> dict[str, float]:
    """Measure `evolve resume`, from the start of its process to its first lines; kill it then."""
    with closing(sqlite3.connect(folder / JOURNAL)) as connection:
        (epoch,) = connection.execute("SELECT MAX(epoch) FROM checkpoints").fetchone()
    started = time.perf_counter()
    command = [sys.executable, "-m", "evolve", "resume", str(folder)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                          text=True) as process:  # fmt: skip
        assert process.stderr is not None
        seconds = dict[str, float]()
        for line in process.stderr:
            if line.startswith(f"epoch {epoch}:"):
                seconds["seconds"] = round(time.perf_counter() - started, 2)
            if line.startswith(f"epoch {epoch + 1}:"):
                seconds["with_first_epoch"] = round(time.perf_counter() - started, 2)
                break
        process.kill()
        _, _, used = os.wait4(process.pid, 0)
        process.returncode = 0
    return {
        **seconds,
        "cpu_seconds": round(used.ru_utime + used.ru_stime, 2),
        "peak_mb": round(used.ru_maxrss / 1024),
    }


def measure_command(*words: str) -> dict[str, float]:
    """Measure a command: seconds, CPU seconds and peak memory."""
    started = time.perf_counter()
    with subprocess.Popen([sys.executable, "-m", "evolve", *words], stdout=subprocess.DEVNULL
                          ) as process:  # fmt: skip
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = status
    assert status == 0, words
    return {
        "seconds": round(time.perf_counter() - started, 2),
        "cpu_seconds": round(used.ru_utime + used.ru_stime, 2),
        "peak_mb": round(used.ru_maxrss / 1024),
    }


def measure_list(folder: Path, runs: int, trials: int) -> float:
    """Return the seconds of `evolve runs` on copies of one run: the median."""
    first = folder / "run-0"
    run(EXPERIMENT, [f"budget.evaluations={trials}", "search.population=100"], first)
    for number in range(1, runs):
        shutil.copytree(first, folder / f"run-{number}")
    return statistics.median(measure_command("runs", str(folder))["seconds"] for _ in range(ROUNDS))


def run_case(*words: str) -> dict[str, Any]:
    """Run a case of this script in another process; return its figures."""
    command = [sys.executable, __file__, "--case", *words]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
    if not done.stdout:
        raise RuntimeError(f"the case {' '.join(words)} printed nothing")
    figures: dict[str, Any] = json.loads(done.stdout)
    print(words[0], figures, file=sys.stderr, flush=True)
    return figures


def compare_checkpoints(folder: Path, trials: int) -> float:
    """Return the CPU time of a run in proportion to one without checkpoints: a median."""
    ratios = list[float]()
    for number in range(ROUNDS):
        seconds = [
            run_case("cpu", str(folder / f"{number}-{name}"), str(trials), name)["cpu_seconds"]
            for name in ("with", "without")
        ]
        ratios.append(seconds[0] / seconds[1])
    return round(statistics.median(ratios), 3)


def main() -> None:
    """Print the figures of all measurements."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--short", action="store_true", help="measure a small run")
    parser.add_argument("--case", nargs="+", help="one case, in this process")
    options = parser.parse_args()
    sizes = SHORT if options.short else Sizes()
    if options.case:
        case, folder, trials, *rest = options.case
        if case == "cpu":
            seconds = measure_cpu(Path(folder), int(trials), rest == ["with"])
            print(json.dumps({"cpu_seconds": seconds}))
        else:
            run_until_killed(Path(folder), int(trials), rest)
        return
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        os.environ["EVOLVE_HOME"] = str(folder / "home")
        long, wide = folder / "long", folder / "wide"
        figures = {
            "long": run_case("long", str(long), str(sizes.trials)),
            "resume": measure_resume(long),
            "show": measure_command("show", str(long)),
            "report": measure_command("report", str(long)),
            "wide": run_case("wide", str(wide), str(sizes.wide_trials), *sizes.wide),
            "resume_wide": measure_resume(wide),
            "with_to_without_checkpoints": compare_checkpoints(folder, sizes.compared),
            "runs": sizes.runs,
            "runs_seconds": measure_list(folder / "list", sizes.runs, sizes.listed),
        }  # fmt: skip
    report("durable", **figures)


if __name__ == "__main__":
    main()
