"""Portfolio kernel: total equity of the sleeves, and its sums over folds."""

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
    """Add the equity and positions of a sleeve to those of the portfolio.

    Args:
        equity: float64[program, sleeve bar].
        held: int8[program, sleeve bar], side held at the close.
        latest: int64[bar], number of sleeve bars up to each bar.
        growth: float64[bar], growth of idle cash before the first sleeve bar and after the last.
        capital: capital of the sleeve.
        total: float64[program, bar], equity of the portfolio; updated.
        positions: int64[program, bar], number of open positions; updated.
    """
    for p in range(total.shape[0]):
        for t in range(total.shape[1]):
            index = latest[t] - 1
            if index < 0:
                total[p, t] += capital * growth[t]
            else:
                total[p, t] += equity[p, index] * growth[t]
                positions[p, t] += held[p, index] != 0


def sum_folds(
    total: Series, positions: NDArray[np.int64], capital: float, edges: NDArray[np.int64],
    benchmark: Series, risk_free: Series, sleeves: int, folds: Series,
) -> None:  # fmt: skip
    """Write the sums of a portfolio over each fold, except trades, risk and ruin.

    Args:
        total: float64[program, bar], equity of the portfolio.
        positions: int64[program, bar], number of open positions.
        capital: equity before the first bar.
        edges: int64[fold], first bar of each fold.
        benchmark: float64[bar], excess returns of the benchmark.
        risk_free: float64[bar], returns of cash.
        sleeves: number of sleeves.
        folds: float64[program, fold, FOLD_FIELDS], output.
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
