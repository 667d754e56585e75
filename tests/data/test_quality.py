"""Checks of doubtful bars, each on bars with that defect."""

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


def build_bars(close: np.ndarray, **changes: np.ndarray) -> Bars:
    """Return daily bars with the given closes, with some panels replaced."""
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


def test_a_random_walk_has_no_issues() -> None:
    (report,) = check_quality(random_walk(2000, seed=9))
    assert [(each.name, len(each.bars)) for each in report.issues] == [(name, 0) for name in CHECKS]


def test_zero_volume_is_an_issue_only_for_a_symbol_with_volume() -> None:
    volume = np.full(200, 50.0)
    volume[[3, 70]] = 0
    assert find_zero_volume(build_bars(NOISE, volume=volume)).tolist() == [3, 70]
    assert find_zero_volume(build_bars(NOISE, volume=np.zeros(200))).tolist() == []
    assert find_zero_volume(build_bars(NOISE, volume=np.full(200, np.nan))).tolist() == []


def test_an_opensor_close_outside_the_range_is_an_issue() -> None:
    high = NOISE * 1.01
    high[7] = NOISE[7] * 0.995
    assert find_out_of_range(build_bars(NOISE, high=high)).tolist() == [7]


def test_opens_that_repeat_the_previous_close_are_an_issue() -> None:
    opens = np.concatenate([NOISE[:1], NOISE[:-1]])
    bars = build_bars(NOISE, open=opens, high=np.maximum(opens, NOISE) * 1.01,
                low=np.minimum(opens, NOISE) * 0.99)  # fmt: skip
    assert len(find_repeated_opens(bars)) == 199


def test_the_rounding_of_an_adjustment_changes_no_issue() -> None:
    close = NOISE.copy()
    close[100:107] = close[100]
    opens = np.concatenate([close[:1], close[:-1]])
    raw = {"open": opens, "high": np.maximum(opens, close), "low": np.minimum(opens, close)}
    factor = 0.7 * (1 + np.random.default_rng(2).normal(0, 1e-13, 200))
    adjusted = build_bars(close * factor, **{name: each * factor for name, each in raw.items()})
    assert (adjusted.open[0, 1:] != adjusted.close[0, :-1]).any()
    for find in (find_repeated_opens, find_stale):
        assert len(find(build_bars(close, **raw))) > 0
        assert find(adjusted).tolist() == find(build_bars(close, **raw)).tolist()


def test_each_symbol_of_a_panel_is_checked_separately() -> None:
    reports = check_quality(panel_of(4))
    assert [each.bars.symbols[0] for each in reports] == ["AAA", "BBB", "CCC"]
