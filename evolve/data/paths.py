"""Price paths within bars, and the bars built from them.

A path is a Brownian motion: an overnight gap, then steps from the open to the close. The extremes
of a step are drawn from their exact distribution, given its ends. The price never jumps past a
level at which an order could fill.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from dsl.bars import MAX_PRICE, MIN_PRICE, Bars
from evolve.errors import EvolveError

Series = NDArray[np.float64]

FIRST_PRICE = 100.0
FIRST_DAY = np.datetime64("2000-01-03")
STEPS_PER_BAR = 16  # with fewer, high and low of a bar are often drawn independently of each other


class Paths(NamedTuple):
    """Log price paths of bars, with random draws for their extremes and volume.

    Attributes:
        moves: float64[bar, 1 + step], log returns: overnight, then of each step.
        deviation: float64[bar], standard deviation of the log return of a step.
        tops: float64[bar, step], standard exponential draws for the highs.
        bottoms: float64[bar, step], standard exponential draws for the lows.
        volume: float64[bar].
    """

    moves: Series
    deviation: Series
    tops: Series
    bottoms: Series
    volume: Series

    def slice(self, first: int, end: int) -> Paths:
        """Return the bars from `first` up to, not including, `end`, at the same prices."""
        part = Paths(*[field[first:end] for field in self])
        moves = part.moves.copy()
        moves[:1, 0] += self.moves[:first].sum()
        return part._replace(moves=moves)


def draw_paths(
    rng: np.random.Generator, noise: Series, mean: Series, deviation: Series, overnight: float
) -> Paths:
    """Build the paths of bars from the noise of their steps.

    Args:
        rng: source of the extremes and the volume.
        noise: float64[bar, 1 + step], standard normal.
        mean: float64[bar], mean of the log return of each bar, close to close.
        deviation: float64[bar], standard deviation of that log return.
        overnight: share of a bar's variance and mean between the previous close and its open.
    """
    shares = compute_variance_shares(overnight)
    moves = mean[:, None] * shares + deviation[:, None] * (noise * np.sqrt(shares))
    high, low, volume = rng.spawn(3)
    shape = (len(noise), STEPS_PER_BAR)
    return Paths(
        moves,
        deviation * np.sqrt(shares[-1]),
        high.standard_exponential(shape),
        low.standard_exponential(shape),
        np.round(1e6 * np.exp(volume.normal(0.0, 0.3, len(noise)))),
    )


def compute_variance_shares(overnight: float) -> Series:
    """Return the shares of a bar's variance, float64[1 + step]: overnight, then of each step."""
    return np.array([overnight, *[(1 - overnight) / STEPS_PER_BAR] * STEPS_PER_BAR])


def bars_from_paths(paths: Paths) -> Bars:
    """Build daily bars on business days from their paths.

    For a uniform u, the maximum of a Brownian bridge from a to b with variance s² is
    (a + b + √((a - b)² - 2 s² ln u)) / 2. The minimum mirrors it. This inverts the distribution of
    the maximum (Karatzas and Shreve, "Brownian Motion and Stochastic Calculus", 1991, exercise
    2.8.15). -ln u is a standard exponential draw.

    Raises:
        EvolveError: if a price is below MIN_PRICE or above MAX_PRICE.
    """
    count = len(paths.moves)
    levels = np.cumsum(paths.moves).reshape(paths.moves.shape)
    sums, widths = levels[:, :-1] + levels[:, 1:], paths.moves[:, 1:] ** 2
    spread = 2.0 * paths.deviation[:, None] ** 2
    tops = (sums + np.sqrt(widths + spread * paths.tops)).max(axis=1) / 2
    bottoms = (sums - np.sqrt(widths + spread * paths.bottoms)).min(axis=1) / 2
    with np.errstate(over="ignore", under="ignore"):
        opens, highs, lows, closes = (
            FIRST_PRICE * np.exp(each) for each in (levels[:, 0], tops, bottoms, levels[:, -1])
        )
    highs = np.maximum(highs, np.maximum(opens, closes))
    lows = np.minimum(lows, np.minimum(opens, closes))
    if not MIN_PRICE < lows.min() <= highs.max() < MAX_PRICE:
        message = (
            f"synthetic prices leave the range from {MIN_PRICE:g} to {MAX_PRICE:g} within "
            f"{count:,} bars"
        )
        raise EvolveError(message, "use fewer bars, or a smaller drift, volatility or edge_bps")
    time = np.busday_offset(FIRST_DAY, np.arange(count)).astype("datetime64[ns]")
    panels = (opens, highs, lows, closes, paths.volume, np.ones(count))
    return Bars(("SYNTHETIC",), time, *[np.ascontiguousarray(each[None, :]) for each in panels])
