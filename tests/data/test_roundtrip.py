"""Bars that `evolve data -o` writes are read back bit for bit."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dsl.bars import FIELDS, PANELS, Bars
from evolve.data import load
from evolve.data.tables.frames import bars_to_frame
from evolve.report.export import write_table
from tests.command_line import invoke
from tests.data.tables import csv

STEPS = {
    "ns": (1, 10**9),
    "s": (10**9, 3600 * 10**9),
    "5 minutes": (300 * 10**9, 300 * 10**9),
    "days": (86_400 * 10**9, 4 * 86_400 * 10**9),
    "months": (28 * 86_400 * 10**9, 31 * 86_400 * 10**9),
}
NAMES = st.sampled_from(
    ["SPY", "BRK.B", "^GSPC", "EURUSD=X", "BTC-USD", "Ärzte", "日本", "A B", "x,y"]
)


def panel(
    rng: np.random.Generator, names: list[str], count: int, step: tuple[int, int], first: int,
    has_volume: bool, is_adjusted: bool, is_ragged: bool,
) -> Bars:  # fmt: skip
    """Build bars with prices of any size, and with symbols that start late."""
    longest = (
        step[1] if len(names) == 1 else step[0] * 3 // 2
    )  # symbols of a panel need one bar length
    steps = rng.integers(step[0], longest, count, endpoint=True)
    if step[0] >= 86_400 * 10**9:
        steps = steps // (86_400 * 10**9) * (86_400 * 10**9)
        first = first // (86_400 * 10**9) * (86_400 * 10**9)
    time = (first + np.cumsum(steps)).astype("datetime64[ns]")
    shape = len(names), count
    scale = np.exp(rng.normal(0, rng.choice([0.01, 1.0, 100.0]), shape)).clip(1e-11, 1e14)
    close = scale * rng.uniform(0.9, 1.1, shape)
    opens = scale * rng.uniform(0.9, 1.1, shape)
    panels = {
        "open": opens,
        "high": np.maximum(opens, close) * rng.uniform(1, 1.1, shape),
        "low": np.minimum(opens, close) * rng.uniform(0.9, 1, shape),
        "close": close,
        "volume": np.floor(scale) if has_volume else np.full(shape, np.nan),
        "adjustment": rng.uniform(0.01, 3, shape) if is_adjusted else np.ones(shape),
    }
    if is_ragged:
        absent = np.arange(count) < rng.integers(0, count, (len(names), 1))
        absent[0] = False  # one symbol has all bars
        for name, each in panels.items():
            each[absent] = 1.0 if name == "adjustment" else np.nan
    return Bars(tuple(names), time, **cast(dict[str, Any], panels))


@given(
    seed=st.integers(0, 2**32),
    names=st.lists(NAMES, min_size=1, max_size=3, unique=True),
    count=st.integers(1, 30),
    step=st.sampled_from(sorted(STEPS)),
    first=st.integers(-(10**18), 10**18),
    flags=st.tuples(st.booleans(), st.booleans(), st.booleans()),
    ending=st.sampled_from(["csv", "parquet"]),
)
@settings(max_examples=120)
def test_all_bars_are_read_back_unchanged(
    seed: int, names: list[str], count: int, step: str, first: int,
    flags: tuple[bool, bool, bool], ending: str,
) -> None:  # fmt: skip
    bars = panel(np.random.default_rng(seed), names, count, STEPS[step], first, *flags)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"{names[0]}.{ending}"
        write_table(bars_to_frame(bars), path)
        loaded = load(str(path)).bars
    assert loaded.symbols == bars.symbols
    assert loaded.time.tolist() == bars.time.tolist()
    for name in PANELS:
        np.testing.assert_array_equal(getattr(loaded, name), getattr(bars, name), err_msg=name)
    assert loaded.hash == bars.hash


SPECS = {
    "days": ["sample:sp500"],
    "two symbols, one of which starts late": ["synthetic:walk?bars=900", "sample:sp500"],
    "three markets": [f"synthetic:{name}?bars=60&seed=3" for name in ("walk", "garch", "regime")],
}


@pytest.mark.parametrize("ending", ["csv", "parquet"])
@pytest.mark.parametrize("kind", SPECS)
def test_the_command_writes_the_bars_that_it_reads(kind: str, ending: str, tmp_path: Path) -> None:
    specs = SPECS[kind]
    first, second = tmp_path / f"SP500.{ending}", tmp_path / f"again.{ending}"
    one = invoke("data", *specs, "-o", str(first)).out
    other = invoke("data", str(first), "-o", str(second)).out
    hashes = [line for out in (one, other) for line in out.splitlines() if line.startswith("hash")]
    assert hashes[0] == hashes[1]
    assert first.read_bytes() == second.read_bytes()
    assert load(str(first)).bars.hash == load(specs).bars.hash
    assert sorted(each.name for each in tmp_path.iterdir()) == sorted([first.name, second.name])


@pytest.mark.parametrize(
    "days", [["01-04", "01-05", "01-08"], ["01-02", "01-05", "01-10", "01-12"]]
)
def test_a_symbol_with_few_bars_is_aligned_with_daily_bars(days: list[str], tmp_path: Path) -> None:
    """Check three days around a weekend, and a share that trades twice a week."""
    rows = [f"2024-01-{day:02d},LIQUID,10,12,9,11" for day in (2, 3, 4, 5, 8, 9, 10, 11, 12)]
    rows += [f"2024-{day},FEW,10,12,9,11" for day in days]
    bars = load(csv(tmp_path / "all.csv", *rows, head="Date,Symbol,Open,High,Low,Close")).bars
    assert bars.priced.sum(axis=1).tolist() == [9, len(days)]


def test_a_symbol_without_bars_in_the_range_is_reported_and_not_written(tmp_path: Path) -> None:
    specs = ["sample:sp500", "synthetic:walk?bars=60"]
    path = tmp_path / "all.csv"
    cut = ("--start", "2018-01-01", "-o", str(path))
    assert "WALK1: no bars in the requested range" in invoke("data", *specs, *cut).err
    loaded = load(str(path)).bars
    expected = load(specs).bars.between(np.datetime64("2018-01-01", "ns"), None).select_symbol(0)
    assert loaded.symbols == ("SP500",)
    for name in FIELDS:
        np.testing.assert_array_equal(getattr(loaded, name), getattr(expected, name))
