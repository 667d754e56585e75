"""Prices made by a known law: the laboratory for the search and the statistics."""

from __future__ import annotations

import numpy as np

from dsl.bars import Bars
from dsl.errors import did_you_mean
from evolve.data.source import Fetched, Notify, Source, Spec
from evolve.errors import EvolveError

KINDS = ("walk",)
OPTIONS = ("seed", "bars", "drift", "volatility")
YEAR = 252
STEPS_A_BAR = 16
MOST_BARS = 60_000  # business days from 2000 that nanoseconds since 1970 can count


def fetch(spec: Spec, notify: Notify) -> Fetched:
    """A geometric random walk with drift: daily bars from 2000-01-03 on business days."""
    spec.only(*OPTIONS)
    if spec.name not in KINDS:
        hint = did_you_mean(spec.name, KINDS) or f"there is: {', '.join(KINDS)}"
        raise EvolveError(f"{spec.text}: there is no synthetic market `{spec.name}`", hint)
    bars = _whole(spec, "bars", 2500, least=2, most=MOST_BARS)
    seed = _whole(spec, "seed", 1, least=0, most=2**63)
    volatility = spec.number("volatility", 0.16)
    if not 0 < volatility <= 3:
        raise EvolveError(
            f"{spec.text}: `volatility` must be above 0 and at most 3, a year", "write 0.16"
        )
    drift = spec.number("drift", 0.06)
    if not -10 <= drift <= 10:
        raise EvolveError(f"{spec.text}: `drift` must be from -10 to 10, a year", "write 0.06")
    return Fetched(random_walk(bars, seed, drift, volatility))


def random_walk(bars: int, seed: int, drift: float = 0.06, volatility: float = 0.16) -> Bars:
    """A geometric Brownian motion, each bar's range from the path within it.

    Args:
        bars: how many.
        seed: of the generator.
        drift, volatility: mean and deviation of log returns a year of 252 bars.
    """
    rng = np.random.default_rng(seed)
    step = 1 / (YEAR * STEPS_A_BAR)
    moves = rng.normal(
        (drift - volatility**2 / 2) * step, volatility * np.sqrt(step), (bars, STEPS_A_BAR)
    )
    path = 100.0 * np.exp(np.cumsum(moves).reshape(bars, STEPS_A_BAR))
    close = path[:, -1]
    # The first step of a bar is the gap from the close before it.
    first = path[:, 0]
    volume = np.round(1e6 * np.exp(rng.normal(0.0, 0.3, bars)))
    time = np.busday_offset(np.datetime64("2000-01-03"), np.arange(bars)).astype("datetime64[ns]")
    panels = (first, path.max(axis=1), path.min(axis=1), close, volume, np.ones(bars))
    return Bars(("SYNTHETIC",), time, *[np.ascontiguousarray(each[None, :]) for each in panels])


def _whole(spec: Spec, option: str, default: int, least: int, most: int) -> int:
    value = spec.number(option, default)
    if not value.is_integer() or not least <= value <= most:
        message = f"{spec.text}: `{option}` must be a whole number from {least} to {most}"
        raise EvolveError(message, f"write {option}={default}")
    return int(value)


SOURCE = Source(
    "synthetic", "a random walk with drift", "synthetic:walk?seed=1&bars=2500&drift=0.06", fetch
)
