"""What a person should look at before they trust a symbol's bars."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dsl.bars import Bars
from dsl.calendar_time import trades_weekends

Flags = NDArray[np.int64]

SPIKE_SIGMAS = 8.0
REVERSED_SHARE = 2 / 3  # of a spike that the next bar takes back
STALE_BARS = 5
MAX_CLOSED_DAYS = 5.0  # a long weekend; where weekends trade, one and a half
MAD_TO_SIGMA = 1.4826
PRICE_ROUNDING = 1e-9  # of a price: adjusting rounds each bar in its own way


@dataclass(frozen=True)
class Issue:
    """Bars of one kind that look wrong.

    Attributes:
        name: what they are.
        places: int64[n], which of the symbol's own bars.
    """

    name: str
    bars: Flags


@dataclass(frozen=True, eq=False)
class QualityReport:
    """A symbol's bars and what is doubtful about them."""

    bars: Bars
    issues: tuple[Issue, ...]


def check_quality(bars: Bars) -> tuple[QualityReport, ...]:
    """Each symbol of a panel, looked at by itself."""
    alone = [bars.select_symbol(symbol) for symbol in range(len(bars.symbols))]
    return tuple(
        QualityReport(own, tuple(Issue(name, find(own)) for name, find in SUSPICIONS.items()))
        for own in alone
    )


def find_gaps(bars: Bars) -> Flags:
    """Bars that come later than the calendar explains.

    Within a day, where more than one bar length went by; from day to day, after more days than a
    long weekend has; of weekly bars and longer ones, after more than one and a half lengths.
    """
    steps = bars.days[1:]
    if not len(steps):
        return np.empty(0, np.int64)
    usual = float(np.median(steps))
    closed = 1.5 if trades_weekends(bars.time) else MAX_CLOSED_DAYS
    if usual > closed:
        late = steps > 1.5 * usual
    else:
        days = bars.time.astype("datetime64[D]")
        is_same_day = days[1:] == days[:-1]
        late = np.where(is_same_day & (usual < 1.0), steps > 1.5 * usual, steps > closed)
    return np.flatnonzero(late) + 1


def find_zero_volume(bars: Bars) -> Flags:
    """Bars of volume 0, where the symbol has a volume at all."""
    volume = bars.volume[0]
    return np.flatnonzero(volume == 0.0) if np.any(volume > 0) else np.empty(0, np.int64)


def find_spikes(bars: Bars) -> Flags:
    """Closes more than 8 robust deviations from the one before that the next bar takes back."""
    moves = np.diff(np.log(bars.close[0]))
    if len(moves) < 3:
        return np.empty(0, np.int64)
    middle = np.median(moves)
    sigma = MAD_TO_SIGMA * float(np.median(np.abs(moves - middle)))
    leap, back = moves[:-1], moves[1:]
    is_spike = (np.abs(leap) > SPIKE_SIGMAS * sigma) & (-back * np.sign(leap) >= REVERSED_SHARE *
                                                        np.abs(leap))  # fmt: skip
    return np.flatnonzero(is_spike & (sigma > 0)) + 1


def find_stale(bars: Bars) -> Flags:
    """The first of five and more bars in a row on which no price moves."""
    rows = np.stack([bars.open[0], bars.high[0], bars.low[0], bars.close[0]])
    same = np.all(_equal(rows[:, 1:], rows[:, :-1]), axis=0) & _equal(rows[1, 1:], rows[2, 1:])
    edges = np.flatnonzero(np.diff(np.concatenate([[False], same, [False]]).astype(np.int8)))
    first, last = edges[::2], edges[1::2]
    return first[last - first + 1 >= STALE_BARS]


def find_out_of_range(bars: Bars) -> Flags:
    """Bars whose open or close lies outside their own range."""
    high, low = bars.high[0] * (1 + PRICE_ROUNDING), bars.low[0] * (1 - PRICE_ROUNDING)
    wrong = [(price > high) | (price < low) for price in (bars.open[0], bars.close[0])]
    return np.flatnonzero(wrong[0] | wrong[1])


def find_repeated_opens(bars: Bars) -> Flags:
    """Return the bars that open at the close before, as those of an index do."""
    return np.flatnonzero(_equal(bars.open[0, 1:], bars.close[0, :-1])) + 1


def _equal(prices: NDArray[np.float64], others: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Return where prices differ at most by the rounding of an adjustment."""
    return np.abs(prices - others) <= PRICE_ROUNDING * others


SUSPICIONS: dict[str, Callable[[Bars], Flags]] = {
    "gaps": find_gaps,
    "zero volume": find_zero_volume,
    "spikes": find_spikes,
    "stale": find_stale,
    "outside the range": find_out_of_range,
    "open at the last close": find_repeated_opens,
}
