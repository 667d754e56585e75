"""Executors: the run does not depend on the number of processes or on their failures."""

from __future__ import annotations

import multiprocessing
import os
import pickle
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Sequence
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random

import pytest

from dsl.analysis.check import check
from dsl.analysis.program import Program
from evolve import parallel
from evolve.backtest.market import market
from evolve.data.generators import random_walk
from evolve.experiment.run import run
from evolve.files import open_spill
from evolve.fitness.fitness import FoldFitness
from evolve.fitness.goals import FitnessSpec
from evolve.notices import NoticeList
from evolve.parallel import count_worthwhile_processes
from evolve.search import executors
from evolve.search.executors import ProcessExecutor, SerialExecutor
from evolve.search.grow import grow_rules
from evolve.search.island import EpochTask, new_island
from evolve.search.problem import SearchProblem
from evolve.search.progress import Budget, Progress
from evolve.search.space import build_space
from evolve.search.trial_index import TrialIndex
from tests.search.toy import ToyScores, closeness, solve, toy_problem

MAIN_PROCESS = os.getpid()

SMALL = """
name: small
seed: 3
data: {from: "synthetic:garch?seed=4&bars=900"}
search: {islands: 3, population: 20, generations_per_epoch: 2}
fitness: {require: {trades_per_fold: 1}}
budget: {evaluations: 500, stale_epochs: null}
"""


@dataclass(frozen=True)
class ExitingScores:
    """Toy scores that end the worker process, a limited number of times.

    Attributes:
        times: number of workers to end.
        marks: folder with one file per ended worker.
    """

    times: int
    marks: Path

    def __call__(self, programs: Sequence[Program]) -> list[ToyScores]:
        dead = len(list(self.marks.iterdir()))
        if os.getpid() != MAIN_PROCESS and dead < self.times:
            (self.marks / str(os.getpid())).touch()
            os._exit(9)
        return closeness(programs)


def solve_in_processes(
    problem: SearchProblem, processes: int, log: NoticeList, islands: int = 4
) -> list[Progress]:
    with ProcessExecutor(problem, processes, log) as executor:
        return solve(problem, Budget(400), 5, islands, executor=executor)


def fingerprint(run: list[Progress]) -> list[tuple[str, object, str, int]]:
    return [
        (trial.program.hash, trial.scores, trial.proposer, trial.island)
        for each in run
        for trial in each.trials
    ]


@pytest.mark.parametrize("processes", [1, 2, 3])
def test_the_run_does_not_depend_on_the_number_of_processes(processes: int) -> None:
    log = NoticeList()
    serial = solve(toy_problem(), Budget(400), 5, 4)
    parallel_run = solve_in_processes(toy_problem(), processes, log)
    assert fingerprint(parallel_run) == fingerprint(serial)
    assert parallel_run[-1].stats == serial[-1].stats
    assert [each.rng_state for each in parallel_run[-1].islands] == [
        each.rng_state for each in serial[-1].islands
    ]
    assert log.texts == []


def test_an_epoch_whose_worker_dies_runs_again(tmp_path: Path) -> None:
    log = NoticeList()
    problem = replace(toy_problem(), evaluate=ExitingScores(1, tmp_path))
    assert fingerprint(solve_in_processes(problem, 2, log)) == fingerprint(
        solve(toy_problem(), Budget(400), 5, 4)
    )
    assert log.texts == ["a worker process died; its epoch runs again"]


def test_an_epoch_runs_in_the_main_process_if_workers_die_repeatedly(tmp_path: Path) -> None:
    log = NoticeList()
    problem = replace(toy_problem(), evaluate=ExitingScores(10**6, tmp_path))
    assert fingerprint(solve_in_processes(problem, 2, log)) == fingerprint(
        solve(toy_problem(), Budget(400), 5, 4)
    )
    assert log.texts[-1] == "worker processes die repeatedly; this epoch runs in the main process"


@pytest.mark.parametrize("first", [0, 1])
def test_a_full_temporary_folder_changes_no_result(
    monkeypatch: pytest.MonkeyPatch, first: int
) -> None:
    class Full:
        """Temporary file whose writes fail after the first ones."""

        def __init__(self) -> None:
            self.file, self.writes, self.name = open_spill(), 0, ""
            self.name = self.file.name

        def write(self, content: bytes) -> int:
            self.writes += 1
            if self.writes > first:
                raise OSError(28, "No space left on device")
            return self.file.write(content)

        def flush(self) -> None:
            self.file.flush()

        def close(self) -> None:
            self.file.close()

    expected = solve(toy_problem(), Budget(400), 5, 4)
    log = NoticeList()
    monkeypatch.setattr(executors, "open_spill", Full)
    assert fingerprint(solve_in_processes(toy_problem(), 2, log)) == fingerprint(expected)
    assert log.texts == [
        "no worker processes: [Errno 28] No space left on device; epochs run in the main process"
    ]


def test_a_machine_without_free_processes_changes_no_result(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse(*arguments: object) -> None:
        raise BlockingIOError(11, "Resource temporarily unavailable")

    expected = solve(toy_problem(), Budget(400), 5, 4)
    log = NoticeList()
    monkeypatch.setattr(executors, "open_pool", refuse)
    assert fingerprint(solve_in_processes(toy_problem(), 2, log)) == fingerprint(expected)
    assert len(log.texts) == 1


def test_the_busy_workers_of_a_broken_pool_end_at_once() -> None:
    """The pool sends them SIGTERM, whose handler in their parent, which they inherit, returns."""
    handler = signal.signal(signal.SIGTERM, lambda number, frame: None)
    try:
        pool = parallel.open_pool(3)
        pool.submit(time.sleep, 60)
        with pytest.raises(BrokenProcessPool):
            pool.submit(os._exit, 9).result()
        for _ in range(500):
            if not multiprocessing.active_children():
                break
            time.sleep(0.01)
        remaining = multiprocessing.active_children()
        for each in remaining:
            each.kill()
        assert remaining == []
    finally:
        signal.signal(signal.SIGTERM, handler)


def _describe_signals(number: int) -> tuple[bool, list[bool], bool]:
    ignored = [signal.getsignal(each) is signal.SIG_IGN for each in (signal.SIGINT, signal.SIGHUP)]
    is_default = signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
    return os.getpgrp() == os.getpid(), ignored, is_default


def test_workers_receive_no_signal_of_the_terminal() -> None:
    with parallel.open_pool(1) as pool:
        assert pool.submit(_describe_signals, 1).result() == (True, [True, True], True)


def test_an_exception_in_a_worker_is_raised_in_the_main_process() -> None:
    def fails(programs: Sequence[Program]) -> list[ToyScores]:
        if os.getpid() == MAIN_PROCESS:
            return closeness(programs)
        raise ValueError("no scores")

    with pytest.raises(ValueError, match="no scores"):
        solve_in_processes(replace(toy_problem(), evaluate=fails), 2, NoticeList())


def test_the_journal_does_not_depend_on_the_number_of_workers(tmp_path: Path) -> None:
    path, rows = tmp_path / "small.yaml", []
    path.write_text(SMALL)
    for workers in ("1", "2", "3"):
        out = tmp_path / workers
        run(path, [f"workers={workers}"], out=out)
        journal = sqlite3.connect(out / "journal.sqlite")
        rows.append(journal.execute("SELECT * FROM trials ORDER BY trial").fetchall())
        journal.close()
    assert len(rows[0]) == 500
    assert rows[0] == rows[1] == rows[2]


@pytest.mark.slow
def test_spawned_processes_give_the_same_run(monkeypatch: pytest.MonkeyPatch) -> None:
    """Run as on systems where a process cannot be forked safely."""
    monkeypatch.setattr(parallel, "METHOD", "spawn")
    problem = SearchProblem(
        build_space(), FoldFitness(random_walk(600, 2), market(), FitnessSpec()), (1.0, -1.0),
        20, 3, {"crossover": 1.0, "random": 1.0, "tune": 1.0},
    )  # fmt: skip
    serial = solve(problem, Budget(400), 5, 2)
    assert fingerprint(solve_in_processes(problem, 2, NoticeList(), islands=2)) == fingerprint(
        serial
    )


def children_of(process: int) -> list[int]:
    listed = subprocess.run(
        ["ps", "-o", "pid=", "--ppid", str(process)], capture_output=True, text=True, check=False
    )
    return [int(each) for each in listed.stdout.split()]


def is_alive(process: int) -> bool:
    try:
        return "State:\tZ" not in Path(f"/proc/{process}/status").read_text()
    except FileNotFoundError:
        return False


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_workers_exit_when_their_parent_is_killed(tmp_path: Path) -> None:
    (tmp_path / "long.yaml").write_text(SMALL.replace("500", "10000000"))
    running = subprocess.Popen(
        [sys.executable, "-m", "evolve", "run", str(tmp_path / "long.yaml"), "--set", "workers=2",
         "--out", str(tmp_path / "run")],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    deadline = time.monotonic() + 60
    while len(workers := children_of(running.pid)) < 2 and time.monotonic() < deadline:
        time.sleep(0.05)
    assert len(workers) == 2
    time.sleep(0.5)
    running.send_signal(signal.SIGKILL)
    running.wait(timeout=10)
    while any(map(is_alive, workers)) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not any(map(is_alive, workers))


def test_workers_do_not_evaluate_seen_programs() -> None:
    problem, index = toy_problem(), TrialIndex()
    task = [EpochTask(new_island(0, 1), problem.proposers, 50, 1, 3)]
    index.add_new(SerialExecutor(problem).submit(task, index)()[0].trials)
    assert len(index) == 50
    with ProcessExecutor(problem, 2, NoticeList()) as workers:
        (again,) = workers.submit(task, index)()
    assert not {trial.program.key for trial in again.trials} & index.seen


def test_the_number_of_processes_depends_on_cores_islands_and_budget(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(parallel, "count_cores", lambda: 8)
    monkeypatch.setattr(parallel, "METHOD", "fork")
    assert count_worthwhile_processes(4, 20_000) == 4
    assert count_worthwhile_processes(64, 20_000) == 8
    assert count_worthwhile_processes(4, 500) == 1
    monkeypatch.setattr(parallel, "METHOD", "spawn")
    assert count_worthwhile_processes(4, 20_000) == 1


# -- pickling


def copy_by_pickle(program: Program) -> Program:
    copy: Program = pickle.loads(pickle.dumps(program))  # noqa: S301
    return copy


def test_unpickled_programs_share_the_interned_terms() -> None:
    space, rng = build_space(directions=("long", "short")), Random(3)
    for _ in range(100):
        program = Program("p", grow_rules(space, rng))
        copy = copy_by_pickle(program)
        for term, other in zip(program.rules, copy.rules, strict=True):
            assert term is other
        assert copy.key == program.key


def test_a_key_is_pickled_and_a_canonical_form_is_not() -> None:
    program = check("strategy s { buy when rsi(close, 14) < 30 }")
    assert program.key and program.canonical
    copy = copy_by_pickle(program)
    assert "key" in vars(copy)
    assert "canonical" not in vars(copy)


USER_DEFINED = """
define twice(x: number) -> like x also double = x + x
define far(x: number, n: window = 5) -> bool = twice(x) > twice(sma(x, n))
strategy s { param n = 5 in 2..9  buy when far(close, n) sell when double(close) < open }
"""


def test_equal_user_defined_operators_are_interned() -> None:
    program, again = check(USER_DEFINED), check(USER_DEFINED)
    assert program.defines == again.defines
    assert program.rules == again.rules
    assert copy_by_pickle(program).rules == program.rules


def test_user_defined_operators_are_unpickled_in_another_process(tmp_path: Path) -> None:
    program = check(USER_DEFINED)
    (tmp_path / "program").write_bytes(pickle.dumps(program))
    script = (
        "import pickle, sys; from pathlib import Path;"
        "from dsl.printing.decompile import compact_text;"
        "print(compact_text(pickle.loads(Path(sys.argv[1]).read_bytes())))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path / "program")],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert check(done.stdout).key == program.key


def test_user_defined_operators_with_different_bodies_are_distinct() -> None:
    one = check("define a(x: number) -> like x = x + x\nstrategy s { buy when a(close) > open }")
    two = check("define a(x: number) -> like x = x + x[1]\nstrategy s { buy when a(close) > open }")
    assert one.defines != two.defines
