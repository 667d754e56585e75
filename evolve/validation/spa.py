"""Test for superior predictive ability: whether the best of many strategies beats a benchmark.

Source: Hansen, "A Test for Superior Predictive Ability" (2005), studentized.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from evolve.errors import EvolveError

TINY = 1e-12  # a variance below this part of the mean square is rounding
CELLS_PER_BLOCK = 1 << 20  # bars of resamples drawn at a time, which limits memory
MIN_BARS = 16

Matrix = NDArray[np.float64]


@dataclass(frozen=True)
class SuperiorAbility:
    """Result of the test; its hypothesis is that no strategy has a positive expected gain.

    Attributes:
        statistic: largest studentized mean gain, at least 0.
        lower, consistent, upper: p values. The upper one takes all strategies as equal to the
            benchmark, and the lower one takes those with losses as worse. The consistent one takes
            those as worse whose losses are significant.
        best: index of the strategy with the largest studentized mean gain.
        block_bars: mean length of the resampled blocks.
        resamples: number of resamples.
    """

    statistic: float
    lower: float
    consistent: float
    upper: float
    best: int
    block_bars: float
    resamples: int


def compute_spa(
    gains: Matrix,
    rng: np.random.Generator,
    resamples: int = 1000,
    block_bars: float | None = None,
) -> SuperiorAbility:
    """Compute the p value of the best of many strategies, with all others taken into account.

    Bars are resampled in blocks of random length, for all strategies together, so that dependence
    over time and between strategies remains. A p value is (1 + exceedances) / (1 + resamples), and
    therefore never 0. A strategy with constant gains counts as equal to the benchmark.

    Args:
        gains: float64[bar, strategy], finite: returns less those of the benchmark.
        rng: generator of the resamples.
        resamples: number of resamples.
        block_bars: mean length of a block, at least 1; None chooses it from the gains.

    Raises:
        EvolveError: for too few bars.
    """
    bars = len(gains)
    if bars < MIN_BARS:
        raise EvolveError(f"expected at least {MIN_BARS} bars, found {bars}", "use more bars")
    length = choose_block_bars(gains) if block_bars is None else block_bars
    scaled = gains / (math.sqrt(bars) * _replace_zeros(estimate_deviations(gains, length)))
    scaled[:, is_constant(gains)] = 0
    t = scaled.sum(axis=0)
    statistic = max(float(t.max()), 0.0)
    limit = -math.sqrt(2 * math.log(math.log(bars)))
    centers = (np.maximum(t, 0), np.where(t >= limit, t, 0), t)
    exceedances = np.zeros(len(centers), dtype=np.int64)
    for counts in draw_counts(bars, length, resamples, rng):
        drawn = counts @ scaled
        largest = np.array([(drawn - each).max(axis=1) for each in centers])
        exceedances += (np.maximum(largest, 0) >= statistic).sum(axis=1)
    lower, consistent, upper = ((1 + exceedances) / (1 + resamples)).tolist()
    return SuperiorAbility(statistic, lower, consistent, upper, int(t.argmax()), length, resamples)


def choose_block_bars(gains: Matrix) -> float:
    """Return the mean, over strategies, of the optimal block length; at least 1.

    Source: Politis and White (2004), with the correction of Patton, Politis and White (2009).
    """
    # `arch` takes most of a second to import, and most commands do without it.
    from arch.bootstrap import optimal_block_length

    varying = gains[:, ~is_constant(gains)]
    if not varying.shape[1]:
        return 1.0
    with np.errstate(divide="ignore", invalid="ignore"):  # gains that cancel have no spectrum at 0
        lengths = optimal_block_length(varying)["stationary"]
    return max(1.0, float(lengths.mean()))


def estimate_deviations(gains: Matrix, block_bars: float) -> Matrix:
    """Return the standard deviation of √T × the resampled mean of each strategy.

    This is its exact value under the stationary bootstrap, from autocovariances of gains that
    continue at the first bar after the last one. Source: Politis and Romano, "The Stationary
    Bootstrap" (1994), lemma 1; Hansen (2005) uses it to studentize.
    """
    bars = len(gains)
    deviations = gains - gains.mean(axis=0)
    spectrum = np.fft.rfft(deviations, axis=0)
    power = spectrum.real**2 + spectrum.imag**2
    autocovariances = np.fft.irfft(power, n=bars, axis=0) / bars
    lag = np.arange(bars)
    weights = 2 * (1 - lag / bars) * (1 - 1 / block_bars) ** lag
    weights[0] = 1
    return np.sqrt(np.maximum(weights @ autocovariances, 0))


def draw_counts(
    bars: int, block_bars: float, resamples: int, rng: np.random.Generator
) -> Iterator[Matrix]:
    """Yield how often each bar is in each resample, float64[resample, bar], a few at a time.

    A resample is a sequence of blocks that begin at random bars. Their lengths are geometric with
    mean `block_bars`. A block continues at the first bar after the last one. Source: Politis and
    Romano (1994).
    """
    rows = max(1, CELLS_PER_BLOCK // bars)
    for start in range(0, resamples, rows):
        yield _draw_some(bars, block_bars, min(rows, resamples - start), rng)


def is_constant(gains: Matrix) -> NDArray[np.bool_]:
    """Return whether the gains of each strategy are constant."""
    constant: NDArray[np.bool_] = gains.var(axis=0) <= TINY * (gains * gains).mean(axis=0)
    return constant


def _draw_some(bars: int, block_bars: float, rows: int, rng: np.random.Generator) -> Matrix:
    begins = rng.random((rows, bars)) < 1 / block_bars
    begins[:, 0] = True
    places = np.flatnonzero(begins)
    lengths = np.diff(places, append=begins.size)
    # A row of twice the bars has room for a block that continues at the first bar.
    first = places // bars * (2 * bars) + rng.integers(bars, size=len(places))
    cells = rows * 2 * bars
    changes = np.bincount(first, minlength=cells) - np.bincount(first + lengths, minlength=cells)
    counts = np.cumsum(changes.reshape(rows, 2 * bars), axis=1)
    return (counts[:, :bars] + counts[:, bars:]).astype(np.float64)


def _replace_zeros(values: Matrix) -> Matrix:
    return np.where(values > 0, values, 1)
