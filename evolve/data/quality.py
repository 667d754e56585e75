"""Checks for doubtful bars."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dsl.bars import Bars
from dsl.calendar_time import trades_weekends
from evolve.data.splits import find_splits

Indices = NDArray[np.int64]

SPIKE_SIGMAS = 8.0
REVERSED_SHARE = 2 / 3  # of a spike, by the next bar
STALE_BARS = 5
MAX_CLOSED_DAYS = 5.0  # a long weekend
MAX_STEP_RATIO = 1.5  # of a step to the usual one
MAD_TO_SIGMA = 1.4826
PRICE_ROUNDING = 1e-9  # relative: an adjustment rounds each bar differently


@dataclass(frozen=True)
class Issue:
    """Doubtful bars of one kind.

    Attributes:
        name: the kind.
        bars: int64[n], indices into the bars of the symbol.
    """

    name: str
    bars: Indices


@dataclass(frozen=True, eq=False)
class QualityReport:
    """Results of all checks on one symbol.

    Attributes:
        bars: the bars of the symbol.
        issues: one per check, with the bars that fail it.
    """

    bars: Bars
    issues: tuple[Issue, ...]


def check_quality(bars: Bars) -> tuple[QualityReport, ...]:
    """Run all checks on each symbol of a panel."""
    alone = [bars.select_symbol(symbol) for symbol in range(len(bars.symbols))]
    return tuple(
        QualityReport(each, tuple(Issue(name, find(each)) for name, find in CHECKS.items()))
        for each in alone
    )


def find_gaps(bars: Bars) -> Indices:
    """Find bars that follow a longer pause than the calendar explains.

    Within a day, a pause is a gap if it exceeds one and a half bar lengths. From day to day, it is
    a gap if it exceeds a long weekend, or one and a half days if weekends trade. For weekly and
    longer bars, it is a gap if it exceeds one and a half bar lengths.
    """
    steps = bars.days[1:]
    if not len(steps):
        return np.empty(0, np.int64)
    usual = float(np.median(steps))
    closed = MAX_STEP_RATIO if trades_weekends(bars.time) else MAX_CLOSED_DAYS
    if usual > closed:
        late = steps > MAX_STEP_RATIO * usual
    else:
        days = bars.time.astype("datetime64[D]")
        is_same_day = days[1:] == days[:-1]
        late = np.where(is_same_day & (usual < 1.0), steps > MAX_STEP_RATIO * usual, steps > closed)
    return np.flatnonzero(late) + 1


def find_zero_volume(bars: Bars) -> Indices:
    """Find bars of volume 0, if any bar of the symbol has volume."""
    volume = bars.volume[0]
    return np.flatnonzero(volume == 0.0) if np.any(volume > 0) else np.empty(0, np.int64)


def find_spikes(bars: Bars) -> Indices:
    """Find close-to-close moves beyond 8 robust deviations that the next bar reverses."""
    moves = np.diff(np.log(bars.close[0]))
    if len(moves) < 3:
        return np.empty(0, np.int64)
    middle = np.median(moves)
    sigma = MAD_TO_SIGMA * float(np.median(np.abs(moves - middle)))
    leap, back = moves[:-1], moves[1:]
    is_spike = (np.abs(leap) > SPIKE_SIGMAS * sigma) & (-back * np.sign(leap) >= REVERSED_SHARE *
                                                        np.abs(leap))  # fmt: skip
    return np.flatnonzero(is_spike & (sigma > 0)) + 1


def find_stale(bars: Bars) -> Indices:
    """Find the first bar of each run of at least five bars without a price change."""
    rows = np.stack([bars.open[0], bars.high[0], bars.low[0], bars.close[0]])
    same = np.all(_equal(rows[:, 1:], rows[:, :-1]), axis=0) & _equal(rows[1, 1:], rows[2, 1:])
    edges = np.flatnonzero(np.diff(np.concatenate([[False], same, [False]]).astype(np.int8)))
    first, last = edges[::2], edges[1::2]
    return first[last - first + 1 >= STALE_BARS]


def find_out_of_range(bars: Bars) -> Indices:
    """Find bars whose open or close is outside the range from low to high."""
    high, low = bars.high[0] * (1 + PRICE_ROUNDING), bars.low[0] * (1 - PRICE_ROUNDING)
    wrong = [(price > high) | (price < low) for price in (bars.open[0], bars.close[0])]
    return np.flatnonzero(wrong[0] | wrong[1])


def find_repeated_opens(bars: Bars) -> Indices:
    """Find bars that open at the previous close, which is common for an index."""
    return np.flatnonzero(_equal(bars.open[0, 1:], bars.close[0, :-1])) + 1


def _equal(prices: NDArray[np.float64], others: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Return whether prices differ by no more than the rounding of an adjustment."""
    return np.abs(prices - others) <= PRICE_ROUNDING * others


CHECKS: dict[str, Callable[[Bars], Indices]] = {
    "gaps": find_gaps,
    "zero volume": find_zero_volume,
    "spikes": find_spikes,
    "splits not applied": find_splits,
    "stale": find_stale,
    "outside the range": find_out_of_range,
    "open at the last close": find_repeated_opens,
}
