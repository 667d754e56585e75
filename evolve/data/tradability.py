"""A test of whether the opens of a symbol are traded prices, measured on its bars."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from dsl.bars import Bars

STOP_ATR, ATR_BARS = 0.05, 20
# Of 28 daily series, funds and large stocks since 2000 gain up to 3.6 bps, indexes and thin or old
# stocks 5 to 60. Between them lies 40 % of a round trip at the default costs.
MAX_GAIN_BPS, MIN_T = 4.8, 4.0
MIN_BARS = 1000  # with fewer, a gain of some 5 bps may not reach that t


@dataclass(frozen=True)
class StopGain:
    """The gain of a stop right beside the open, which is zero if the open can be traded.

    Attributes:
        bps: mean gain a bar over leaving at the close, longs and shorts averaged.
        t: that mean over its standard error.
    """

    bps: float
    t: float

    @property
    def is_impossible(self) -> bool:
        """Whether nobody could have earned it, so that the printed open is no traded price."""
        return self.bps > MAX_GAIN_BPS and self.t > MIN_T

    @property
    def figure(self) -> str:
        """The gain in words."""
        return f"a stop right beside the open gains {self.bps:.1f} bps a bar, t = {self.t:.1f}"

    @property
    def consequence(self) -> str:
        """How orders fill where the gain is impossible, and the figure that shows it."""
        return (
            "orders for the next open fill at the next close, and stops, trails and targets at "
            f"closes alone ({self.figure}; on traded prices it gains 0)"
        )


def mark_closes_only(bars: Bars, start: int = 0) -> tuple[Bars, dict[str, StopGain]]:
    """Return bars with the symbols marked whose opens are not traded prices.

    Args:
        bars: of one or more symbols.
        start: the first bar that is used. Earlier bars are measured too if fewer than 1,000
            follow.

    Returns:
        The bars with `closes_only` set, and the gain of each symbol.
    """
    first = max(0, min(start, len(bars) - MIN_BARS))
    gains = {
        name: measure_stop_gain(
            bars.select_symbol(symbol), int(np.searchsorted(bars.priced_indices(symbol), first))
        )
        for symbol, name in enumerate(bars.symbols)
    }
    closes_only = tuple(name for name, gain in gains.items() if gain.is_impossible)
    return replace(bars, closes_only=closes_only), gains


def measure_stop_gain(bars: Bars, start: int = 0) -> StopGain:
    """Measure the gain of leaving at the open -/+ 0.05 ATR(20) if touched, else at the close.

    On a price that moves continuously from its open, a stop beside the open gains nothing over
    the close. It gains if the price jumps between the printed open and the extremes. An index
    does so: its open repeats the close before.

    Bars count as independent. An index-like symbol of 120 daily bars is found in 9 of 10 cases,
    one of 60 bars in 1 of 10.

    Args:
        bars: of one symbol.
        start: the first bar that counts.
    """
    atr = _atr_before(bars)[start:]
    opens, highs, lows, closes = (
        each[0, start:] for each in (bars.open, bars.high, bars.low, bars.close)
    )
    below, above = opens - STOP_ATR * atr, opens + STOP_ATR * atr
    is_known = np.isfinite(atr) & (atr > 0.0)
    long = np.where(lows <= below, below - closes, 0.0)
    short = np.where(highs >= above, closes - above, 0.0)
    gains = (((long + short) / 2) / opens)[is_known] * 1e4
    if len(gains) < 2:
        return StopGain(0.0, 0.0)
    mean = float(np.mean(gains))
    error = float(np.std(gains, ddof=1) / np.sqrt(len(gains)))
    return StopGain(mean, mean / error if error > 0 else 0.0)


def _atr_before(bars: Bars) -> NDArray[np.float64]:
    """Return float64[bar], the mean true range of the 20 bars before each; NaN where unknown.

    It is a plain mean, not Wilder's average, so that loading data compiles no kernel.
    """
    before = bars.close[0, :-1]
    tops, bottoms = np.maximum(bars.high[0, 1:], before), np.minimum(bars.low[0, 1:], before)
    found = np.full(len(bars), np.nan)
    if len(bars) > ATR_BARS + 1:
        means = np.convolve(tops - bottoms, np.full(ATR_BARS, 1 / ATR_BARS), "valid")
        found[ATR_BARS + 1 :] = means[:-1]
    return found
