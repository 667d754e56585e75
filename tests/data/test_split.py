"""Partitions: their sizes, and that no holdout bar can be reached from one."""

from __future__ import annotations

import gc
import types
from dataclasses import fields, is_dataclass, replace
from datetime import date

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dsl.bars import FIELDS, Bars
from evolve.data import DataSplit, SplitSizes, load, split_bars
from evolve.data.generators import random_walk
from evolve.data.split import MIN_PART_BARS
from evolve.data.tradability import mark_closes_only
from evolve.errors import EvolveError

PANELS = (*FIELDS, "adjustment")


def test_the_default_is_60_20_20() -> None:
    bars = random_walk(1000, 1)
    made = split_bars(bars, SplitSizes())
    assert (len(made.train), len(made.seen), made.validation_start) == (600, 800, 600)
    assert made.holdout.bars == 200
    assert made.holdout.first_day == str(bars.time[800].astype("datetime64[D]"))
    assert made.holdout.last_day == str(bars.time[-1].astype("datetime64[D]"))


@given(
    count=st.integers(2, 700),
    train=st.floats(0.05, 0.9),
    validation=st.floats(0.05, 0.9),
)
@settings(max_examples=150, deadline=None)
def test_parts_are_consecutive_whole_and_large_enough(
    count: int, train: float, validation: float
) -> None:
    bars = random_walk(count, 1)
    try:
        made = split_bars(bars, SplitSizes(train, validation))
    except EvolveError as error:
        assert str(MIN_PART_BARS) in error.hint
        return
    sizes = [len(made.train), len(made.seen) - len(made.train), made.holdout.bars]
    assert sum(sizes) == count
    assert min(sizes) >= MIN_PART_BARS
    assert sizes[0] == pytest.approx(count * train, abs=1)
    assert len(made.seen) == pytest.approx(count * (train + validation), abs=1)
    for name in ("time", *PANELS):
        whole = getattr(bars, name)
        np.testing.assert_array_equal(getattr(made.train, name), whole[..., : sizes[0]])
        np.testing.assert_array_equal(getattr(made.seen, name), whole[..., : len(made.seen)])


@pytest.mark.parametrize(
    ("split", "named"),
    [
        (SplitSizes(0.02, 0.4), "train"),
        (SplitSizes(0.6, 0.02), "validation"),
        (SplitSizes(0.6, 0.39), "holdout"),
        (SplitSizes(0.6, 0.4), "holdout"),
        (SplitSizes(0.6, 0.6), "holdout"),
        (SplitSizes(0.0, 0.5), "train"),
        (SplitSizes(0.6, -0.2), "validation"),
        (SplitSizes(-0.5, 0.8), "train"),
    ],
)
def test_too_small_a_part_is_refused(split: SplitSizes, named: str) -> None:
    with pytest.raises(EvolveError, match=f"for {named}") as caught:
        split_bars(random_walk(1000, 1), split)
    assert str(MIN_PART_BARS) in caught.value.hint


def test_the_least_there_may_be() -> None:
    thirds = SplitSizes(1 / 3, 1 / 3)
    made = split_bars(random_walk(3 * MIN_PART_BARS, 1), thirds)
    assert (len(made.train), len(made.seen), made.holdout.bars) == (30, 60, 30)
    with pytest.raises(EvolveError):
        split_bars(random_walk(3 * MIN_PART_BARS - 1, 1), thirds)


# -- by date


def test_a_split_by_date_begins_parts_on_their_days() -> None:
    bars = load("sample:sp500").bars
    made = split_bars(
        bars, SplitSizes(validation_from=date(2010, 1, 1), holdout_from=date(2015, 1, 2))
    )
    days = made.seen.time.astype("datetime64[D]").astype(str)
    assert days[made.validation_start - 1] == "2009-12-31"
    assert days[made.validation_start] == "2010-01-04"  # the first bar on or after the day
    assert days[-1] == "2014-12-31"
    assert made.holdout.first_day == "2015-01-02"
    assert made.holdout.last_day == "2018-12-31"
    assert len(made.seen) + made.holdout.bars == len(bars)


@pytest.mark.parametrize(
    ("validation", "holdout", "named"),
    [
        (date(1990, 1, 1), date(2015, 1, 1), "train"),
        (date(2015, 1, 1), date(2015, 1, 2), "validation"),
        (date(2015, 1, 1), date(2012, 1, 1), "validation"),
        (date(2010, 1, 1), date(2018, 12, 20), "holdout"),
        (date(2010, 1, 1), date(2030, 1, 1), "holdout"),
        (date(2020, 1, 1), date(2021, 1, 1), "validation"),
    ],
)
def test_a_split_by_date_that_leaves_too_little_is_refused(
    validation: date, holdout: date, named: str
) -> None:
    with pytest.raises(EvolveError, match=f"for {named}"):
        split_bars(
            load("sample:sp500").bars, SplitSizes(validation_from=validation, holdout_from=holdout)
        )


# -- the seal


def test_copies_share_no_memory_with_their_source_nor_each_other() -> None:
    bars = random_walk(300, 1)
    made = split_bars(bars, SplitSizes())
    for name in ("time", *PANELS):
        whole, train, seen = (getattr(each, name) for each in (bars, made.train, made.seen))
        assert not np.shares_memory(whole, train)
        assert not np.shares_memory(whole, seen)
        assert not np.shares_memory(train, seen)
        assert train.base is None
        assert seen.base is None


def test_parts_are_read_only() -> None:
    made = split_bars(random_walk(300, 1), SplitSizes())
    for bars in (made.train, made.seen):
        for name in ("time", *PANELS):
            with pytest.raises(ValueError, match="read-only"):
                getattr(bars, name)[..., 0] = getattr(bars, name)[..., 1]


def reachable(root: object) -> list[object]:
    """Everything an object holds on to: its referents, its fields, and the bases of arrays.

    Modules, classes and functions are left out: what they hold is not the object's.
    """
    outside = (types.ModuleType, type, types.FunctionType, types.BuiltinFunctionType)
    found: dict[int, object] = {}
    waiting = [root]
    while waiting:
        one = waiting.pop()
        if id(one) in found or isinstance(one, outside):
            continue
        found[id(one)] = one
        waiting.extend(gc.get_referents(one))
        if is_dataclass(one) and not isinstance(one, type):
            waiting.extend(getattr(one, field.name) for field in fields(one))
        if isinstance(one, np.ndarray) and one.base is not None:
            waiting.append(one.base)
    return list(found.values())


def arrays_in(root: object) -> list[np.ndarray[tuple[int, ...], np.dtype[np.generic]]]:
    return [each for each in reachable(root) if isinstance(each, np.ndarray)]


def marked(count: int) -> Bars:
    """Bars whose every value names its bar, so that one can be told wherever it turns up."""
    time = np.datetime64("2000-01-03", "ns") + np.arange(count) * np.timedelta64(1, "D")
    panels = [
        np.arange(count, dtype=np.float64)[None, :] + 1000 * (1 + place) for place in range(6)
    ]
    return Bars(("MARKED",), time, *panels)


def all_held(made: DataSplit) -> None:
    """Have everything computed that is computed once and kept."""
    for bars in (made.train, made.seen):
        assert bars.hash
        assert len(bars.days) == len(bars)
        assert bars.bars_per_year > 0


def test_the_walk_finds_what_it_looks_for() -> None:
    bars = marked(200)
    view = bars.close[:, :10]
    assert any(each is bars.close for each in arrays_in(view))  # through the base of a view
    holder = {"a": [types.SimpleNamespace(view=view)]}
    assert any(each.shape == (1, 200) for each in arrays_in(holder))


def test_no_holdout_bar_can_be_reached_from_a_partition() -> None:
    bars = marked(200)
    made = split_bars(bars, SplitSizes())
    all_held(made)
    end = len(made.seen)
    held_back = {value for name in PANELS for value in getattr(bars, name)[0, end:].tolist()}
    days_back = set(bars.time[end:].astype(np.int64).tolist())
    arrays = arrays_in(made)
    assert len(arrays) >= 2 * (1 + len(PANELS))
    for array in arrays:
        assert array.shape[-1] <= end
        if array.dtype.kind == "M":
            assert not days_back & set(
                array.astype("datetime64[ns]").astype(np.int64).ravel().tolist()
            )
        else:
            assert not held_back & set(array.ravel().tolist())
    assert all(each is not bars for each in reachable(made))


def test_no_buffer_holds_a_holdout_bar() -> None:
    """Byte by byte: the first holdout close, time or volume is in no array's memory."""
    bars = marked(200)
    made = split_bars(bars, SplitSizes())
    all_held(made)
    end = len(made.seen)
    needles = [getattr(bars, name)[0, end].tobytes() for name in PANELS]
    needles.append(bars.time[end].tobytes())
    for array in arrays_in(made):
        memory = array.tobytes()
        assert not any(needle in memory for needle in needles)


def test_the_holdout_is_known_by_its_days_and_length_alone() -> None:
    made = split_bars(random_walk(300, 1), SplitSizes())
    assert [field.name for field in fields(made.holdout)] == ["first_day", "last_day", "bars"]
    assert [field.name for field in fields(made)] == ["train", "seen", "holdout", "stop_gains"]
    seen = replace(made.seen, closes_only=())
    assert made.stop_gains == mark_closes_only(seen)[1], "measured without the holdout"
