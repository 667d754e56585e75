"""Permuted bars have the moves of the original bars in another order."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from dsl.bars import Bars
from evolve.data.align import align
from evolve.data.generators import random_walk
from evolve.validation.permutation import permute

FIELDS = ("open", "high", "low", "close", "volume")


def log_moves(bars: Bars, symbol: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Return the gaps, and the shapes with volume, of one symbol."""
    alone = bars.select_symbol(symbol)
    opens, highs, lows, closes = (np.log(getattr(alone, name)[0]) for name in FIELDS[:4])
    shapes = np.stack([highs - opens, lows - opens, closes - opens, alone.volume[0]], axis=1)
    return opens[1:] - closes[:-1], shapes


def sort_rows(table: np.ndarray) -> np.ndarray:
    return table[np.lexsort(table.T[::-1])]


def panel(bars: int = 400) -> Bars:
    """Return three symbols, of which the second starts late and the third lacks some bars."""
    parts = []
    for index, name in enumerate("ABC"):
        part = replace(random_walk(bars, 5 + index), symbols=(name,))
        parts.append(part)
    parts[1] = parts[1].slice(150, bars)
    chosen = np.setdiff1d(np.arange(bars), [20, 21, 260, 300])
    fields = {name: getattr(parts[2], name)[:, chosen] for name in (*FIELDS, "adjustment")}
    parts[2] = replace(parts[2], time=parts[2].time[chosen], **fields)
    return align(parts)


def intraday(days: int = 40, slots: int = 7, seed: int = 3) -> Bars:
    """Return hourly bars of sessions that start at 14:30."""
    walk = random_walk(days * slots, seed)
    day = np.busday_offset(np.datetime64("2020-01-06"), np.arange(days)).astype("datetime64[m]")
    offsets = (np.arange(slots) * 60 + 870).astype("timedelta64[m]")
    time = (day[:, None] + offsets).reshape(-1).astype("datetime64[ns]")
    return replace(walk, time=time)


@pytest.mark.parametrize("number", [1, 2, 77])
def test_gaps_and_shapes_are_those_of_the_original_in_another_order(number: int) -> None:
    bars = random_walk(500, 1)
    permuted = permute(bars, number)
    for before, after in zip(log_moves(bars), log_moves(permuted), strict=True):
        assert not np.allclose(before, after)
        before, after = before.reshape(len(before), -1), after.reshape(len(after), -1)
        assert np.allclose(sort_rows(before), sort_rows(after.round(12)), atol=1e-9)


def test_gaps_and_shapes_are_permuted_independently() -> None:
    bars = random_walk(500, 1)
    gaps, shapes = log_moves(bars)
    new_gaps, new_shapes = log_moves(permute(bars, 1))
    gap_order = [int(np.argmin(np.abs(gaps - each))) for each in new_gaps]
    shape_order = [int(np.argmin(np.abs(shapes[:, 2] - each))) for each in new_shapes[1:, 2]]
    assert np.mean(np.array(gap_order) == np.array(shape_order) - 1) < 0.05


def test_prices_stay_valid_and_the_total_return_and_the_first_open_are_preserved() -> None:
    bars = panel()
    for number in range(1, 6):
        permuted = permute(bars, number)
        assert np.array_equal(permuted.time, bars.time)
        assert np.array_equal(permuted.priced, bars.priced)
        for symbol in range(3):
            old, new = bars.select_symbol(symbol), permuted.select_symbol(symbol)
            assert new.open[0, 0] == pytest.approx(old.open[0, 0], rel=1e-12)
            assert new.close[0, -1] == pytest.approx(old.close[0, -1], rel=1e-9)
            assert np.all(new.high >= np.maximum(new.open, new.close))
            assert np.all(new.low <= np.minimum(new.open, new.close))


def test_symbols_move_together_within_spans_of_the_same_symbols() -> None:
    bars = panel()
    permuted = permute(bars, 4)
    pattern = (bars.priced * np.array([[1], [2], [4]])).sum(axis=0)
    for code in np.unique(pattern):
        members = np.flatnonzero(pattern == code)
        before = np.log(bars.close / bars.open)[:, members]
        after = np.log(permuted.close / permuted.open)[:, members]
        rows = ~np.isnan(before).any(axis=1)
        joint = sort_rows(before[rows].T), sort_rows(after[rows].T)
        assert np.allclose(*joint, atol=1e-9)


def test_correlation_between_symbols_survives_and_that_over_time_does_not() -> None:
    walk = random_walk(3000, 8)
    moves = np.log(walk.close[0, 1:] / walk.close[0, :-1])
    trending = 0.3 * np.concatenate([[0.0], moves[:-1]]) + moves
    close = 100 * np.exp(np.concatenate([[0.0], np.cumsum(trending)]))[None, :]
    bars = replace(walk, open=close, high=close * 1.001, low=close * 0.999, close=close)
    other = replace(bars, symbols=("TWIN",))
    permuted = permute(align([bars, other]), 1)
    returns = np.diff(np.log(permuted.close), axis=1)
    assert np.corrcoef(returns)[0, 1] == pytest.approx(1.0)
    assert np.corrcoef(trending[1:], trending[:-1])[0, 1] > 0.2
    assert abs(np.corrcoef(returns[0, 1:], returns[0, :-1])[0, 1]) < 4 / np.sqrt(3000)


def test_an_intraday_bar_stays_in_its_slot_of_the_session() -> None:
    bars = intraday()
    permuted = permute(bars, 2)
    days = bars.time.astype("datetime64[D]")
    slots = (bars.time - days).astype(np.int64)
    moves, gaps = (
        [each[1][:, 2] for each in (log_moves(bars), log_moves(permuted))],
        [np.concatenate([[0.0], log_moves(each)[0]]) for each in (bars, permuted)],
    )
    for slot in np.unique(slots):
        members = slots == slot
        for before, after in (moves, gaps):
            assert np.allclose(np.sort(before[members]), np.sort(after[members]), atol=1e-9)
    assert not np.allclose(moves[0], moves[1])


def test_a_permutation_depends_on_the_bars_and_its_number_only() -> None:
    bars = random_walk(300, 2)
    same = replace(bars, closes_only=("SYNTHETIC",))
    assert permute(bars, 5).hash == permute(same, 5).hash
    hashes = {permute(bars, number).hash for number in range(1, 20)}
    assert len(hashes) == 19
    other = bars.slice(0, 299)
    assert not np.allclose(permute(other, 5).close[0], permute(bars, 5).close[0, :299])


def test_every_position_is_equally_likely() -> None:
    bars = random_walk(40, 6)
    positions = [
        int(np.argmax(np.log(each.close / each.open)[0]))
        for each in (permute(bars, number) for number in range(1, 2001))
    ]
    counts = np.bincount(positions, minlength=40)
    assert abs(counts - 50).max() < 5 * np.sqrt(50)
