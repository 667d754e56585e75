"""Files beyond the bounds of size, width and length are refused within seconds."""

from __future__ import annotations

import gzip
import os
import tracemalloc
from pathlib import Path

import pytest

from evolve.data import load
from evolve.data.tables import file_text
from tests.data.tables import HEAD, ROWS, refusal

MEGABYTE = 1_000_000


def write(path: Path, content: bytes) -> str:
    path.write_bytes(content)
    return f"csv:{path}"


def good(rows: int = 4) -> bytes:
    return "\n".join([HEAD, *ROWS[:rows], ""]).encode()


def test_a_gzip_file_that_inflates_a_thousand_times_is_refused(tmp_path: Path) -> None:
    """Check that inflation stops early: 150 kB, and the limit is a hundred times that."""
    path = tmp_path / "acme.csv.gz"
    with gzip.open(path, "wb", compresslevel=9) as file:
        file.write(good())
        for _ in range(150):
            file.write(b"\n" * MEGABYTE)
    size = path.stat().st_size
    assert size < MEGABYTE / 2
    tracemalloc.start()
    message = refusal(f"csv:{path}").message
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert "after decompression" in message and "acme.csv.gz is too large" in message
    assert peak < 3 * max(file_text.ALWAYS_INFLATED_BYTES, file_text.MAX_GZIP_RATIO * size)


def test_a_file_beyond_the_maximum_size_is_refused_without_reading(tmp_path: Path) -> None:
    path = tmp_path / "acme.csv"
    path.touch()
    os.truncate(path, file_text.MAX_BYTES + 1)  # a file with a hole takes no space
    error = refusal(f"csv:{path}")
    assert "expected at most 250,000,000 bytes, found 250,000,001" in error.message


def test_a_pipe_is_refused_without_waiting(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "acme.csv")
    assert "expected a regular file, found a pipe" in refusal(f"csv:{tmp_path}/acme.csv").message
    assert "found a device" in refusal("csv:/dev/zero").message


WIDE = ",".join(f"c{each}" for each in range(100_000)).encode()
FILES = {
    "an integer of 5,000 digits": (
        good(1) + b"2024-01-03," + b"1" * 5000 + b",12,9,11,1\n", "line 3, column `Open`",
    ),
    "a volume of 5,000 digits": (
        good(1) + b"2024-01-03,10,12,9,11," + b"1" * 5000 + b"\n", "line 3, column `Volume`",
    ),
    "a date of 5,000 digits": (good(1) + b"9" * 5000 + b",10,12,9,11,1\n", "line 3, column `Date`"),
    "5,000 digits between commas": (
        good(1) + b'2024-01-03,"' + b"111," * 1250 + b'111",12,9,11,1\n', "line 3, column `Open`",
    ),
    "a time of 5,000 digits": (
        b"Date,Time,Open,High,Low,Close\n2024-01-02," + b"9" * 5000 + b",10,12,9,11\n",
        "line 2, column `Date`",
    ),
    "a NUL byte": (good(1) + b"2024-01-03,1\x000,12,9,11,1\n", "line 3 has a control character"),
    "NUL bytes far behind": (good() + b"\n" * 9000 + b"\0" * 99, "line 9006 has a control"),
    "a line of 100 MB": (good(1) + b"1" * (100 * MEGABYTE), "line 3 is longer than 1,000,000"),
    "a first line of 100 MB": (b"Date," * (20 * MEGABYTE), "line 1 is longer than"),
    "an open quote of 100 MB": (
        good(1) + b'"' + b"\n1,2,3" * (16 * MEGABYTE), "EOF inside string",
    ),
    "100,000 columns": (WIDE + b"\n" + WIDE + b"\n", "line 1 is longer than 65,536"),
    "100,000 columns of one letter": (
        b"a," * 30_000 + b"\n1\n", "expected at most 10,000 columns, found 30,001",
    ),
    "short rows below a wide header": (
        b",".join([b"Date,Open,High,Low,Close", *[b"a"] * 5000]) + b"\n" + b"1\n" * MEGABYTE,
        "most rows have fewer cells than the 5,005 columns",
    ),
    "columns named twice": (b"x," * 9000 + b"x\n" + b"1," * 9000 + b"1\n", "missing column"),
}  # fmt: skip


@pytest.mark.parametrize("name", FILES)
def test_a_file_beyond_a_bound_is_one_plain_error(name: str, tmp_path: Path) -> None:
    content, words = FILES[name]
    error = refusal(write(tmp_path / "acme.csv", content))
    assert words in error.message
    assert "acme.csv" in error.message and error.hint
    assert len(error.message) < 3000


def test_blank_lines_at_the_end_cost_nothing(tmp_path: Path) -> None:
    bars = load(write(tmp_path / "acme.csv", good() + b"\n" * (30 * MEGABYTE))).bars
    assert len(bars) == 4


def test_wide_tables_within_the_bounds_are_read(tmp_path: Path) -> None:
    labels = ",".join([HEAD, *[f"x{each}" for each in range(2000)]])
    rows = "".join(f"{row}{',1' * 2000}\n" for row in ROWS)
    assert len(load(write(tmp_path / "acme.csv", f"{labels}\n{rows}".encode())).bars) == 4
