"""Objectives and requirements of a search, each declared once."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from dsl.analysis.program import Program
from evolve.backtest.appraisal import ReturnSums, appraisal
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
from evolve.backtest.performance import Series

RANDOM_TIMING_SHARE = 0.5  # of the variance of random timing: the variance floor


@dataclass(frozen=True, eq=False)
class FoldSums:
    """Sums of the simulation over each fold.

    Attributes:
        sums: float64[program, fold, FOLD_FIELDS].
        benchmark_total, benchmark_squares: float64[fold], sums of b and b * b, in excess of cash.
        bars: float64[fold], number of bars.
        bars_per_year: A.
    """

    sums: Series
    benchmark_total: Series
    benchmark_squares: Series
    bars: Series
    bars_per_year: float

    @property
    def variance_floor(self) -> Series:
        """Minimum variance of a return that a ratio divides by, float64[program, fold].

        A position that opens and closes within a bar shows less risk than it takes. So does one
        with a tiny target. A strategy with exposure x at random times has x (1 - x) of the variance
        of the market. The floor is half of that, which binds only where bars do not show the risk.
        Here x is the share of bars at risk, weighted by the squared size, and 1 - x the share of
        bars without a position at the close.
        """
        count = np.maximum(self.sums[:, :, F_RETURNS], 2)
        mean = self.benchmark_total / count
        market = np.maximum(self.benchmark_squares / count - mean * mean, 0.0)
        at_risk, held = (self.sums[:, :, field] / self.bars for field in (F_RISK, F_HELD))
        floor: Series = RANDOM_TIMING_SHARE * at_risk * (1.0 - held) * market
        return floor


@dataclass(frozen=True)
class Objective:
    """Value to maximize or minimize. One computed by fold has the name of its metric.

    Attributes:
        name: name in the configuration.
        about: meaning in reports.
        by_fold: function to float64[program, fold]; the score is the mean less the spread penalty.
        by_program: function of the program alone; None if `by_fold` is given.
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
            "annualized ratio of alpha to the standard deviation of residual returns",
            by_fold=_appraisal_ratio,
        ),
        Objective(
            "sharpe",
            "annualized ratio of the mean to the standard deviation of returns in excess of cash",
            by_fold=_sharpe,
        ),
        Objective("total_return", "final over initial equity, less 1", by_fold=_total_return),
        Objective("nodes", "number of nodes of the strategy", by_program=lambda each: each.nodes),
    )
}


@dataclass(frozen=True)
class Requirement:
    """Minimum that every fold must reach for a strategy to be feasible.

    It reads the activity of a strategy and never its returns. So the search may discard a strategy
    that fails it without a trial: no better score can come of that.

    Attributes:
        name: name in the configuration.
        about: meaning in reports.
        phrase: template of `str.format` that names the minimum in a prompt.
        default: minimum if the experiment sets none.
        maximum: largest minimum that an experiment may set.
        by_fold: function to float64[program, fold].
    """

    name: str
    about: str
    phrase: str
    default: float
    maximum: float
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
    """Return float64[program], the mean over folds less `penalty` sample deviations.

    Args:
        values: float64[program, fold].
        penalty: number of deviations.
    """
    mean: Series = values.mean(axis=1)
    if values.shape[1] < 2:
        return mean
    penalized: Series = mean - penalty * values.std(axis=1, ddof=1)
    return penalized
