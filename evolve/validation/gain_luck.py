"""Luck of a gain: how much the best of many variants beats a strategy without being better.

Source: White, "A Reality Check for Data Snooping" (2000), with the centers of Hansen, "A Test for
Superior Predictive Ability" (2005).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from evolve.validation.null_run import LEVEL
from evolve.validation.spa import draw_counts, estimate_deviations

RESAMPLES = 1000
MIN_BLOCKS, MAX_BLOCKS = 16, 2500  # more add nothing but memory

Series = NDArray[np.float64]
Matrix = NDArray[np.float64]


@dataclass(frozen=True)
class GainLuck:
    """Gain of a chosen variant beside the gains of luck, as annualized ratios on train.

    Attributes:
        gain: ratio of the chosen variant less that of the strategy.
        mean: mean of the largest gain of the variants if none is better than the strategy.
        threshold: gain that luck exceeds with a probability of 5 %.
        p_value: probability that luck alone gives at least this gain.
    """

    gain: float
    mean: float
    threshold: float
    p_value: float

    @property
    def exceeds_luck(self) -> bool:
        """Whether the gain is significant."""
        return self.p_value <= LEVEL


def split_ratio(returns: Series, years: float) -> Series:
    """Return float64[block], the parts of an annualized ratio by time; their sum is the ratio.

    Args:
        returns: float64[bar].
        years: their length.
    """
    count, deviation = len(returns), float(returns.std()) if returns.size else 0.0
    size = max(1, -(-count // MAX_BLOCKS))
    if deviation == 0.0:
        return np.zeros(-(-count // size))
    scaled = returns / (deviation * math.sqrt(count * years))
    parts: Series = np.add.reduceat(scaled, np.arange(0, count, size))
    return parts


def measure_gain_luck(
    before: Series, chosen: Series, variants: Matrix, rng: np.random.Generator
) -> GainLuck | None:
    """Compare the gain of a chosen variant with what the best of many gains by luck.

    Bars are resampled in blocks, for all variants together, so that their correlation counts: close
    variants give luck few chances. A variant that is significantly worse stays so.

    Args:
        before: float64[block], parts of the ratio of the strategy; see `split_ratio`.
        chosen: float64[block], those of the chosen variant.
        variants: float64[block, variant], those of all feasible variants.
        rng: source of the resamples.

    Returns:
        The comparison; None for too few bars or no variant.
    """
    blocks = len(before)
    if blocks < MIN_BLOCKS or not variants.shape[1]:
        return None
    gains = variants - before[:, None]
    totals, length = gains.sum(axis=0), blocks ** (1 / 3)
    deviations = math.sqrt(blocks) * estimate_deviations(gains, length)
    is_worse = totals < -math.sqrt(2 * math.log(math.log(blocks))) * deviations
    centers = np.where(is_worse, 0.0, totals)
    largest = np.concatenate(
        [
            (counts @ gains - centers).max(axis=1)
            for counts in draw_counts(blocks, length, RESAMPLES, rng)
        ]
    )
    luck, gain = np.maximum(largest, 0.0), float((chosen - before).sum())
    p_value = (1 + int(np.count_nonzero(luck >= gain))) / (1 + RESAMPLES)
    return GainLuck(gain, float(luck.mean()), float(np.quantile(luck, 1 - LEVEL)), p_value)
