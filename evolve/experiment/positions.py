"""Positions of strategies on train, by which those that trade differently are found."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from evolve.backtest.backtest import Backtest

MAX_CORRELATION = 0.5  # exclusive, of the positions of strategies that trade differently

Positions = NDArray[np.float64]


def standardize_positions(run: Backtest) -> Positions:
    """Return the positions of all symbols with mean 0 and norm 1; zeros if they are constant.

    The product of two of them is their correlation.
    """
    held = np.concatenate([each.held for each in run.sleeves or (run,)]).astype(np.float64)
    held -= held.mean()
    norm = float(np.sqrt(held @ held))
    return held / norm if norm > 0 else held


def correlate_positions(one: Backtest, other: Backtest) -> float:
    """Return the correlation of the positions of two strategies; 0 if one has constant ones."""
    return float(standardize_positions(one) @ standardize_positions(other))


def is_different(own: Positions, others: Iterable[Positions]) -> bool:
    """Return whether standardized positions correlate below MAX_CORRELATION with all others."""
    return all(float(own @ other) < MAX_CORRELATION for other in others)
