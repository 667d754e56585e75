"""Splits: their sizes, and the absence of holdout bars."""

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


def test_the_default_split_is_60_20_20() -> None:
    bars = random_walk(1000, 1)
    split = split_bars(bars, SplitSizes())
    assert (len(split.train), len(split.seen), split.validation_start) == (600, 800, 600)
    assert split.holdout.bars == 200
    assert split.holdout.first_day == str(bars.time[800].astype("datetime64[D]"))
    assert split.holdout.last_day == str(bars.time[-1].astype("datetime64[D]"))


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
        split = split_bars(bars, SplitSizes(train, validation))
    except EvolveError as error:
        assert str(MIN_PART_BARS) in error.hint
        return
    sizes = [len(split.train), len(split.seen) - len(split.train), split.holdout.bars]
    assert sum(sizes) == count
    assert min(sizes) >= MIN_PART_BARS
    assert sizes[0] == pytest.approx(count * train, abs=1)
    assert len(split.seen) == pytest.approx(count * (train + validation), abs=1)
    for name in ("time", *PANELS):
        whole = getattr(bars, name)
        np.testing.assert_array_equal(getattr(split.train, name), whole[..., : sizes[0]])
        np.testing.assert_array_equal(getattr(split.seen, name), whole[..., : len(split.seen)])


@pytest.mark.parametrize(
    ("sizes", "part"),
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
def test_a_part_with_too_few_bars_is_an_error(sizes: SplitSizes, part: str) -> None:
    with pytest.raises(EvolveError, match=f"for {part}") as caught:
        split_bars(random_walk(1000, 1), sizes)
    assert str(MIN_PART_BARS) in caught.value.hint


def test_each_part_needs_30_bars() -> None:
    thirds = SplitSizes(1 / 3, 1 / 3)
    split = split_bars(random_walk(3 * MIN_PART_BARS, 1), thirds)
    assert (len(split.train), len(split.seen), split.holdout.bars) == (30, 60, 30)
    with pytest.raises(EvolveError):
        split_bars(random_walk(3 * MIN_PART_BARS - 1, 1), thirds)


# -- by date


def test_a_split_by_date_starts_each_part_on_its_day() -> None:
    bars = load("sample:sp500").bars
    split = split_bars(
        bars, SplitSizes(validation_from=date(2010, 1, 1), holdout_from=date(2015, 1, 2))
    )
    days = split.seen.time.astype("datetime64[D]").astype(str)
    assert days[split.validation_start - 1] == "2009-12-31"
    assert days[split.validation_start] == "2010-01-04"  # the first bar on or after the day
    assert days[-1] == "2014-12-31"
    assert split.holdout.first_day == "2015-01-02"
    assert split.holdout.last_day == "2018-12-31"
    assert len(split.seen) + split.holdout.bars == len(bars)


@pytest.mark.parametrize(
    ("validation", "holdout", "part"),
    [
        (date(1990, 1, 1), date(2015, 1, 1), "train"),
        (date(2015, 1, 1), date(2015, 1, 2), "validation"),
        (date(2015, 1, 1), date(2012, 1, 1), "validation"),
        (date(2010, 1, 1), date(2018, 12, 20), "holdout"),
        (date(2010, 1, 1), date(2030, 1, 1), "holdout"),
        (date(2020, 1, 1), date(2021, 1, 1), "validation"),
    ],
)
def test_a_split_by_date_with_too_few_bars_in_a_part_is_an_error(
    validation: date, holdout: date, part: str
) -> None:
    with pytest.raises(EvolveError, match=f"for {part}"):
        split_bars(
            load("sample:sp500").bars, SplitSizes(validation_from=validation, holdout_from=holdout)
        )


# -- the sealed holdout


def test_parts_share_no_memory() -> None:
    bars = random_walk(300, 1)
    split = split_bars(bars, SplitSizes())
    for name in ("time", *PANELS):
        whole, train, seen = (getattr(each, name) for each in (bars, split.train, split.seen))
        assert not np.shares_memory(whole, train)
        assert not np.shares_memory(whole, seen)
        assert not np.shares_memory(train, seen)
        assert train.base is None
        assert seen.base is None


def test_parts_are_read_only() -> None:
    split = split_bars(random_walk(300, 1), SplitSizes())
    for bars in (split.train, split.seen):
        for name in ("time", *PANELS):
            with pytest.raises(ValueError, match="read-only"):
                getattr(bars, name)[..., 0] = getattr(bars, name)[..., 1]


def list_reachable(root: object) -> list[object]:
    """Return all objects that an object refers to by referents, fields and bases of arrays.

    Modules, classes and functions are excluded, as their referents do not belong to the object.
    """
    outside = (types.ModuleType, type, types.FunctionType, types.BuiltinFunctionType)
    reachable: dict[int, object] = {}
    waiting = [root]
    while waiting:
        one = waiting.pop()
        if id(one) in reachable or isinstance(one, outside):
            continue
        reachable[id(one)] = one
        waiting.extend(gc.get_referents(one))
        if is_dataclass(one) and not isinstance(one, type):
            waiting.extend(getattr(one, field.name) for field in fields(one))
        if isinstance(one, np.ndarray) and one.base is not None:
            waiting.append(one.base)
    return list(reachable.values())


def list_arrays(root: object) -> list[np.ndarray[tuple[int, ...], np.dtype[np.generic]]]:
    return [each for each in list_reachable(root) if isinstance(each, np.ndarray)]


def build_marked_bars(count: int) -> Bars:
    """Return bars in which each value identifies its bar."""
    time = np.datetime64("2000-01-03", "ns") + np.arange(count) * np.timedelta64(1, "D")
    panels = [
        np.arange(count, dtype=np.float64)[None, :] + 1000 * (1 + index) for index in range(6)
    ]
    return Bars(("MARKED",), time, *panels)


def fill_caches(split: DataSplit) -> None:
    """Compute all cached properties."""
    for bars in (split.train, split.seen):
        assert bars.hash
        assert len(bars.days) == len(bars)
        assert bars.bars_per_year > 0


def test_the_search_for_arrays_finds_bases_and_nested_objects() -> None:
    bars = build_marked_bars(200)
    view = bars.close[:, :10]
    assert any(each is bars.close for each in list_arrays(view))  # through the base of a view
    holder = {"a": [types.SimpleNamespace(view=view)]}
    assert any(each.shape == (1, 200) for each in list_arrays(holder))


def test_no_holdout_bar_is_reachable_from_a_split() -> None:
    bars = build_marked_bars(200)
    split = split_bars(bars, SplitSizes())
    fill_caches(split)
    end = len(split.seen)
    held_back = {value for name in PANELS for value in getattr(bars, name)[0, end:].tolist()}
    days_back = set(bars.time[end:].astype(np.int64).tolist())
    arrays = list_arrays(split)
    assert len(arrays) >= 2 * (1 + len(PANELS))
    for array in arrays:
        assert array.shape[-1] <= end
        if array.dtype.kind == "M":
            assert not days_back & set(
                array.astype("datetime64[ns]").astype(np.int64).ravel().tolist()
            )
        else:
            assert not held_back & set(array.ravel().tolist())
    assert all(each is not bars for each in list_reachable(split))


def test_no_buffer_contains_a_holdout_bar() -> None:
    """Search the memory of all arrays for the bytes of the first holdout bar."""
    bars = build_marked_bars(200)
    split = split_bars(bars, SplitSizes())
    fill_caches(split)
    end = len(split.seen)
    needles = [getattr(bars, name)[0, end].tobytes() for name in PANELS]
    needles.append(bars.time[end].tobytes())
    for array in list_arrays(split):
        memory = array.tobytes()
        assert not any(needle in memory for needle in needles)


def test_only_the_days_and_the_length_of_the_holdout_are_known() -> None:
    split = split_bars(random_walk(300, 1), SplitSizes())
    assert [field.name for field in fields(split.holdout)] == ["first_day", "last_day", "bars"]
    assert [field.name for field in fields(split)] == ["train", "seen", "holdout", "stop_gains"]
    seen = replace(split.seen, closes_only=())
    assert split.stop_gains == mark_closes_only(seen)[1], "measured without the holdout"
