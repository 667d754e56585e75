"""Writers that are interrupted or killed at any line leave a whole table, old or new."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

import numpy as np
import pandas as pd
import pytest

from evolve import files
from evolve.data import cache
from evolve.report import export
from evolve.report.export import write_table
from tests.command_line import ROOT
from tests.data.tables import frame
from tests.params import thin_out

ROWS = 500
KILLED = 9
TRACED = {files.__file__, cache.__file__, export.__file__}
Write = Callable[[Path, int], None]


def build_table(number: int) -> pd.DataFrame:
    table = frame(ROWS)
    table["Volume"] = number
    return table


def write_cache(folder: Path, number: int) -> None:
    cache.write("yahoo", "SPY", build_table(number), f"day {number}")


def write_csv(folder: Path, number: int) -> None:
    write_table(build_table(number).reset_index(), folder / "A.csv")


def read_number(folder: Path) -> int:
    """Return the number of the only table in a folder; 0 if the folder is empty."""
    (table,) = [
        *(pd.read_csv(path) for path in folder.rglob("*.csv")),
        *(pd.read_parquet(path) for path in folder.rglob("*.parquet")),
    ] or [pd.DataFrame({"Volume": [0]})]
    (number,) = set(table["Volume"])
    if number:
        assert len(table) == ROWS
        np.testing.assert_array_equal(table["Close"], frame(ROWS)["Close"])
    return int(number)


def trace_line(line: int, action: Callable[[], None]) -> Callable[..., Any]:
    """Return a trace function that calls an action before one line of the writing code."""
    count = 0

    def trace(frame: FrameType, event: str, _: object) -> Callable[..., Any] | None:
        nonlocal count
        if frame.f_code.co_filename not in TRACED:
            return None
        if event == "line":
            count += 1
            if count == line:
                action()
        return trace

    return trace


def write_traced(write: Write, folder: Path, number: int, trace: Callable[..., Any]) -> None:
    before = sys.gettrace()
    sys.settrace(trace)
    try:
        write(folder, number)
    finally:
        sys.settrace(before)


WRITES: list[Write] = [write_cache, write_csv]
LINES = range(1, 1000)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("EVOLVE_HOME", str(tmp_path))
    return tmp_path


@pytest.mark.parametrize("write", thin_out(WRITES, 2))
def test_a_reader_and_a_second_writer_at_any_line_see_whole_tables(
    write: Write, folder: Path
) -> None:
    """Interrupt a first writer at each line; read the table, then write it by a second writer."""
    for line in LINES:
        seen: list[int] = []

        def interleave(first: int = 2 * line, seen: list[int] = seen) -> None:
            seen.append(read_number(folder))
            sys.settrace(None)
            write(folder, first + 1)
            seen.append(read_number(folder))

        write_traced(write, folder, 2 * line, trace_line(line, interleave))
        if not seen:
            break
        assert seen[0] in (2 * line - 2, 2 * line - 1, 2 * line)
        assert seen[1] == 2 * line + 1
        assert read_number(folder) in (2 * line, 2 * line + 1)
    assert line > 10
    assert list(folder.rglob("*.part")) == []


@pytest.mark.parametrize("write", thin_out(WRITES, 2))
def test_an_interrupt_at_any_line_leaves_only_a_whole_table(write: Write, folder: Path) -> None:
    def interrupt() -> None:
        raise KeyboardInterrupt

    changes = set()
    for line in LINES:
        before = read_number(folder)
        try:
            write_traced(write, folder, line, trace_line(line, interrupt))
        except KeyboardInterrupt:
            changes.add(read_number(folder) - before)
            assert read_number(folder) in (before, line)
            # The interrupt may precede the code that removes the part file.
            assert sum(each.stat().st_size for each in folder.rglob("*.part")) == 0
        else:
            break
    assert line > 10
    assert len(changes) > 1


def kill_at_each_line(name: str, folder: Path) -> None:
    """Stop a forked writer at each line, as a kill does."""
    write = next(each for each in WRITES if each.__name__ == name)
    before = read_number(folder)
    for line in LINES:
        child = os.fork()
        if not child:
            write_traced(write, folder, line, trace_line(line, lambda: os._exit(KILLED)))
            os._exit(0)
        status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        after = read_number(folder)
        assert after in (before, line), (line, after)
        before = after
        if status == 0:
            break
        assert status == KILLED, status
    assert line > 10
    assert before == line


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "fork"), reason="writers are forked")
@pytest.mark.parametrize("write", WRITES)
def test_a_writer_killed_at_any_line_leaves_a_whole_table(write: Write, folder: Path) -> None:
    module, target = "tests.data.test_killed_writers", str(folder)
    script = f"from pathlib import Path; from {module} import kill_at_each_line as kill"
    done = subprocess.run(
        [sys.executable, "-c", f"{script}; kill({write.__name__!r}, Path({target!r}))"],
        cwd=ROOT, capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    for path in folder.rglob("A.*"):
        assert path.stat().st_mode & 0o777 == 0o644
