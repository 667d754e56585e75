"""Comparison of the scores of calls: difference, standard error and permutation p-value."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Series = NDArray[np.float64]

PERMUTATIONS, BATCH, SEED = 10_000, 1_000, 1
TOLERANCE = 1e-12  # of two sums in different orders
DIGITS = 4
NONE = np.zeros(0)


def summarize(values: Series) -> dict[str, Any]:
    """Return mean, standard error and count of the values that are not NaN."""
    known = values[~np.isnan(values)]
    return {
        "mean": _round(known.mean()) if len(known) else None,
        "error": _round(_measure_error(known)) if len(known) > 1 else None,
        "count": len(known),
    }


def compare(first: Series, second: Series, chance: Series = NONE) -> dict[str, Any]:
    """Return how much larger the mean of one sample is than that of another.

    Args:
        first, second: scores of calls, NaN without one.
        chance: differences that have nothing to do with the model; their mean is subtracted, and
            its error counts.

    Returns:
        The gain, its standard error, the one-sided p-value of a permutation of the calls, and the
        number of calls in each sample. Without a call in each, the figures are None.
    """
    first, second = (each[~np.isnan(each)] for each in (first, second))
    counts = [len(first), len(second)]
    if not all(counts):
        return {"gain": None, "error": None, "p_value": None, "counts": counts}
    shifted = second + (chance.mean() if len(chance) else 0.0)
    gain = first.mean() - shifted.mean()
    known = [each for each in (first, second, chance) if len(each) > 1]
    error = np.sqrt(sum(_measure_error(each) ** 2 for each in known))
    return {
        "gain": _round(gain),
        "error": _round(error) if min(counts) > 1 else None,
        "p_value": _round(_permute(first, shifted, gain)),
        "counts": counts,
    }


def _permute(first: Series, second: Series, gain: float) -> float:
    """Return the share of permutations with at least the gain; the given order counts as one."""
    rng, values = np.random.default_rng(SEED), np.concatenate([first, second])
    count, total, at_least = len(first), values.sum(), 1
    batch = np.tile(values, (BATCH, 1))
    for _ in range(PERMUTATIONS // BATCH):
        own = rng.permuted(batch, axis=1)[:, :count].sum(axis=1)
        gains = own / count - (total - own) / len(second)
        at_least += int(np.sum(gains >= gain - TOLERANCE))
    return at_least / (PERMUTATIONS + 1)


def _measure_error(values: Series) -> float:
    return float(values.std(ddof=1) / np.sqrt(len(values)))


def _round(value: float) -> float:
    return round(float(value), DIGITS) + 0.0  # no negative zero
