"""Test of a strategy on the holdout."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from evolve.backtest.backtest import Backtest
from evolve.backtest.performance import Performance, Series
from evolve.validation.gates import Criterion, require_minimum
from evolve.validation.sharpe import CRITICAL_T, compute_power, compute_t

MIN_TRADES, MIN_BARS_HELD = 10, 30
MIN_POWER = 0.5


@dataclass(frozen=True)
class HoldoutTest:
    """Test of the appraisal returns of a strategy on the holdout.

    Attributes:
        t: t statistic of the mean appraisal return, with the variance at a ratio of 0.
        ratio: annualized appraisal ratio.
        trades: closed trades.
        bars_held: bars with an open position at the close.
        bars: bars of the holdout.
        opening: number of this opening of the prices, from 1.
    """

    t: float
    ratio: float
    trades: int
    bars_held: int
    bars: int
    opening: int

    @property
    def criteria(self) -> tuple[Criterion, ...]:
        """Figures that must be large enough."""
        return (
            require_minimum("closed trades", self.trades, MIN_TRADES, "count"),
            require_minimum("bars with a position", self.bars_held, MIN_BARS_HELD, "count"),
            require_minimum("t of the appraisal returns", self.t, CRITICAL_T, "ratio"),
        )

    @property
    def shortage(self) -> str:
        """Reason why the holdout cannot tell; empty if it can."""
        if self.trades < MIN_TRADES:
            return f"{self.trades} closed trades, and at least {MIN_TRADES} are needed"
        if self.bars_held < MIN_BARS_HELD:
            return f"{self.bars_held} bars with a position, and at least {MIN_BARS_HELD} are needed"
        return ""

    @cached_property
    def passed(self) -> bool:
        """True if the ratio is significant, with enough trades and bars."""
        return all(each.passed for each in self.criteria)


def assess_holdout(result: Backtest, opening: int) -> HoldoutTest:
    """Assess a backtest on the holdout.

    Args:
        result: backtest of the strategy on the holdout.
        opening: number of this opening of the prices, from 1.
    """
    bars, ratio = len(result.time), result.metrics["appraisal_ratio"]
    return HoldoutTest(
        compute_t(ratio / math.sqrt(result.performance.bars_per_year), bars - 1),
        ratio,
        len(result.trades),
        int(np.count_nonzero(result.performance.held)),
        bars,
        opening,
    )


def holdout_power(train: Backtest, bars: int) -> float:
    """Return the probability that a holdout confirms the ratio of a strategy on train.

    Args:
        train: backtest of the strategy on train.
        bars: bars of the holdout.
    """
    ratio = train.metrics["appraisal_ratio"] / math.sqrt(train.performance.bars_per_year)
    return compute_power(ratio, bars - 1)


def appraisal_returns(run: Performance) -> Series:
    """Return float64[bar - 1], the returns without market exposure, r - beta * b.

    Both are in excess of cash. Beta is the covariance of r and b over the variance of b.
    """
    r, b = run.excess, run.benchmark_excess
    variance = float(np.var(b)) if len(b) else 0.0
    beta = float(np.mean((r - r.mean()) * (b - b.mean()))) / variance if variance > 0.0 else 0.0
    residual: Series = r - beta * b
    return residual
