"""Synthetic markets of `verdict.py`, by name, with exact extremes inside a bar.

`walk` is a random walk. `garch` and `leverage` have clustered volatility and a drift of 0.6
deviations per year, but no predictable direction. The returns of `ar` are autocorrelated.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray
from scipy.signal import lfilter

from dsl.bars import Bars
from evolve.data.generators import (
    BURN_IN_BARS,
    DRIFT,
    GENERATORS,
    VOLATILITY,
    YEAR,
    Generator,
    Moments,
    Option,
)

Series = NDArray[np.float64]

SHARPE_DRIFT = 0.6 * VOLATILITY.default
ALPHA, GAMMA, BETA = 0.02, 0.14, 0.9  # of GJR-GARCH; their persistence is 0.99


def _compute_leverage(
    rng: np.random.Generator, shocks: Series, values: Mapping[str, float]
) -> Moments:
    """Return the moments of GJR-GARCH(1,1), whose variance rises more after a fall.

    Source: Glosten, Jagannathan and Runkle, "On the Relation between the Expected Value and the
    Volatility of the Nominal Excess Return on Stocks" (1993).
    """
    shocks = np.concatenate([rng.normal(size=BURN_IN_BARS), shocks])
    variance, variances = 1.0, np.empty(len(shocks))
    for bar, shock in enumerate(shocks):
        variances[bar] = variance
        weight = ALPHA + GAMMA * (shock < 0)
        variance = 1 - ALPHA - GAMMA / 2 - BETA + variance * (BETA + weight * shock**2)
    deviation = np.sqrt(variances[BURN_IN_BARS:] / YEAR) * values["volatility"]
    return Moments(np.full(len(deviation), values["drift"] / YEAR), deviation)


def _compute_autocorrelation(
    rng: np.random.Generator, shocks: Series, values: Mapping[str, float]
) -> Moments:
    """Return the moments of log returns, close to close, with an AR(1) coefficient `phi`."""
    deviation = np.full(len(shocks), values["volatility"] / np.sqrt(YEAR))
    moves = lfilter([1.0], [1.0, -values["phi"]], deviation * shocks)
    drift = np.full(len(shocks), values["drift"] / YEAR)
    drift[1:] += values["phi"] * moves[:-1]
    return Moments(drift, deviation)


LEVERAGE = Generator("", {}, _compute_leverage)
AUTOCORRELATED = Generator("", {"phi": Option(0.2, -1, 1, "")}, _compute_autocorrelation)


def draw_market(name: str, bars: int, seed: int, options: Mapping[str, float]) -> Bars:
    """Build the market of a seed.

    Args:
        name: a name of MARKETS.
        bars: number of bars.
        seed: seed of the random numbers.
        options: `overnight`, the share of the variance between a close and the next open, and
            `phi` of `ar`.
    """
    values = {"drift": DRIFT.default, "volatility": VOLATILITY.default, **options}
    return MARKETS[name](bars, seed, values)


def _draw(generator: Generator, **fixed: float) -> Callable[[int, int, Mapping[str, float]], Bars]:
    return lambda bars, seed, values: generator.draw(bars, seed, "", {**values, **fixed})


MARKETS = {
    "walk": _draw(GENERATORS["walk"]),
    "garch": _draw(GENERATORS["garch"], drift=SHARPE_DRIFT, alpha=0.08, beta=0.9, freedom=5.0),
    "leverage": _draw(LEVERAGE, drift=SHARPE_DRIFT),
    "ar": _draw(AUTOCORRELATED),
}
