"""When the sums of two ways of scoring are the same."""

from __future__ import annotations

import numpy as np

from evolve.backtest.kernels.records import F_PRODUCTS, F_RETURNS, F_SQUARES, F_SUM
from evolve.backtest.performance import Series


def assert_same_sums(quick: Series, general: Series) -> None:
    """Every sum to 1e-12 of the size of what is summed up, and growth of what has grown."""
    returns = np.sqrt(general[:, :, F_RETURNS] * general[:, :, F_SQUARES])  # at most, together
    sizes = 1 + np.abs(general)
    sizes[:, :, F_SUM] = sizes[:, :, F_PRODUCTS] = 1 + returns
    assert (np.abs(quick - general) <= 1e-12 * sizes).all()
