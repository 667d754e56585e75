"""What is doubtful about bars, each kind in a market made for it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from dsl.bars import Bars
from evolve.data.generators import random_walk
from evolve.data.quality import (
    SUSPICIONS,
    gaps,
    inspect,
    outside,
    repeated_opens,
    spikes,
    stale,
    without_volume,
)
from tests.backtest.test_sleeves import panel_of


def made(close: np.ndarray, **changes: np.ndarray) -> Bars:
    """Daily bars of a close, with panels of one's own."""
    count = len(close)
    time = np.busday_offset(np.datetime64("2024-01-01"), np.arange(count)).astype("datetime64[ns]")
    panels = {
        "open": close * 0.999, "high": close * 1.01, "low": close * 0.99, "close": close,
        "volume": np.full(count, 100.0), "adjustment": np.ones(count),
    } | changes  # fmt: skip
    time = panels.pop("time", time)
    rows: dict[str, Any] = {name: each[None, :].copy() for name, each in panels.items()}
    return Bars(("A",), time, **rows)


NOISE = 100 * np.exp(np.cumsum(np.random.default_rng(1).normal(0, 0.01, 200)))


def test_an_honest_walk_has_nothing_doubtful() -> None:
    (found,) = inspect(random_walk(2000, seed=9))
    assert [(each.name, len(each.places)) for each in found.suspicions] == [
        (name, 0) for name in SUSPICIONS
    ]


def test_a_spike_that_the_next_bar_takes_back() -> None:
    close = NOISE.copy()
    close[100] *= 1.3
    assert spikes(made(close)).tolist() == [100]
    close[101:] *= 1.3  # it stays: a jump, not a spike
    assert spikes(made(close)).tolist() == []
    down = NOISE.copy()
    down[50] *= 0.7
    assert spikes(made(down)).tolist() == [50]


def test_zero_volume_is_doubtful_only_where_there_is_a_volume() -> None:
    volume = np.full(200, 50.0)
    volume[[3, 70]] = 0
    assert without_volume(made(NOISE, volume=volume)).tolist() == [3, 70]
    assert without_volume(made(NOISE, volume=np.zeros(200))).tolist() == []
    assert without_volume(made(NOISE, volume=np.full(200, np.nan))).tolist() == []


@pytest.mark.parametrize(("length", "found"), [(4, []), (5, [100]), (9, [100])])
def test_prices_that_stand_still(length: int, found: list[int]) -> None:
    close = NOISE.copy()
    close[100 : 100 + length] = close[100]
    panels = {name: close.copy() for name in ("open", "high", "low")}
    for panel in panels.values():
        moving = np.setdiff1d(np.arange(200), np.arange(100, 100 + length))
        panel[moving] *= 1.001
    panels["high"] = np.maximum(panels["high"], close)
    assert stale(made(close, **panels)).tolist() == found


def test_gaps_of_days_hours_and_weeks() -> None:
    keep = np.r_[0:80, 86:200]
    time = made(NOISE).time[keep]
    assert gaps(made(NOISE[keep], time=time)).tolist() == [80]
    hours = np.datetime64("2024-01-01", "ns") + np.arange(200) * np.timedelta64(1, "h")
    keep = np.r_[0:30, 32:200]
    assert gaps(made(NOISE[keep], time=hours[keep])).tolist() == [30]
    weeks = np.datetime64("2020-01-03", "ns") + np.arange(200) * np.timedelta64(7, "D")
    keep = np.r_[0:50, 52:200]
    assert gaps(made(NOISE[keep], time=weeks[keep])).tolist() == [50]
    coin = np.datetime64("2024-01-01", "ns") + np.arange(200) * np.timedelta64(1, "D")
    keep = np.r_[0:10, 11:200]
    assert gaps(made(NOISE[keep], time=coin[keep])).tolist() == [10]


def test_a_long_weekend_is_no_gap() -> None:
    keep = np.r_[0:80, 81:200]  # a Tuesday, or whatever day it is, off
    assert gaps(made(NOISE[keep], time=made(NOISE).time[keep])).tolist() == []


def test_an_open_or_close_outside_the_bar() -> None:
    high = NOISE * 1.01
    high[7] = NOISE[7] * 0.995
    assert outside(made(NOISE, high=high)).tolist() == [7]


def test_opens_that_repeat_the_close_before() -> None:
    open_ = np.concatenate([NOISE[:1], NOISE[:-1]])
    bars = made(NOISE, open=open_, high=np.maximum(open_, NOISE) * 1.01,
                low=np.minimum(open_, NOISE) * 0.99)  # fmt: skip
    assert len(repeated_opens(bars)) == 199


def test_an_adjustment_that_rounds_each_bar_changes_nothing_found() -> None:
    close = NOISE.copy()
    close[100:107] = close[100]
    open_ = np.concatenate([close[:1], close[:-1]])
    raw = {"open": open_, "high": np.maximum(open_, close), "low": np.minimum(open_, close)}
    factor = 0.7 * (1 + np.random.default_rng(2).normal(0, 1e-13, 200))
    adjusted = made(close * factor, **{name: each * factor for name, each in raw.items()})
    assert (adjusted.open[0, 1:] != adjusted.close[0, :-1]).any()
    for find in (repeated_opens, stale):
        assert len(find(made(close, **raw))) > 0
        assert find(adjusted).tolist() == find(made(close, **raw)).tolist()


@pytest.mark.parametrize("count", [0, 1, 2, 3])
def test_few_bars_are_looked_at_without_a_fuss(count: int) -> None:
    (found,) = inspect(made(NOISE[:count]))
    assert len(found.suspicions) == len(SUSPICIONS)


def test_each_symbol_of_a_panel_is_looked_at_by_itself() -> None:
    found = inspect(panel_of(4))
    assert [each.bars.symbols[0] for each in found] == ["AAA", "BBB", "CCC"]
