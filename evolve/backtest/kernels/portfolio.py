"""Sleeves to a portfolio: their equity added up, and summed over folds as the simulation does."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from evolve.backtest.kernels.records import (
    F_GROWTH,
    F_HELD,
    F_PRODUCTS,
    F_RETURNS,
    F_SQUARES,
    F_SUM,
)
from evolve.backtest.performance import Series


def add_sleeve(
    equity: Series, held: NDArray[np.int8], latest: NDArray[np.int64], growth: Series,
    capital: float, total: Series, positions: NDArray[np.int64],
) -> None:  # fmt: skip
    """Add a sleeve's equity and positions on its own bars to those of its portfolio.

    Args:
        equity, held: float64 and int8[program, own bar].
        latest: int64[bar], how many own bars there have been.
        growth: float64[bar], what idle cash grew to before the first and after the last of them.
        capital: the sleeve's, before its first bar.
        total, positions: float64 and int64[program, bar], added to.
    """
    for p in range(total.shape[0]):
        for t in range(total.shape[1]):
            own = latest[t] - 1
            if own < 0:
                total[p, t] += capital * growth[t]
            else:
                total[p, t] += equity[p, own] * growth[t]
                positions[p, t] += held[p, own] != 0


def sum_folds(
    total: Series, positions: NDArray[np.int64], capital: float, edges: NDArray[np.int64],
    benchmark: Series, risk_free: Series, sleeves: int, folds: Series,
) -> None:  # fmt: skip
    """Write the sums of a portfolio over each fold; trades, risk and ruin are the sleeves'.

    Args:
        total, positions: float64 and int64[program, bar].
        capital: before the first bar.
        edges: int64[fold], the first bar of each.
        benchmark: float64[bar], the benchmark's excess returns.
        risk_free: float64[bar], the returns of cash.
        sleeves: how many there are.
        folds: float64[program, fold, FOLD_FIELDS], written to.
    """
    bars = total.shape[1]
    for p in range(total.shape[0]):
        before = capital
        for fold in range(len(edges)):
            last = edges[fold + 1] if fold + 1 < len(edges) else bars
            first_equity = before
            for t in range(edges[fold], last):
                if t > 0 and before > 0.0:
                    change = total[p, t] / before - 1.0 - risk_free[t]
                    folds[p, fold, F_RETURNS] += 1.0
                    folds[p, fold, F_SUM] += change
                    folds[p, fold, F_SQUARES] += change * change
                    folds[p, fold, F_PRODUCTS] += change * benchmark[t]
                folds[p, fold, F_HELD] += positions[p, t] / sleeves
                before = total[p, t]
            if first_equity > 0.0:
                folds[p, fold, F_GROWTH] = before / first_equity - 1.0
