"""Appraisal ratio from sums of returns, of one run or of arrays (Treynor and Black, 1973)."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from evolve.backtest.performance import Series

Sums = float | Series

TINY = 1e-12


class ReturnSums(NamedTuple):
    """Sums over the returns of a window: scalars, or arrays of one shape.

    Attributes:
        returns: number of returns.
        total: sum of r.
        squares: sum of r * r.
        products: sum of r * b.
        benchmark_total: sum of b.
        benchmark_squares: sum of b * b.
    """

    returns: Sums
    total: Sums
    squares: Sums
    products: Sums
    benchmark_total: Sums
    benchmark_squares: Sums


def appraisal(sums: ReturnSums, bars_per_year: float, floor: Sums = 0.0) -> Series:
    """Return the annualized appraisal ratio from sums; 0 if the residual returns are constant.

    Args:
        sums: sums over the returns of a window.
        bars_per_year: A.
        floor: minimum variance of a residual return that the ratio divides by.
    """
    n = np.maximum(sums.returns, 2)
    mean, benchmark_mean = sums.total / n, sums.benchmark_total / n
    variance = np.maximum(sums.squares - n * mean * mean, 0.0)
    benchmark_variance = sums.benchmark_squares - n * benchmark_mean * benchmark_mean
    covariance = sums.products - n * mean * benchmark_mean
    varies = benchmark_variance > TINY * np.asarray(sums.benchmark_squares)
    beta = np.where(varies, covariance / np.where(varies, benchmark_variance, 1.0), 0.0)
    residual = variance - beta * covariance
    moves = (residual > 1e-9 * variance) & (residual > 1e-18 * n) & (np.asarray(sums.returns) >= 2)
    deviation = np.sqrt(np.maximum(np.where(moves, residual, 1.0) / (n - 1), floor))
    ratio = math.sqrt(bars_per_year) * (mean - beta * benchmark_mean) / deviation
    return np.where(moves, ratio, 0.0)
