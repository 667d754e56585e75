"""Price paths within bars, and the bars that they give.

A path is a Brownian motion: a gap overnight, then steps from the open to the close. The extremes of
a step are drawn from their exact distribution given its ends. So the price never jumps past a level
where an order could have filled.
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
STEPS_PER_BAR = 16  # so that high and low of a bar are hardly ever drawn independently


class Paths(NamedTuple):
    """Log price paths of bars, with the random numbers for their extremes and volume.

    Attributes:
        moves: float64[bar, 1 + step], log returns: overnight, then of each step.
        deviation: float64[bar], of a step.
        tops, bottoms: float64[bar, step], standard exponential draws for the extremes.
        volume: float64[bar].
    """

    moves: Series
    deviation: Series
    tops: Series
    bottoms: Series
    volume: Series

    def part(self, first: int, end: int) -> Paths:
        """Return the bars from first up to, not including, end, at the same prices."""
        part = Paths(*[field[first:end] for field in self])
        moves = part.moves.copy()
        moves[:1, 0] += self.moves[:first].sum()
        return part._replace(moves=moves)


def draw_paths(
    rng: np.random.Generator, noise: Series, mean: Series, deviation: Series, overnight: float
) -> Paths:
    """Build the paths of bars from the noise of their steps.

    Args:
        rng: for extremes and volume.
        noise: float64[bar, 1 + step], standard normal.
        mean, deviation: float64[bar], of the log return of each bar, close to close.
        overnight: the share of a bar's variance and mean between the close before and its open.
    """
    shares = variance_shares(overnight)
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


def variance_shares(overnight: float) -> Series:
    """Return float64[1 + step], the shares of a bar's variance: overnight, then of each step."""
    return np.array([overnight, *[(1 - overnight) / STEPS_PER_BAR] * STEPS_PER_BAR])


def bars_from_paths(paths: Paths) -> Bars:
    """Build daily bars on business days from their paths.

    For a uniform u, the highest point of a Brownian bridge from a to b with variance s² is
    (a + b + √((a - b)² - 2 s² ln u)) / 2. The lowest mirrors it. This inverts the distribution of
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
            f"prices of such a market leave {MIN_PRICE:g} to {MAX_PRICE:g} within {count:,} bars"
        )
        raise EvolveError(message, "take fewer bars, or a smaller drift, volatility or edge_bps")
    time = np.busday_offset(FIRST_DAY, np.arange(count)).astype("datetime64[ns]")
    panels = (opens, highs, lows, closes, paths.volume, np.ones(count))
    return Bars(("SYNTHETIC",), time, *[np.ascontiguousarray(each[None, :]) for each in panels])
