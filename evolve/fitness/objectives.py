"""What a search may maximize, minimize and require. Each is declared once, here."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from dsl.program import Program
from evolve.backtest.metrics import appraisal
from evolve.backtest.performance import Series
from evolve.backtest.records import (
    F_GROWTH,
    F_HELD,
    F_PRODUCTS,
    F_RETURNS,
    F_SQUARES,
    F_SUM,
    F_TRADES,
)


@dataclass(frozen=True, eq=False)
class FoldSums:
    """What the simulation summed over each fold of train.

    Attributes:
        sums: float64[program, fold, FOLD_FIELDS].
        benchmark_total, benchmark_squares: float64[fold], sums of b and b*b.
        bars: float64[fold], how many bars each has.
        bars_per_year: A.
        cash_rate: what cash earns a year, which a Sharpe ratio is above.
    """

    sums: Series
    benchmark_total: Series
    benchmark_squares: Series
    bars: Series
    bars_per_year: float
    cash_rate: float


@dataclass(frozen=True)
class Objective:
    """A figure to maximize or minimize.

    One by fold goes by the name of the metric it is over a whole run.
    `by_fold` gives float64[program, fold], of which the search sees the mean less half the
    deviation; `by_program` gives one number a program.
    """

    name: str
    about: str
    by_fold: Callable[[FoldSums], Series] | None = None
    by_program: Callable[[Program], float] | None = None


def _appraisal_ratio(folds: FoldSums) -> Series:
    sums = folds.sums
    return appraisal(
        sums[:, :, F_RETURNS],
        sums[:, :, F_SUM],
        sums[:, :, F_SQUARES],
        sums[:, :, F_PRODUCTS],
        np.broadcast_to(folds.benchmark_total, sums.shape[:2]),
        np.broadcast_to(folds.benchmark_squares, sums.shape[:2]),
        folds.bars_per_year,
    )


def _sharpe(folds: FoldSums) -> Series:
    count = np.maximum(folds.sums[:, :, F_RETURNS], 2)
    mean = folds.sums[:, :, F_SUM] / count
    variance = (folds.sums[:, :, F_SQUARES] - count * mean * mean) / (count - 1)
    moves = variance > 1e-18
    deviation = np.sqrt(np.where(moves, variance, 1.0))
    excess = mean - folds.cash_rate / folds.bars_per_year
    return np.where(moves, np.sqrt(folds.bars_per_year) * excess / deviation, 0.0)


def _total_return(folds: FoldSums) -> Series:
    growth: Series = folds.sums[:, :, F_GROWTH]
    return growth


OBJECTIVES = {
    each.name: each
    for each in (
        Objective(
            "appraisal_ratio",
            "Sharpe ratio of what is left when market exposure is taken out",
            by_fold=_appraisal_ratio,
        ),
        Objective(
            "sharpe", "mean over deviation of returns above the cash rate, a year", by_fold=_sharpe
        ),
        Objective("total_return", "growth of equity, less 1", by_fold=_total_return),
        Objective("nodes", "size of the strategy as written", by_program=lambda each: each.nodes),
    )
}


@dataclass(frozen=True)
class Requirement:
    """A least value that every fold must reach for a strategy to be feasible."""

    name: str
    about: str
    by_fold: Callable[[FoldSums], Series]


REQUIREMENTS = {
    each.name: each
    for each in (
        Requirement(
            "trades_per_fold",
            "closed trades entered in each fold",
            lambda f: f.sums[:, :, F_TRADES],
        ),
        Requirement(
            "exposure_per_fold",
            "share of each fold's bars with a position",
            lambda f: f.sums[:, :, F_HELD] / f.bars,
        ),
    )
}


def penalised_mean(values: Series, penalty: float) -> Series:
    """float64[program]: mean over folds less `penalty` sample deviations over folds."""
    mean: Series = values.mean(axis=1)
    if values.shape[1] < 2:
        return mean
    spread: Series = mean - penalty * values.std(axis=1, ddof=1)
    return spread
