"""Slices, days, frequency and hashes of bars."""

from __future__ import annotations

import numpy as np
import pytest

from dsl.bars import Bars
from evolve.data.generators import random_walk
from tests.data.tables import assert_same


def bars_at(time: np.ndarray[tuple[int], np.dtype[np.datetime64]]) -> Bars:
    ones = np.ones((1, len(time)))
    return Bars(("X",), time.astype("datetime64[ns]"), ones, ones, ones, ones, ones, ones)


def bars_every(step: str, count: int) -> Bars:
    number, unit = int(step[:-1]), step[-1]
    minutes = {"m": 1, "h": 60, "D": 1440}[unit] * number
    start = int(np.datetime64("2023-01-02T00:00", "m").astype(np.int64))
    return bars_at((start + np.arange(count) * minutes).astype("datetime64[m]"))


def bars_of_sessions(minutes: int, count: int) -> Bars:
    """Return bars of business days from 9:30 to 16:00."""
    days = np.busday_offset(np.datetime64("2023-01-02"), np.arange(count), roll="forward")
    midnights = days.astype("datetime64[m]").astype(np.int64)
    offsets = np.arange(9 * 60 + 30, 16 * 60, minutes)
    return bars_at((midnights[:, None] + offsets[None, :]).ravel().astype("datetime64[m]"))


def bars_of_months(step: int, count: int) -> Bars:
    return bars_at((40 * 12 + np.arange(count) * step).astype("datetime64[M]"))


@pytest.mark.parametrize(
    ("bars", "expected"),
    [
        (random_walk(300, 1), 252),
        (bars_every("1D", 300), 365),
        (bars_every("7D", 60), 52),
        (bars_of_months(1, 60), 12),
        (bars_of_months(3, 60), 4),
        (bars_every("1h", 24 * 40), 365 * 24),
        (bars_of_sessions(30, 40), 252 * 13),
        (bars_of_sessions(5, 40), 252 * 78),
    ],
    ids=["daily", "with weekends", "weekly", "monthly", "quarterly", "hourly", "30m", "5m"],
)
def test_bars_per_year_follow_from_the_frequency(bars: Bars, expected: float) -> None:
    assert bars.bars_per_year == expected


def test_days_are_calendar_days_since_the_previous_bar() -> None:
    time = np.array(["2024-01-05", "2024-01-08", "2024-01-09T12:00"], "datetime64[m]")
    assert bars_at(time).days.tolist() == [0.0, 3.0, 1.5]


def test_a_slice_is_a_copy() -> None:
    bars = random_walk(50, 1)
    cut = bars.slice(10, 30)
    assert len(cut) == 20
    assert cut.close[0].tolist() == bars.close[0, 10:30].tolist()
    assert not np.shares_memory(cut.close, bars.close)
    assert not np.shares_memory(cut.time, bars.time)


def test_between_includes_both_ends() -> None:
    bars = random_walk(50, 1)
    assert_same(bars.between(bars.time[3], bars.time[7]), bars.slice(3, 8))
    assert_same(bars.between(None, None), bars)
    assert len(bars.between(bars.time[-1] + np.timedelta64(1, "D"), None)) == 0


def test_the_hash_depends_on_names_times_and_values() -> None:
    bars = random_walk(50, 1)
    assert bars.hash == random_walk(50, 1).hash == bars.slice(0, 50).hash
    assert bars.hash != bars.slice(0, 49).hash
    panels = [bars.open, bars.high, bars.low, bars.close, bars.volume, bars.adjustment]
    others = [Bars(("OTHER",), bars.time, *panels)]
    others.append(Bars(bars.symbols, bars.time + np.timedelta64(1, "D"), *panels))
    for index in range(6):
        changed = [panel.copy() for panel in panels]
        changed[index][0, 7] *= 1.0000001
        others.append(Bars(bars.symbols, bars.time, *changed))
    assert len({bars.hash, *(each.hash for each in others)}) == 9


def test_a_panel_with_a_wrong_shape_is_an_error() -> None:
    ones, time = np.ones((1, 5)), np.arange(5).astype("datetime64[D]")
    with pytest.raises(ValueError, match="close"):
        Bars(("X",), time, ones, ones, ones, ones[:, :4], ones, ones)
