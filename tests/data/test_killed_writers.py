"""Writers that end at any line: what they wrote is whole, old or new, for every reader."""

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

ROWS = 500
KILLED = 9
TRACED = {files.__file__, cache.__file__, export.__file__}
Write = Callable[[Path, int], None]


def numbered(number: int) -> pd.DataFrame:
    table = frame(ROWS)
    table["Volume"] = number
    return table


def write_cache(folder: Path, number: int) -> None:
    cache.write("yahoo", "SPY", numbered(number), f"day {number}")


def write_csv(folder: Path, number: int) -> None:
    write_table(numbered(number).reset_index(), folder / "A.csv")


def number_in(folder: Path) -> int:
    """The number of the one table in a folder; 0 if there is none yet."""
    (table,) = [
        *(pd.read_csv(path) for path in folder.rglob("*.csv")),
        *(pd.read_parquet(path) for path in folder.rglob("*.parquet")),
    ] or [pd.DataFrame({"Volume": [0]})]
    (number,) = set(table["Volume"])
    if number:
        assert len(table) == ROWS
        np.testing.assert_array_equal(table["Close"], frame(ROWS)["Close"])
    return int(number)


def at_line(place: int, action: Callable[[], None]) -> Callable[..., Any]:
    """A trace function that acts once, before a line of the code that writes."""
    lines = 0

    def trace(frame: FrameType, event: str, _: object) -> Callable[..., Any] | None:
        nonlocal lines
        if frame.f_code.co_filename not in TRACED:
            return None
        if event == "line":
            lines += 1
            if lines == place:
                action()
        return trace

    return trace


def traced(write: Write, folder: Path, number: int, trace: Callable[..., Any]) -> None:
    before = sys.gettrace()
    sys.settrace(trace)
    try:
        write(folder, number)
    finally:
        sys.settrace(before)


WRITES: list[Write] = [write_cache, write_csv]
PLACES = range(1, 1000)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("EVOLVE_HOME", str(tmp_path))
    return tmp_path


@pytest.mark.parametrize("write", WRITES)
def test_a_reader_and_a_writer_between_any_two_lines_see_and_leave_whole_tables(
    write: Write, folder: Path
) -> None:
    """At each line of a first writer, read the table, then let a second one write it."""
    for place in PLACES:
        seen: list[int] = []

        def interleave(first: int = 2 * place, seen: list[int] = seen) -> None:
            seen.append(number_in(folder))
            sys.settrace(None)
            write(folder, first + 1)
            seen.append(number_in(folder))

        traced(write, folder, 2 * place, at_line(place, interleave))
        if not seen:
            break
        assert seen[0] in (2 * place - 2, 2 * place - 1, 2 * place)
        assert seen[1] == 2 * place + 1
        assert number_in(folder) in (2 * place, 2 * place + 1)
    assert place > 10
    assert list(folder.rglob("*.part")) == []


@pytest.mark.parametrize("write", WRITES)
def test_an_interrupt_at_any_line_leaves_a_whole_table_and_nothing_else(
    write: Write, folder: Path
) -> None:
    def interrupt() -> None:
        raise KeyboardInterrupt

    found = set()
    for place in PLACES:
        before = number_in(folder)
        try:
            traced(write, folder, place, at_line(place, interrupt))
        except KeyboardInterrupt:
            found.add(number_in(folder) - before)
            assert number_in(folder) in (before, place)
            # The interrupt may come before the file is known to the code that removes it.
            assert sum(each.stat().st_size for each in folder.rglob("*.part")) == 0
        else:
            break
    assert place > 10
    assert len(found) > 1


def kill_at_each_line(name: str, folder: Path) -> None:
    """Fork a writer for each line of the code, which ends there at once, as if killed."""
    write = next(each for each in WRITES if each.__name__ == name)
    before = number_in(folder)
    for place in PLACES:
        child = os.fork()
        if not child:
            traced(write, folder, place, at_line(place, lambda: os._exit(KILLED)))
            os._exit(0)
        status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        after = number_in(folder)
        assert after in (before, place), (place, after)
        before = after
        if status == 0:
            break
        assert status == KILLED, status
    assert place > 10
    assert before == place


@pytest.mark.skipif(not hasattr(os, "fork"), reason="writers are forked")
@pytest.mark.parametrize("write", WRITES)
def test_a_writer_killed_at_any_line_leaves_a_whole_table(write: Write, folder: Path) -> None:
    module, place = "tests.data.test_killed_writers", str(folder)
    script = f"from pathlib import Path; from {module} import kill_at_each_line as kill"
    done = subprocess.run(
        [sys.executable, "-c", f"{script}; kill({write.__name__!r}, Path({place!r}))"],
        cwd=ROOT, capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    for path in folder.rglob("A.*"):
        assert path.stat().st_mode & 0o777 == 0o644
