"""What is doubtful about bars, each kind in a market made for it."""

from __future__ import annotations

from typing import Any

import numpy as np

from dsl.bars import Bars
from evolve.data.generators import random_walk
from evolve.data.quality import (
    CHECKS,
    check_quality,
    find_out_of_range,
    find_repeated_opens,
    find_stale,
    find_zero_volume,
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
    (found,) = check_quality(random_walk(2000, seed=9))
    assert [(each.name, len(each.bars)) for each in found.issues] == [(name, 0) for name in CHECKS]


def test_zero_volume_is_doubtful_only_where_there_is_a_volume() -> None:
    volume = np.full(200, 50.0)
    volume[[3, 70]] = 0
    assert find_zero_volume(made(NOISE, volume=volume)).tolist() == [3, 70]
    assert find_zero_volume(made(NOISE, volume=np.zeros(200))).tolist() == []
    assert find_zero_volume(made(NOISE, volume=np.full(200, np.nan))).tolist() == []


def test_an_open_or_close_outside_the_bar() -> None:
    high = NOISE * 1.01
    high[7] = NOISE[7] * 0.995
    assert find_out_of_range(made(NOISE, high=high)).tolist() == [7]


def test_opens_that_repeat_the_close_before() -> None:
    open_ = np.concatenate([NOISE[:1], NOISE[:-1]])
    bars = made(NOISE, open=open_, high=np.maximum(open_, NOISE) * 1.01,
                low=np.minimum(open_, NOISE) * 0.99)  # fmt: skip
    assert len(find_repeated_opens(bars)) == 199


def test_an_adjustment_that_rounds_each_bar_changes_nothing_found() -> None:
    close = NOISE.copy()
    close[100:107] = close[100]
    open_ = np.concatenate([close[:1], close[:-1]])
    raw = {"open": open_, "high": np.maximum(open_, close), "low": np.minimum(open_, close)}
    factor = 0.7 * (1 + np.random.default_rng(2).normal(0, 1e-13, 200))
    adjusted = made(close * factor, **{name: each * factor for name, each in raw.items()})
    assert (adjusted.open[0, 1:] != adjusted.close[0, :-1]).any()
    for find in (find_repeated_opens, find_stale):
        assert len(find(made(close, **raw))) > 0
        assert find(adjusted).tolist() == find(made(close, **raw)).tolist()


def test_each_symbol_of_a_panel_is_looked_at_by_itself() -> None:
    found = check_quality(panel_of(4))
    assert [each.bars.symbols[0] for each in found] == ["AAA", "BBB", "CCC"]
