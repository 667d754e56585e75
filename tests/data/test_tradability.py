"""Test of traded opens, on markets with a known answer."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from dsl.bars import Bars
from evolve.data import load
from evolve.data.generators import GENERATORS, random_walk
from evolve.data.split import SplitSizes, split_bars
from evolve.data.tradability import (
    MAX_GAIN_BPS,
    MIN_BARS,
    MIN_T,
    StopGain,
    mark_closes_only,
    measure_stop_gain,
)

RULE = "rsi(close, 2) < 10"


def printed_at_the_last_close(bars: Bars) -> Bars:
    """Return the bars in the form of an index: each open is the previous close."""
    opens = np.concatenate([bars.open[:, :1], bars.close[:, :-1]], axis=1)
    return replace(
        bars, open=opens, high=np.maximum(bars.high, opens), low=np.minimum(bars.low, opens)
    )


def coarse(bars: Bars, steps: int = 8, seed: int = 0) -> Bars:
    """Return bars with equal closes whose extremes come from only a few steps."""
    rng = np.random.default_rng(seed)
    opens, closes = np.log(bars.open[0]), np.log(bars.close[0])
    noise = rng.normal(0.0, 0.01 / np.sqrt(steps), (len(bars), steps))
    noise -= noise.mean(axis=1, keepdims=True)
    path = opens[:, None] + np.cumsum(noise + ((closes - opens) / steps)[:, None], axis=1)
    low, high = np.minimum(path.min(axis=1), opens), np.maximum(path.max(axis=1), opens)
    return replace(bars, low=np.exp(low)[None], high=np.exp(high)[None])


@pytest.mark.parametrize("name", GENERATORS)
@pytest.mark.parametrize("overnight", [0.0, 0.3, 0.8])
def test_a_price_that_moves_continuously_from_its_open_is_traded(
    name: str, overnight: float
) -> None:
    """Check six seeds of each generator."""
    rule = f"&rule={RULE}" if GENERATORS[name].needs_rule else ""
    for seed in range(6):
        bars = load(f"synthetic:{name}?seed={seed}&overnight={overnight}{rule}").bars
        gain = measure_stop_gain(bars)
        assert not gain.is_impossible
        assert abs(gain.t) < MIN_T
        assert bars.closes_only == ()


@pytest.mark.parametrize("seed", range(4))
def test_an_open_that_is_not_a_price_is_detected(seed: int) -> None:
    walk = random_walk(2500, seed)
    for bars in (printed_at_the_last_close(walk), coarse(walk)):
        gain = measure_stop_gain(bars)
        assert gain.bps > 2 * MAX_GAIN_BPS and gain.t > 2 * MIN_T
        marked, result = mark_closes_only(bars)
        assert marked.closes_only == bars.symbols
        assert result == {bars.symbols[0]: gain}


def test_the_sample_of_an_index_is_detected_on_any_window() -> None:
    """Measure 14.9 bps a bar at t = 25 over all of it; earlier bars decide short windows."""
    bars = load("sample:sp500").bars
    gain = measure_stop_gain(bars)
    assert gain.bps == pytest.approx(14.9, abs=0.1)
    assert gain.t == pytest.approx(25.5, abs=0.5)
    assert bars.closes_only == ("SP500",)
    for start in (0, 2000, 4000, 4780, 5020):
        assert mark_closes_only(bars, start)[0].closes_only == ("SP500",)


def test_only_the_window_counts_if_it_is_long() -> None:
    """Check bars of which only the last 1,500 have traded opens."""
    walk = random_walk(3000, 3)
    old = printed_at_the_last_close(walk).slice(0, 1500)
    later: dict[str, Any] = {
        name: np.concatenate([getattr(old, name), getattr(walk, name)[:, 1500:]], axis=1)
        for name in ("open", "high", "low")
    }
    mixed = replace(walk, **later)
    assert mark_closes_only(mixed)[0].closes_only == walk.symbols
    assert mark_closes_only(mixed, 3000 - MIN_BARS)[0].closes_only == ()


@pytest.mark.parametrize("count", [0, 1, 2, 20, 21, 22, 23])
def test_few_bars_flag_no_symbol(count: int) -> None:
    bars = printed_at_the_last_close(random_walk(100, 1)).slice(0, count)
    assert not measure_stop_gain(bars).is_impossible
    assert mark_closes_only(bars)[0].closes_only == ()


def test_flat_prices_flag_no_symbol() -> None:
    bars = random_walk(200, 1)
    price = np.full((1, 200), 50.0)
    flat = replace(bars, open=price, high=price, low=price, close=price)
    assert measure_stop_gain(flat) == StopGain(0.0, 0.0)


def test_the_notice_has_the_measured_gain() -> None:
    (note,) = load("sample:sp500").tradability_notes
    assert note == (
        "SP500 has no traded opens: orders for the next open fill at the next close; stops, trails "
        "and targets are checked only at closes (a stop right beside the open gains 14.9 bps per "
        "bar, t = 25.5; on traded prices it gains 0)"
    )
    assert load("synthetic:walk").tradability_notes == []


def test_the_holdout_does_not_influence_the_fills_of_earlier_bars() -> None:
    """Check opens that are not traded only in the holdout, and only before it."""
    walk = random_walk(2000, 3)
    index = printed_at_the_last_close(walk)
    for before, after, closes_only in ((walk, index, ()), (index, walk, walk.symbols)):
        panels: dict[str, Any] = {
            name: np.concatenate(
                [getattr(before, name)[:, :1600], getattr(after, name)[:, 1600:]], axis=1
            )
            for name in ("open", "high", "low")
        }
        result = split_bars(replace(walk, **panels), SplitSizes())
        assert result.seen.closes_only == result.train.closes_only == closes_only
        assert result.stop_gains == mark_closes_only(before.slice(0, 1600))[1]
