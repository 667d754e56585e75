"""Random damage to sample files: each file gives sound bars or one error, never anything else."""

from __future__ import annotations

import gzip
import random
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from dsl.bars import FIELDS, Bars
from evolve.data import load
from evolve.errors import EvolveError
from tests.data.dialects import SAMPLES
from tests.data.tables import HEAD, ROWS

Mutation = Callable[[random.Random, bytes], bytes]
CONTENTS = [
    *(text if isinstance(text, bytes) else text.encode() for text, *_ in SAMPLES.values()),
    "\n".join([HEAD, *ROWS, ""]).encode(),
]  # fmt: skip
CELLS = [
    b"", b"0", b"-1", b"1e300", b"nan", b"inf", b"null", b"-", b"1,5", b'"1,5"', b'"1,234"',
    b"1.234,5",
    b"2024-01-02", b"01/02/2024", b"2024.01.02", b"1704153600", b"1704153600000", b"9" * 5000,
    b"9" * 20, b"1" * 400 + b".5", b"Close", b"time", b"\xe9", b"\xff\xfe", b"\0", b"'", b'"', b"$",
    b"12:30", b"24:00", b"20240102  09:30:00 US/Eastern", b"20240102 09:30:00 No/Zone", b"1.2M",
    b"True",
    b"2024-11-03 01:30:00-04:00", b"9999-12-31", b"0001-01-01", b"today", b"\xc2\xa0",
    b"1\xc2\xa0000,5", b"2024-01-02T09:30:00-05:00-05:00",
]  # fmt: skip
DELIMITERS = [b",", b";", b"\t", b"|", b" "]


def flip_bytes(draw: random.Random, content: bytes) -> bytes:
    changed = bytearray(content)
    for _ in range(draw.randint(1, 4)):
        if changed:
            changed[draw.randrange(len(changed))] = draw.randrange(256)
    return bytes(changed)


def truncate(draw: random.Random, content: bytes) -> bytes:
    start = draw.choice([0, 0, draw.randint(0, len(content))])
    return content[start : draw.randint(start, len(content))]


def change_rows(draw: random.Random, content: bytes) -> bytes:
    lines = content.split(b"\n")
    index = draw.randrange(len(lines))
    kind = draw.randrange(4)
    if kind == 0:
        lines.insert(draw.randint(0, len(lines)), lines[index])
    elif kind == 1:
        del lines[index]
    elif kind == 2:
        draw.shuffle(lines)
    else:
        lines.insert(index, draw.choice([b"", b",,,,", b"Total", b"# note", b"a,b,c", b'"']))
    return b"\n".join(lines)


def change_columns(draw: random.Random, content: bytes) -> bytes:
    delimiter = max(DELIMITERS[:4], key=content.count)
    rows = [line.split(delimiter) for line in content.split(b"\n")]
    width = max(map(len, rows))
    order = list(range(width))
    kind = draw.randrange(3)
    if kind == 0:
        order.insert(draw.randint(0, width), draw.randrange(width))
    elif kind == 1:
        del order[draw.randrange(width)]
    else:
        draw.shuffle(order)
    return b"\n".join(delimiter.join(row[i] for i in order if i < len(row)) for row in rows)


def change_cell(draw: random.Random, content: bytes) -> bytes:
    delimiter = max(DELIMITERS[:4], key=content.count)
    lines = content.split(b"\n")
    row = draw.randrange(len(lines))
    cells = lines[row].split(delimiter)
    cells[draw.randrange(len(cells))] = draw.choice(CELLS)
    lines[row] = delimiter.join(cells)
    return b"\n".join(lines)


def change_column(draw: random.Random, content: bytes) -> bytes:
    delimiter = max(DELIMITERS[:4], key=content.count)
    lines = [line.split(delimiter) for line in content.split(b"\n")]
    column, cell = draw.randrange(max(map(len, lines))), draw.choice(CELLS)
    for cells in lines[draw.randint(0, 1) :]:
        if column < len(cells):
            cells[column] = cell
    return b"\n".join(delimiter.join(cells) for cells in lines)


def change_encoding(draw: random.Random, content: bytes) -> bytes:
    text = content.decode("utf-8", "replace")
    return text.encode(draw.choice(["utf-16", "utf-16-le", "utf-16-be", "utf-8-sig", "utf-32"]))


def change_delimiter(draw: random.Random, content: bytes) -> bytes:
    return content.replace(draw.choice(DELIMITERS), draw.choice(DELIMITERS))


def change_line_ends(draw: random.Random, content: bytes) -> bytes:
    return content.replace(b"\n", draw.choice([b"\r", b"\r\n", b"\n\n", b"\r\r\n", b"\0"]))


MUTATIONS: list[Mutation] = [
    flip_bytes, truncate, change_rows, change_columns, change_cell, change_cell, change_column,
    change_encoding, change_delimiter, change_line_ends,
]  # fmt: skip


def assert_well_formed(bars: Bars) -> None:
    """Check the properties of bars of one or more symbols."""
    assert len(bars) > 0 and len(set(bars.symbols)) == len(bars.symbols) > 0
    assert not np.any(np.isnat(bars.time)) and np.all(bars.time[1:] > bars.time[:-1])
    assert bars.priced.any(axis=1).all()
    for name in (*FIELDS, "adjustment"):
        panel = getattr(bars, name)
        assert panel.shape == (len(bars.symbols), len(bars))
        values = panel[bars.priced]
        if name == "volume":
            values = values[~np.isnan(values)]
            assert np.all((values >= 0) & np.isfinite(values))
        else:
            assert np.all((values > 0) & np.isfinite(values)), name
    assert np.all((bars.high >= bars.low)[bars.priced])


def damage(seed: int) -> bytes:
    draw = random.Random(seed)
    content = draw.choice(CONTENTS)
    for _ in range(draw.randint(1, 3)):
        content = draw.choice(MUTATIONS)(draw, content)
    return content


BATCHES = [
    pytest.param(300 + 1000 * k, 1000, marks=pytest.mark.slow if k < 2 else pytest.mark.soak)
    for k in range(10)
]


@pytest.mark.parametrize(("first", "count"), [(0, 300), *BATCHES])
def test_damaged_files_give_bars_or_an_error(first: int, count: int, tmp_path: Path) -> None:
    outcomes = [0, 0]
    for seed in range(first, first + count):
        content, is_packed = damage(seed), seed % 10 == 0
        path = tmp_path / ("fuzz.csv.gz" if is_packed else "fuzz.csv")
        path.write_bytes(gzip.compress(content) if is_packed else content)
        try:
            assert_well_formed(load(f"csv:{path}").bars)
            outcomes[0] += 1
        except EvolveError as error:
            assert error.message and len(str(error)) < 6000, seed
            assert "Traceback" not in str(error)
            outcomes[1] += 1
        except Exception as error:
            raise AssertionError(f"seed {seed}: {content[:300]!r}") from error
    assert min(outcomes) > count / 10  # both outcomes are common
