"""Permutation of bars: markets with the same moves in a random order.

Source: Masters, "Permutation and Randomization Tests for Trading System Development" (2020). The
order is independent from bar to bar. A permutation of blocks, or a stationary bootstrap, preserves
part of the edge under test.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from dsl.bars import Bars

Series = NDArray[np.float64]
Indices = NDArray[np.int64]

MAX_DAILY_BARS_PER_YEAR = 366.0


def permute(bars: Bars, number: int) -> Bars:
    """Return bars whose moves are permuted.

    A bar has a gap, from the previous close to its open, and a shape: high, low and close relative
    to its open, with its volume. Gaps and shapes are permuted separately, in logarithms, so the
    total return of each symbol is preserved. All symbols have one order, among bars on which the
    same symbols trade. An intraday bar moves only to the same time after the first bar of a day.

    Args:
        bars: one or more symbols.
        number: number of the permutation. The result depends on it and on `bars.hash` only.
    """
    rng = np.random.default_rng([number, int(bars.hash, 16)])
    priced = bars.priced
    has_gap = priced & (np.cumsum(priced, axis=1) > 1)
    slots = _find_slots(bars)
    shape_order = _permute_groups(_group(slots, priced), rng)
    gap_order = _permute_groups(_group(slots, priced, has_gap), rng)
    logs = {name: np.log(getattr(bars, name)) for name in ("open", "high", "low", "close")}
    gaps = np.full(priced.shape, np.nan)
    for symbol in range(len(bars.symbols)):
        indices = bars.priced_indices(symbol)
        gaps[symbol, indices[1:]] = (
            logs["open"][symbol, indices[1:]] - (logs["close"][symbol, indices[:-1]])
        )
    shapes = {
        name: (logs[name] - logs["open"])[:, shape_order] for name in ("high", "low", "close")
    }
    opens = _chain(bars, logs["open"], gaps[:, gap_order], shapes["close"])
    prices = {name: np.exp(opens + each) for name, each in shapes.items()}
    prices["open"] = np.exp(opens)
    # The rounding of exp may put a high below a close that equals it.
    prices["high"] = np.maximum(prices["high"], np.maximum(prices["open"], prices["close"]))
    prices["low"] = np.minimum(prices["low"], np.minimum(prices["open"], prices["close"]))
    return replace(bars, volume=bars.volume[:, shape_order], **prices)


def _find_slots(bars: Bars) -> Indices:
    """Return int64[bar], the nanoseconds since the first bar of the day; 0 for daily bars."""
    if bars.bars_per_year <= MAX_DAILY_BARS_PER_YEAR:
        return np.zeros(len(bars), np.int64)
    times = bars.time.astype("datetime64[ns]")
    _, first, day = np.unique(times.astype("datetime64[D]"), return_index=True, return_inverse=True)
    slots: Indices = (times - times[first][day]).astype(np.int64)
    return slots


def _group(slots: Indices, *masks: NDArray[np.bool_]) -> Indices:
    """Return int64[bar], equal for bars with the same slot and the same symbols in each mask."""
    table = np.vstack([slots, *masks])
    _, groups = np.unique(table, axis=1, return_inverse=True)
    return np.asarray(groups, np.int64).reshape(-1)


def _permute_groups(groups: Indices, rng: np.random.Generator) -> Indices:
    """Return int64[bar], a random order of the bars in which each group has the same positions."""
    order = np.arange(len(groups))
    for group in range(int(groups.max()) + 1):
        members = np.flatnonzero(groups == group)
        order[members] = rng.permutation(members)
    return order


def _chain(bars: Bars, opens: Series, gaps: Series, moves: Series) -> Series:
    """Return float64[symbol, bar], log opens that follow from the first one.

    Args:
        bars: the original bars.
        opens: float64[symbol, bar], the original log opens.
        gaps: float64[symbol, bar], from the previous close to the open, in logarithms.
        moves: float64[symbol, bar], from the open to the close, in logarithms.
    """
    chained = np.full(opens.shape, np.nan)
    for symbol in range(len(bars.symbols)):
        indices = bars.priced_indices(symbol)
        if not len(indices):
            continue
        steps = gaps[symbol, indices[1:]] + moves[symbol, indices[:-1]]
        first = opens[symbol, indices[0]]
        chained[symbol, indices] = first + np.concatenate([[0.0], np.cumsum(steps)])
    return chained
