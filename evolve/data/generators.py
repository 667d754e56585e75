"""The laws of synthetic markets. Each is declared once, in LAWS, with its options.

A law gives the drift and the deviation of each bar, given the standard normal shock that moves it.
Inside a bar the price is a geometric Brownian motion of these two. Without drift it is a
martingale, so that no order earns anything on average.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from dsl.bars import Bars
from evolve.data.paths import STEPS_PER_BAR, bars_from_paths, draw_paths, variance_shares
from evolve.data.planted import plant
from evolve.errors import EvolveError

Series = NDArray[np.float64]
Values = Mapping[str, float]

YEAR = 252
BURN_IN_BARS = 500


@dataclass(frozen=True)
class Option:
    """A number of a law, with the range it may have."""

    default: float
    low: float
    high: float
    about: str


class Moments(NamedTuple):
    """The drift of the price over each bar, and the deviation of its log return: float64[bar]."""

    drift: Series
    deviation: Series


DRIFT = Option(0.06, -10, 10, "the log growth of the mean price, a year")
VOLATILITY = Option(0.16, 1e-6, 3, "the deviation of log returns, a year")
OVERNIGHT = Option(0.3, 0, 0.9, "the share of variance between the close and the next open")


@dataclass(frozen=True)
class Generator:
    """A way to generate prices.

    Attributes:
        about: one line.
        options: by name; every law has `overnight`.
        moments: generator, float64[bar] shocks, values -> moments.
        needs_rule: whether bars after those on which a rule holds move by `edge_bps` more.
    """

    about: str
    options: Mapping[str, Option]
    moments: Callable[[np.random.Generator, Series, Values], Moments]
    needs_rule: bool = False

    def draw(self, bars: int, seed: int, rule: str, values: Values) -> Bars:
        """Build the market of a seed.

        Raises:
            EvolveError, LanguageError: if a rule is not a condition.
        """
        steps, law, rest = np.random.default_rng(seed).spawn(3)
        noise = steps.normal(0.0, 1.0, (bars, 1 + STEPS_PER_BAR))
        shocks = noise @ np.sqrt(variance_shares(values["overnight"]))
        drift, deviation = self.moments(law, shocks, values)
        mean = drift - deviation**2 / 2
        paths = draw_paths(rest, noise, mean, deviation, values["overnight"])
        if self.needs_rule:
            return plant(paths, rule, values["edge_bps"] * 1e-4)
        return bars_from_paths(paths)


def random_walk(
    bars: int, seed: int, drift: float = 0.06, volatility: float = 0.16, overnight: float = 0.3
) -> Bars:
    """Build a geometric Brownian motion.

    Args:
        bars: how many.
        seed: of the generator.
        drift: log growth of the mean price, a year of 252 bars.
        volatility: deviation of log returns, a year.
        overnight: the share of variance between a close and the next open.
    """
    values = {"drift": drift, "volatility": volatility, "overnight": overnight}
    return GENERATORS["walk"].draw(bars, seed, "", values)


def _walk(rng: np.random.Generator, shocks: Series, values: Values) -> Moments:
    count = len(shocks)
    return _per_bar(np.full(count, values["drift"]), np.full(count, values["volatility"]))


def _garch(rng: np.random.Generator, shocks: Series, values: Values) -> Moments:
    """Return the moments of GARCH(1,1) with standardised Student-t shocks (Bollerslev 1987).

    A Student-t shock is a normal one times a random scale. The scale is drawn first, so that the
    log price inside a bar is a Brownian motion too.
    """
    alpha, beta, freedom = (values[name] for name in ("alpha", "beta", "freedom"))
    if alpha + beta >= 1:
        message = f"synthetic:garch: alpha + beta is {alpha + beta:g}: it must stay below 1"
        raise EvolveError(message, "write alpha=0.08&beta=0.9")
    shocks = np.concatenate([rng.normal(size=BURN_IN_BARS), shocks])
    scales = (freedom - 2) / rng.chisquare(freedom, len(shocks))
    variance, variances = 1.0, np.empty(len(shocks))
    for bar, squared in enumerate(scales * shocks**2):
        variances[bar] = variance
        variance *= beta + alpha * squared
        variance += 1 - alpha - beta
    relative = np.sqrt(variances * scales)[BURN_IN_BARS:]
    return _per_bar(np.full(len(relative), values["drift"]), values["volatility"] * relative)


def _autoregressive(rng: np.random.Generator, shocks: Series, values: Values) -> Moments:
    """Return the moments where the drift wanders: mu = mean + persistence (mu - mean) + shock."""
    from scipy.signal import lfilter

    persistence = values["persistence"]
    spread = values["wander"] / YEAR * np.sqrt(1 - persistence**2)
    wander = rng.normal(0.0, spread, len(shocks) + BURN_IN_BARS)
    drift = YEAR * lfilter([1.0], [1.0, -persistence], wander)[BURN_IN_BARS:] + values["drift"]
    return _per_bar(drift, np.full(len(shocks), values["volatility"]))


def _regimes(rng: np.random.Generator, shocks: Series, values: Values) -> Moments:
    """Return the moments of two states, each left by chance (Hamilton 1989)."""
    is_wild = np.cumsum(rng.random(len(shocks)) < 1 / values["bars_a_regime"]) % 2 == 1
    return _per_bar(
        np.where(is_wild, values["fall"], values["rise"]),
        np.where(is_wild, values["wild"], values["calm"]),
    )


def _per_bar(drift: Series, volatility: Series) -> Moments:
    """Return moments of bars from those of years."""
    return Moments(drift / YEAR, volatility / np.sqrt(YEAR))


def _generator(
    about: str, moments: Callable[[np.random.Generator, Series, Values], Moments],
    needs_rule: bool = False, **options: Option,
) -> Generator:  # fmt: skip
    return Generator(about, {**options, "overnight": OVERNIGHT}, moments, needs_rule)


GENERATORS = {
    "walk": _generator("a random walk with drift", _walk, drift=DRIFT, volatility=VOLATILITY),
    "garch": _generator(
        "GARCH(1,1) with Student-t shocks: volatility comes in clusters, with fat tails",
        _garch,
        drift=DRIFT,
        volatility=VOLATILITY,
        alpha=Option(0.08, 0, 1, "how much a shock raises the next variance"),
        beta=Option(0.9, 0, 1, "how much of the variance stays"),
        freedom=Option(5, 2.1, 100, "degrees of freedom of the shocks"),
    ),
    "ar": _generator(
        "a drift that wanders, as an AR(1) process",
        _autoregressive,
        drift=DRIFT,
        volatility=VOLATILITY,
        persistence=Option(0.98, 0, 0.9999, "how much of the drift stays to the next bar"),
        wander=Option(0.5, 0, 10, "the deviation of the drift, a year"),
    ),
    "regime": _generator(
        "calm and rising, then wild and falling, by turns",
        _regimes,
        calm=Option(0.1, 1e-6, 3, "volatility of the calm state, a year"),
        wild=Option(0.3, 1e-6, 3, "volatility of the wild state, a year"),
        rise=Option(0.15, -10, 10, "drift of the calm state, a year"),
        fall=Option(-0.3, -10, 10, "drift of the wild state, a year"),
        bars_a_regime=Option(120, 1, 1e6, "the mean length of a state"),
    ),
    "planted": _generator(
        "a random walk that moves by `edge_bps` more, open to close, on the bar after `rule` held",
        _walk,
        needs_rule=True,
        drift=DRIFT,
        volatility=VOLATILITY,
        edge_bps=Option(20, -1000, 1000, "log return added to such a bar, in basis points"),
    ),
}
