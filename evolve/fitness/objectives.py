"""What a search may maximize, minimize and require. Each is declared once, here."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from dsl.analysis.program import Program
from evolve.backtest.kernels.records import (
    F_GROWTH,
    F_HELD,
    F_PRODUCTS,
    F_RETURNS,
    F_RISK,
    F_SQUARES,
    F_SUM,
    F_TRADES,
)
from evolve.backtest.metrics import ReturnSums, appraisal
from evolve.backtest.performance import Series

RANDOM_TIMING_SHARE = 0.5  # of the variance of random timing, below which risk was not seen


@dataclass(frozen=True, eq=False)
class FoldSums:
    """Sums of the simulation over each fold of train.

    Attributes:
        sums: float64[program, fold, FOLD_FIELDS].
        benchmark_total, benchmark_squares: float64[fold], sums of b and b*b, above cash.
        bars: float64[fold], how many bars each has.
        bars_per_year: A.
    """

    sums: Series
    benchmark_total: Series
    benchmark_squares: Series
    bars: Series
    bars_per_year: float

    @property
    def variance_floor(self) -> Series:
        """float64[program, fold]: the least variance of a return that a ratio divides by.

        A position that is opened and closed within a bar shows less risk than it takes. So does one
        that a tiny target closes whenever it gains. Random timing of an exposure x has the variance
        x (1 - x) of the market's. Half of that binds only where the bars do not show the risk. Here
        x is the share of bars at risk, by the square of the size. 1 - x is the share of bars
        without a position at the close.
        """
        count = np.maximum(self.sums[:, :, F_RETURNS], 2)
        mean = self.benchmark_total / count
        market = np.maximum(self.benchmark_squares / count - mean * mean, 0.0)
        at_risk, held = (self.sums[:, :, field] / self.bars for field in (F_RISK, F_HELD))
        floor: Series = RANDOM_TIMING_SHARE * at_risk * (1.0 - held) * market
        return floor


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
    fields = (F_RETURNS, F_SUM, F_SQUARES, F_PRODUCTS)
    by_program = [folds.sums[:, :, field] for field in fields]
    of_benchmark = [
        np.broadcast_to(each, by_program[0].shape)
        for each in (folds.benchmark_total, folds.benchmark_squares)
    ]
    sums = ReturnSums(*by_program, *of_benchmark)
    return appraisal(sums, folds.bars_per_year, folds.variance_floor)


def _sharpe(folds: FoldSums) -> Series:
    count = np.maximum(folds.sums[:, :, F_RETURNS], 2)
    mean = folds.sums[:, :, F_SUM] / count
    variance = (folds.sums[:, :, F_SQUARES] - count * mean * mean) / (count - 1)
    moves = variance > 1e-18
    deviation = np.sqrt(np.maximum(np.where(moves, variance, 1.0), folds.variance_floor))
    return np.where(moves, np.sqrt(folds.bars_per_year) * mean / deviation, 0.0)


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
    """A least value that every fold must reach for a strategy to be feasible.

    Attributes:
        phrase: the least value in words, as a template of `str.format`.
        default: the least value where an experiment gives none.
    """

    name: str
    about: str
    phrase: str
    default: float
    most: float
    by_fold: Callable[[FoldSums], Series]


REQUIREMENTS = {
    each.name: each
    for each in (
        Requirement(
            "trades_per_fold",
            "closed trades entered in each fold",
            "{:g} trades",
            3.0,
            math.inf,
            lambda f: f.sums[:, :, F_TRADES],
        ),
        Requirement(
            "exposure_per_fold",
            "share of each fold's bars with a position at the close",
            "a position at the close of {:.1%} of the bars",
            0.05,
            1.0,
            lambda f: f.sums[:, :, F_HELD] / f.bars,
        ),
    )
}


DEFAULT_REQUIRE = {name: each.default for name, each in REQUIREMENTS.items()}


def mean_minus_spread(values: Series, penalty: float) -> Series:
    """float64[program]: mean over folds less `penalty` sample deviations over folds."""
    mean: Series = values.mean(axis=1)
    if values.shape[1] < 2:
        return mean
    spread: Series = mean - penalty * values.std(axis=1, ddof=1)
    return spread
