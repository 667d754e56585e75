"""Writers that are killed or interrupted at any moment: what they wrote is whole, old or new."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from random import Random

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from evolve.data import cache
from evolve.report.export import write_table
from tests.data.tables import frame

pytestmark = pytest.mark.slow

ROWS = 2000
KILLS = 40

# It imports once, and has a child for each line it reads: what to run, in a process of its own.
NURSERY = """
import os, signal, sys
from pathlib import Path
import evolve.cli.data_, evolve.data.frames, evolve.data.generators, evolve.data.sources, rich.console
from evolve.cli import main
from evolve.data import cache
from evolve.report.export import write_table
from tests.data.tables import frame
from tests.data.test_killed_writers import ROWS

def made(number):
    table = frame(ROWS)
    table["Volume"] = number
    return table

def keep(number):
    cache.write("yahoo", "SPY", made(number), f"day {number}")

def export(number, path):
    write_table(made(number).reset_index(), Path(path))

def forever(write, *args):
    number = os.getpid() * 1000
    while True:
        number += 1
        write(number, *args)

for line in sys.stdin:
    child = os.fork()
    if not child:
        signal.alarm(20)  # whatever happens, it ends
        os.dup2(2, 1)  # what it says is no answer
        try:
            eval(line)
        except KeyboardInterrupt:
            os._exit(130)
        except SystemExit as leaving:
            sys.stderr.flush()
            os._exit(leaving.code)
    print(child, flush=True)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""


class Nursery:
    """Processes that are born fast."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        assert process.stdin is not None and process.stdout is not None
        self.ask, self.answers = process.stdin, process.stdout
        self.child = 0

    def born(self, line: str) -> int:
        """The id of a child that runs a line."""
        self.ask.write(f"{line}\n")
        self.ask.flush()
        self.child = int(self.answers.readline())
        return self.child

    def end(self) -> int:
        """How the last child left."""
        status = int(self.answers.readline())
        self.child = 0
        return status

    def ended(self, line: str, after: float, by: signal.Signals) -> int:
        child = self.born(line)
        time.sleep(after)
        with suppress(ProcessLookupError):  # it is gone
            for wait in range(1000):
                # Python drops an interrupt that comes while it drops a weak reference.
                os.kill(child, 0 if wait % 100 else by)
                time.sleep(0.005)
        return self.end()


@contextmanager
def nursery(home: Path) -> Iterator[Nursery]:
    with (home / "stderr").open("a") as errors:
        process = subprocess.Popen(
            [sys.executable, "-c", NURSERY], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=errors, text=True, env={**os.environ, "EVOLVE_HOME": str(home)},
        )  # fmt: skip
    made = Nursery(process)
    try:
        yield made
    finally:
        if made.child:
            with suppress(ProcessLookupError):
                os.kill(made.child, signal.SIGKILL)
        made.ask.close()
        process.wait()
        made.answers.close()


def parts(folder: Path) -> list[Path]:
    return list(folder.rglob("*.part"))


def assert_whole(table: pd.DataFrame) -> int:
    """One table, not half of it nor a mix of two; its number."""
    (number,) = set(table["Volume"])
    expected = frame(ROWS)
    assert len(table) == ROWS
    for name in ("Open", "Close", "Adj Close"):
        np.testing.assert_array_equal(table[name].to_numpy(), expected[name].to_numpy())
    return int(number)


def test_a_cache_whose_writers_are_killed_is_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EVOLVE_HOME", str(tmp_path))
    rng, seen, is_there = Random(7), set(), False
    with nursery(tmp_path) as born:
        for _ in range(KILLS):
            born.ended("forever(keep)", rng.uniform(0.0, 0.03), signal.SIGKILL)
            kept = cache.read("yahoo", "SPY")
            assert kept is not None or not is_there
            if kept is not None:
                is_there = True
                number = assert_whole(kept.frame)
                assert kept.as_of == f"day {number}"
                seen.add(number)
    assert len(seen) > 1  # they were killed at work


def test_readers_beside_two_writers_see_whole_tables(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EVOLVE_HOME", str(tmp_path))
    seen = set()
    with nursery(tmp_path) as one, nursery(tmp_path) as two:
        writers = [each.born("forever(keep)") for each in (one, two)]
        for _ in range(1000):
            if cache.read("yahoo", "SPY") is not None:
                break
            time.sleep(0.01)
        for _ in range(150):
            kept = cache.read("yahoo", "SPY")
            assert kept is not None
            seen.add(assert_whole(kept.frame) // 1000)
    assert seen == set(writers)


@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_an_export_whose_writers_are_killed_is_whole(ending: str, tmp_path: Path) -> None:
    rng, path = Random(8), tmp_path / "out" / f"A.{ending}"
    path.parent.mkdir()
    seen = set()
    with nursery(tmp_path) as born:
        for _ in range(KILLS // 2):
            born.ended(f"forever(export, {str(path)!r})", rng.uniform(0.0, 0.1), signal.SIGKILL)
            if path.exists():
                table = pd.read_csv(path) if ending == "csv" else pq.read_table(path).to_pandas()
                seen.add(assert_whole(table))
            else:
                assert not seen
    assert len(seen) > 1
    assert path.stat().st_mode & 0o777 == 0o644


@pytest.mark.parametrize("what", ["keep", "export, {!r}"])
def test_an_interrupted_writer_leaves_nothing_half_done(what: str, tmp_path: Path) -> None:
    rng, path = Random(9), tmp_path / "out" / "A.csv"
    path.parent.mkdir()
    with nursery(tmp_path) as born:
        for _ in range(KILLS // 2):
            line = f"forever({what.format(str(path))})"
            assert born.ended(line, rng.uniform(0.005, 0.05), signal.SIGINT) == 130
            assert sum(each.stat().st_size for each in parts(tmp_path)) == 0
    if path.exists():
        assert_whole(pd.read_csv(path))


@pytest.mark.parametrize("what", ["cache", "export"])
def test_an_interrupt_before_the_first_byte_leaves_nothing(
    what: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When the place is made and nothing is in it yet."""

    def interrupted(_: int) -> None:
        raise KeyboardInterrupt

    monkeypatch.setenv("EVOLVE_HOME", str(tmp_path))
    with monkeypatch.context() as patch, suppress(KeyboardInterrupt):
        patch.setattr("os.close", interrupted)
        if what == "cache":
            cache.write("yahoo", "SPY", frame(3), "day 0")
        else:
            write_table(frame(3), tmp_path / "A.csv")
    assert parts(tmp_path) == []
