"""The laws of synthetic markets. Each is declared once, in LAWS, with its options.

A law gives log moves: float64[bar, step], the first of a bar from the close before to its open.
The bar's range is that of its path, so open, high, low and close always agree.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dsl.bars import Bars
from dsl.check import check_expression
from dsl.evaluate import Evaluator
from dsl.program import lookback
from dsl.terms import Term
from evolve.errors import EvolveError

Moves = NDArray[np.float64]
Values = Mapping[str, float]

YEAR = 252
STEPS_A_BAR = 16
BURN_IN_BARS = 500
LEAST_PRICE, MOST_PRICE = 1e-290, 1e290
MOST_ROUNDS, BLOCK_BARS, MEMORY_BARS = 400, 64, 600


@dataclass(frozen=True)
class Option:
    """A number of a law, with the range it may have."""

    default: float
    least: float
    most: float
    about: str


DRIFT = Option(0.06, -10, 10, "the mean of log returns, a year")
VOLATILITY = Option(0.16, 1e-6, 3, "their deviation, a year")


@dataclass(frozen=True)
class Law:
    """A way to make prices.

    Attributes:
        about: one line.
        options: by name.
        moves: generator, bars, values -> float64[bar, step].
        needs_rule: whether bars after those on which a rule holds move by `edge_bps` more.
    """

    about: str
    options: Mapping[str, Option]
    moves: Callable[[np.random.Generator, int, Values], Moves]
    needs_rule: bool = field(default=False)

    def make(self, bars: int, seed: int, rule: str, values: Values) -> Bars:
        """The market of a seed.

        Raises:
            EvolveError, LanguageError: if a rule is not a condition.
        """
        rng = np.random.default_rng(seed)
        moves = self.moves(rng, bars, values)
        volume = np.round(1e6 * np.exp(rng.normal(0.0, 0.3, bars)))
        if self.needs_rule:
            return _planted(moves, volume, rule, values["edge_bps"] * 1e-4)
        return _bars(moves, volume)


def random_walk(bars: int, seed: int, drift: float = 0.06, volatility: float = 0.16) -> Bars:
    """A geometric Brownian motion.

    Args:
        bars: how many.
        seed: of the generator.
        drift, volatility: mean and deviation of log returns a year of 252 bars.
    """
    return LAWS["walk"].make(bars, seed, "", {"drift": drift, "volatility": volatility})


def _walk(rng: np.random.Generator, bars: int, values: Values) -> Moves:
    step, volatility = 1 / (YEAR * STEPS_A_BAR), values["volatility"]
    mean = (values["drift"] - volatility**2 / 2) * step
    return rng.normal(mean, volatility * np.sqrt(step), (bars, STEPS_A_BAR))


def _garch(rng: np.random.Generator, bars: int, values: Values) -> Moves:
    """Bollerslev 1986 with standardised Student-t shocks; the package `arch` simulates it."""
    from arch.univariate import GARCH, ConstantMean, StudentsT

    alpha, beta, freedom = (values[name] for name in ("alpha", "beta", "freedom"))
    if alpha + beta >= 1:
        message = f"synthetic:garch: alpha + beta is {alpha + beta:g}: it must stay below 1"
        raise EvolveError(message, "write alpha=0.08&beta=0.9")
    daily = values["volatility"] / np.sqrt(YEAR)
    omega = (1 - alpha - beta) * 1e4  # in basis points, where its numbers are neither tiny nor big
    model = ConstantMean(volatility=GARCH(), distribution=StudentsT(seed=rng))
    made = model.simulate([0.0, omega, alpha, beta, freedom], bars, burn=BURN_IN_BARS)
    shocks, spread = (made[name].to_numpy() * daily / 100 for name in ("data", "volatility"))
    mean = values["drift"] / YEAR - daily**2 / 2
    return _bridged(rng, mean + shocks, spread)


def _autoregressive(rng: np.random.Generator, bars: int, values: Values) -> Moves:
    """The drift itself wanders: mu = mean + persistence * (mu before - mean) + shock."""
    from scipy.signal import lfilter

    daily, persistence = values["volatility"] / np.sqrt(YEAR), values["persistence"]
    spread = values["wander"] / YEAR * np.sqrt(1 - persistence**2)
    shocks = rng.normal(0.0, spread, bars + BURN_IN_BARS)
    wander = lfilter([1.0], [1.0, -persistence], shocks)[BURN_IN_BARS:]
    mean = values["drift"] / YEAR - daily**2 / 2
    returns = mean + wander + rng.normal(0.0, daily, bars)
    return _bridged(rng, returns, np.full(bars, daily))


def _regimes(rng: np.random.Generator, bars: int, values: Values) -> Moves:
    """Hamilton 1989: a calm rising state and a wild falling one, each left by chance."""
    leave = 1 / values["bars_a_regime"]
    is_wild = np.cumsum(rng.random(bars) < leave) % 2 == 1
    volatility = np.where(is_wild, values["wild"], values["calm"])
    drift = np.where(is_wild, values["fall"], values["rise"])
    daily = volatility / np.sqrt(YEAR)
    returns = drift / YEAR - daily**2 / 2 + rng.normal(0.0, 1.0, bars) * daily
    return _bridged(rng, returns, daily)


LAWS = {
    "walk": Law("a random walk with drift", {"drift": DRIFT, "volatility": VOLATILITY}, _walk),
    "garch": Law(
        "GARCH(1,1) with Student-t shocks: volatility comes in clusters, with fat tails",
        {
            "drift": DRIFT,
            "volatility": VOLATILITY,
            "alpha": Option(0.08, 0, 1, "how much a shock raises the next variance"),
            "beta": Option(0.9, 0, 1, "how much of the variance stays"),
            "freedom": Option(5, 2.1, 100, "degrees of freedom of the shocks"),
        },
        _garch,
    ),
    "ar": Law(
        "a drift that wanders, as an AR(1) process",
        {
            "drift": DRIFT,
            "volatility": VOLATILITY,
            "persistence": Option(0.98, 0, 0.9999, "how much of the drift stays to the next bar"),
            "wander": Option(0.5, 0, 10, "the deviation of the drift, a year"),
        },
        _autoregressive,
    ),
    "regime": Law(
        "calm and rising, then wild and falling, by turns",
        {
            "calm": Option(0.1, 1e-6, 3, "volatility of the calm state, a year"),
            "wild": Option(0.3, 1e-6, 3, "volatility of the wild state, a year"),
            "rise": Option(0.15, -10, 10, "drift of the calm state, a year"),
            "fall": Option(-0.3, -10, 10, "drift of the wild state, a year"),
            "bars_a_regime": Option(120, 1, 1e6, "the mean length of a state"),
        },
        _regimes,
    ),
    "planted": Law(
        "a random walk that moves by `edge_bps` more on the bar after `rule` held",
        {
            "drift": DRIFT,
            "volatility": VOLATILITY,
            "edge_bps": Option(20, -1000, 1000, "log return added to such a bar, in basis points"),
        },
        _walk,
        needs_rule=True,
    ),
}


def _bridged(rng: np.random.Generator, returns: Moves, spread: Moves) -> Moves:
    """Moves within each bar that add up to its return: a Brownian bridge of its deviation."""
    noise = rng.normal(0.0, 1.0, (len(returns), STEPS_A_BAR))
    noise -= noise.mean(axis=1, keepdims=True)
    moves: Moves = noise * spread[:, None] / np.sqrt(STEPS_A_BAR) + returns[:, None] / STEPS_A_BAR
    return moves


def _bars(moves: Moves, volume: Moves) -> Bars:
    """Bars from moves: the first step of a bar is the gap from the close before it."""
    count = len(moves)
    with np.errstate(over="ignore", under="ignore"):
        path = 100.0 * np.exp(np.cumsum(moves).reshape(moves.shape))
    if not LEAST_PRICE < path.min() <= path.max() < MOST_PRICE:
        message = f"prices of such a market leave the numbers within {count:,} bars"
        raise EvolveError(message, "take fewer bars, or a smaller drift, volatility or edge_bps")
    time = np.busday_offset(np.datetime64("2000-01-03"), np.arange(count)).astype("datetime64[ns]")
    panels = (path[:, 0], path.max(axis=1), path.min(axis=1), path[:, -1], volume, np.ones(count))
    return Bars(("SYNTHETIC",), time, *[np.ascontiguousarray(each[None, :]) for each in panels])


def _planted(moves: Moves, volume: Moves, rule: str, edge: float) -> Bars:
    """The market in which a rule, read from the market itself, foretells the next bar.

    A rule sees no later bar, so each round makes at least one more bar right: it ends when a
    round changes nothing.

    Raises:
        EvolveError: if that takes more rounds than there is patience for.
    """
    term = check_expression(rule)
    if _holds(term, _bars(moves[:1], volume[:1])).dtype != np.bool_:
        hint = "write for example rule=rsi(close, 2) < 10"
        raise EvolveError(f"the rule `{rule}` is a number, not a condition", hint)
    holds = _drafted(moves, volume, term, edge)
    for _ in range(MOST_ROUNDS):
        bars = _bars(_edged(moves, holds, edge), volume)
        found = _holds(term, bars)
        if np.array_equal(found, holds):
            return bars
        holds = found
    message = f"the rule `{rule}` decides itself anew at most of {len(moves):,} bars"
    raise EvolveError(message, "take fewer bars, a smaller edge_bps, or a rule that is rarer")


def _drafted(moves: Moves, volume: Moves, term: Term, edge: float) -> NDArray[np.bool_]:
    """Where the rule holds, block by block, each read from the bars that it can remember."""
    count, holds = len(moves), np.zeros(len(moves), np.bool_)
    memory = lookback(term) + MEMORY_BARS
    for begin in range(0, count, BLOCK_BARS):
        end, first = min(begin + BLOCK_BARS, count), max(0, begin - memory)
        for _ in range(BLOCK_BARS + 1):
            edged = _edged(moves[:end], holds[:end], edge)
            near = edged[first:].copy()
            near[0, 0] += edged[:first].sum()
            found = _holds(term, _bars(near, volume[first:end]))[begin - first :]
            if np.array_equal(found, holds[begin:end]):
                break
            holds[begin:end] = found
    return holds


def _edged(moves: Moves, holds: NDArray[np.bool_], edge: float) -> Moves:
    """The moves with the edge on every bar after one on which the rule holds."""
    after = np.concatenate([[False], holds[:-1]])
    return moves + (edge / STEPS_A_BAR) * after[:, None]


def _holds(term: Term, bars: Bars) -> NDArray[Any]:
    return Evaluator(bars).series(term)
