"""Generators of synthetic markets, each declared in GENERATORS with its options.

A generator gives the drift and the deviation of each bar, given its standard normal shock. Inside
the bar, the price is a geometric Brownian motion with these moments. Without drift the price is a
martingale, so no order earns anything on average.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from dsl.bars import Bars
from evolve.data.paths import STEPS_PER_BAR, bars_from_paths, compute_variance_shares, draw_paths
from evolve.data.planted import plant
from evolve.errors import EvolveError

Series = NDArray[np.float64]
Values = Mapping[str, float]

YEAR = 252
BURN_IN_BARS = 500  # until the process forgets its first value


@dataclass(frozen=True)
class Option:
    """A numeric option of a generator.

    Attributes:
        default: the value if the option is not set.
        low: the minimum, included.
        high: the maximum, included.
        about: one line.
    """

    default: float
    low: float
    high: float
    about: str


class Moments(NamedTuple):
    """Moments of each bar.

    Attributes:
        drift: float64[bar], log growth of the mean price.
        deviation: float64[bar], standard deviation of the log return.
    """

    drift: Series
    deviation: Series


DRIFT = Option(0.06, -10, 10, "log growth of the mean price per year")
VOLATILITY = Option(0.16, 1e-6, 3, "standard deviation of log returns per year")
OVERNIGHT = Option(0.3, 0, 0.9, "share of the variance between a close and the next open")


@dataclass(frozen=True)
class Generator:
    """A generator of prices.

    Attributes:
        about: one line.
        options: the options by name; each generator has `overnight`.
        moments: returns the moments, given a random generator, float64[bar] shocks and the options.
        needs_rule: whether a bar after one on which a rule holds moves by `edge_bps` more.
    """

    about: str
    options: Mapping[str, Option]
    moments: Callable[[np.random.Generator, Series, Values], Moments]
    needs_rule: bool = False

    def draw(self, bars: int, seed: int, rule: str, values: Values) -> Bars:
        """Build the market of a seed.

        Args:
            bars: the number of bars.
            seed: seed of the random numbers.
            rule: the planted rule; ignored without `needs_rule`.
            values: the options by name.

        Raises:
            EvolveError: for wrong options, or a rule that is not a condition.
            LanguageError: for a rule that is not a valid expression.
        """
        steps, process, rest = np.random.default_rng(seed).spawn(3)
        noise = steps.normal(0.0, 1.0, (bars, 1 + STEPS_PER_BAR))
        shocks = noise @ np.sqrt(compute_variance_shares(values["overnight"]))
        drift, deviation = self.moments(process, shocks, values)
        mean = drift - deviation**2 / 2
        paths = draw_paths(rest, noise, mean, deviation, values["overnight"])
        if self.needs_rule:
            return plant(paths, rule, values["edge_bps"] * 1e-4)
        return bars_from_paths(paths)


def random_walk(
    bars: int, seed: int, drift: float = 0.06, volatility: float = 0.16, overnight: float = 0.3
) -> Bars:
    """Build a market that is a geometric Brownian motion.

    Args:
        bars: the number of bars.
        seed: seed of the random numbers.
        drift: log growth of the mean price per year of 252 bars.
        volatility: standard deviation of log returns per year.
        overnight: share of the variance between a close and the next open.
    """
    values = {"drift": drift, "volatility": volatility, "overnight": overnight}
    return GENERATORS["walk"].draw(bars, seed, "", values)


def _walk(rng: np.random.Generator, shocks: Series, values: Values) -> Moments:
    count = len(shocks)
    return _scale_to_bars(np.full(count, values["drift"]), np.full(count, values["volatility"]))


def _garch(rng: np.random.Generator, shocks: Series, values: Values) -> Moments:
    """Return the moments of GARCH(1,1) with standardized Student-t shocks (Bollerslev 1987).

    A Student-t shock is a normal shock times a random scale. The scale is drawn first, so the log
    price inside a bar is a Brownian motion, too.
    """
    alpha, beta, freedom = (values[name] for name in ("alpha", "beta", "freedom"))
    if alpha + beta >= 1:
        message = f"synthetic:garch: expected alpha + beta below 1, found {alpha + beta:g}"
        raise EvolveError(message, "write alpha=0.08&beta=0.9")
    shocks = np.concatenate([rng.normal(size=BURN_IN_BARS), shocks])
    scales = (freedom - 2) / rng.chisquare(freedom, len(shocks))
    variance, variances = 1.0, np.empty(len(shocks))
    for bar, squared in enumerate(scales * shocks**2):
        variances[bar] = variance
        variance *= beta + alpha * squared
        variance += 1 - alpha - beta
    relative = np.sqrt(variances * scales)[BURN_IN_BARS:]
    return _scale_to_bars(np.full(len(relative), values["drift"]), values["volatility"] * relative)


def _autoregressive(rng: np.random.Generator, shocks: Series, values: Values) -> Moments:
    """Return the moments of a drift with mu = mean + persistence (mu - mean) + shock."""
    from scipy.signal import lfilter

    persistence = values["persistence"]
    spread = values["wander"] / YEAR * np.sqrt(1 - persistence**2)
    wander = rng.normal(0.0, spread, len(shocks) + BURN_IN_BARS)
    drift = YEAR * lfilter([1.0], [1.0, -persistence], wander)[BURN_IN_BARS:] + values["drift"]
    return _scale_to_bars(drift, np.full(len(shocks), values["volatility"]))


def _regimes(rng: np.random.Generator, shocks: Series, values: Values) -> Moments:
    """Return the moments of two states that switch at random (Hamilton 1989)."""
    is_wild = np.cumsum(rng.random(len(shocks)) < 1 / values["bars_a_regime"]) % 2 == 1
    return _scale_to_bars(
        np.where(is_wild, values["fall"], values["rise"]),
        np.where(is_wild, values["wild"], values["calm"]),
    )


def _scale_to_bars(drift: Series, volatility: Series) -> Moments:
    """Return the moments per bar, given those per year."""
    return Moments(drift / YEAR, volatility / np.sqrt(YEAR))


def _declare(
    about: str, moments: Callable[[np.random.Generator, Series, Values], Moments],
    needs_rule: bool = False, **options: Option,
) -> Generator:  # fmt: skip
    return Generator(about, {**options, "overnight": OVERNIGHT}, moments, needs_rule)


GENERATORS = {
    "walk": _declare("a random walk with drift", _walk, drift=DRIFT, volatility=VOLATILITY),
    "garch": _declare(
        "GARCH(1,1) with Student-t shocks: clustered volatility and fat tails",
        _garch,
        drift=DRIFT,
        volatility=VOLATILITY,
        alpha=Option(0.08, 0, 1, "weight of a shock in the next variance"),
        beta=Option(0.9, 0, 1, "weight of the variance in the next variance"),
        freedom=Option(5, 2.1, 100, "degrees of freedom of the shocks"),
    ),
    "ar": _declare(
        "a random walk whose drift is an AR(1) process",
        _autoregressive,
        drift=DRIFT,
        volatility=VOLATILITY,
        persistence=Option(0.98, 0, 0.9999, "weight of the drift in the next drift"),
        wander=Option(0.5, 0, 10, "standard deviation of the drift per year"),
    ),
    "regime": _declare(
        "a calm, rising state and a wild, falling state that alternate",
        _regimes,
        calm=Option(0.1, 1e-6, 3, "volatility of the calm state per year"),
        wild=Option(0.3, 1e-6, 3, "volatility of the wild state per year"),
        rise=Option(0.15, -10, 10, "drift of the calm state per year"),
        fall=Option(-0.3, -10, 10, "drift of the wild state per year"),
        bars_a_regime=Option(120, 1, 1e6, "mean length of a state in bars"),
    ),
    "planted": _declare(
        "a random walk that moves by `edge_bps` more, open to close, after `rule` holds",
        _walk,
        needs_rule=True,
        drift=DRIFT,
        volatility=VOLATILITY,
        edge_bps=Option(20, -1000, 1000, "log return added after the rule holds, in basis points"),
    ),
}
