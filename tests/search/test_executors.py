"""Any number of processes breeds the same run, whatever becomes of them."""

from __future__ import annotations

import os
import pickle
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Sequence
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
from evolve.fitness.fitness import FoldFitness
from evolve.fitness.goals import Goals
from evolve.parallel import processes_worth
from evolve.search.executors import Alone, Assignment, Seen, Workers
from evolve.search.grow import grow_rules
from evolve.search.island import Breeding, first_island
from evolve.search.progress import Budget, Progress
from evolve.search.search import search
from evolve.search.space import build_space
from tests.search.toy import ToyScores, closeness, toy_breeding

HERE = os.getpid()

SMALL = """
name: small
seed: 3
data: {from: "synthetic:garch?seed=4&bars=900"}
search: {islands: 3, population: 20, epoch: 2}
fitness: {require: {trades_per_fold: 1}}
budget: {evaluations: 500, stale_epochs: null}
"""


@dataclass(frozen=True)
class Deadly:
    """Scores as the toy does, but ends the process that it is in, if that is a worker."""

    times: int
    marks: Path

    def __call__(self, programs: Sequence[Program]) -> list[ToyScores]:
        dead = len(list(self.marks.iterdir()))
        if os.getpid() != HERE and dead < self.times:
            (self.marks / str(os.getpid())).touch()
            os._exit(9)
        return closeness(programs)


def told(breeding: Breeding, processes: int, notes: list[str], islands: int = 4) -> list[Progress]:
    with Workers(breeding, processes, notes.append) as workers:
        return list(search(breeding, Budget(400), 5, islands, crew=workers))


def fingerprint(found: list[Progress]) -> list[tuple[str, object, str, int]]:
    return [
        (trial.program.hash, trial.scores, trial.proposer, trial.island)
        for each in found
        for trial in each.trials
    ]


@pytest.mark.parametrize("processes", [1, 2, 3])
def test_any_number_of_processes_makes_the_same_run(processes: int) -> None:
    notes: list[str] = []
    alone = list(search(toy_breeding(), Budget(400), 5, 4))
    beside = told(toy_breeding(), processes, notes)
    assert fingerprint(beside) == fingerprint(alone)
    assert beside[-1].ledger == alone[-1].ledger
    assert [each.state for each in beside[-1].islands] == [each.state for each in alone[-1].islands]
    assert notes == []


def test_an_epoch_whose_process_dies_is_bred_again(tmp_path: Path) -> None:
    notes: list[str] = []
    breeding = replace(toy_breeding(), evaluate=Deadly(1, tmp_path))
    assert fingerprint(told(breeding, 2, notes)) == fingerprint(
        list(search(toy_breeding(), Budget(400), 5, 4))
    )
    assert notes == ["a worker process died; its epoch is bred again"]


def test_where_processes_keep_dying_it_goes_on_without_them(tmp_path: Path) -> None:
    notes: list[str] = []
    breeding = replace(toy_breeding(), evaluate=Deadly(10**6, tmp_path))
    assert fingerprint(told(breeding, 2, notes)) == fingerprint(
        list(search(toy_breeding(), Budget(400), 5, 4))
    )
    assert notes[-1] == "worker processes keep dying; this epoch is bred without them"


def test_a_worker_that_raises_says_why() -> None:
    def fails(programs: Sequence[Program]) -> list[ToyScores]:
        if os.getpid() == HERE:
            return closeness(programs)
        raise ValueError("no scores today")

    with pytest.raises(ValueError, match="no scores today"):
        told(replace(toy_breeding(), evaluate=fails), 2, [])


def test_the_journal_of_an_experiment_is_the_same(tmp_path: Path) -> None:
    path, rows = tmp_path / "small.yaml", []
    path.write_text(SMALL)
    for workers in ("1", "2", "3"):
        out = tmp_path / workers
        run(path, [f"workers={workers}"], out=out)
        journal = sqlite3.connect(out / "journal.sqlite")
        rows.append(journal.execute("SELECT * FROM individuals ORDER BY trial").fetchall())
        journal.close()
    assert len(rows[0]) == 500
    assert rows[0] == rows[1] == rows[2]


@pytest.mark.slow
def test_processes_that_import_all_anew_make_the_same_run(monkeypatch: pytest.MonkeyPatch) -> None:
    """As on systems where a process cannot be forked safely."""
    monkeypatch.setattr(parallel, "METHOD", "spawn")
    breeding = Breeding(
        build_space(), FoldFitness(random_walk(600, 2), market(), Goals()), (1.0, -1.0), 20, 3,
        {"crossover": 1.0, "random": 1.0, "tune": 1.0},
    )  # fmt: skip
    alone = list(search(breeding, Budget(400), 5, 2))
    assert fingerprint(told(breeding, 2, [], islands=2)) == fingerprint(alone)


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
def test_workers_do_not_outlive_a_run_that_is_killed(tmp_path: Path) -> None:
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


def test_what_was_seen_before_is_not_bred_again_in_a_process() -> None:
    breeding, seen = toy_breeding(), Seen()
    task = [Assignment(first_island(0, 1), {}, 50, 1)]
    for trial in Alone(breeding).begin(task, seen)()[0].trials:
        seen.add(trial.program.key)
    assert len(seen) == 50
    with Workers(breeding, 2) as workers:
        (again,) = workers.begin(task, seen)()
    assert not {trial.program.key for trial in again.trials} & seen.keys


def test_processes_are_as_many_as_it_is_worth(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parallel, "cores", lambda: 8)
    monkeypatch.setattr(parallel, "METHOD", "fork")
    assert processes_worth(4, 20_000) == 4
    assert processes_worth(64, 20_000) == 8
    assert processes_worth(4, 500) == 1
    monkeypatch.setattr(parallel, "METHOD", "spawn")
    assert processes_worth(4, 20_000) == 1


# -- what travels


def travelled(program: Program) -> Program:
    found: Program = pickle.loads(pickle.dumps(program))  # noqa: S301
    return found


def test_programs_travel_and_are_the_same_objects() -> None:
    space, rng = build_space(directions=("long", "short")), Random(3)
    for _ in range(100):
        program = Program("p", grow_rules(space, rng))
        back = travelled(program)
        for term, other in zip(program.rules, back.rules, strict=True):
            assert term is other
        assert back.key == program.key


def test_a_key_travels_and_a_canonical_form_does_not() -> None:
    program = check("strategy s { buy when rsi(close, 14) < 30 }")
    assert program.key and program.canonical
    back = travelled(program)
    assert "key" in vars(back)
    assert "canonical" not in vars(back)


OWN = """
define twice(x: number) -> like x also double = x + x
define far(x: number, n: window = 5) -> bool = twice(x) > twice(sma(x, n))
strategy s { param n = 5 in 2..9  buy when far(close, n) sell when double(close) < open }
"""


def test_operators_of_ones_own_are_one_however_often_they_are_read() -> None:
    program, again = check(OWN), check(OWN)
    assert program.defines == again.defines
    assert program.rules == again.rules
    assert travelled(program).rules == program.rules


def test_operators_of_ones_own_travel_to_a_process_that_never_read_them(tmp_path: Path) -> None:
    program = check(OWN)
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


def test_the_same_name_with_another_meaning_is_another_operator() -> None:
    one = check("define a(x: number) -> like x = x + x\nstrategy s { buy when a(close) > open }")
    two = check("define a(x: number) -> like x = x + x[1]\nstrategy s { buy when a(close) > open }")
    assert one.defines != two.defines
