"""Sale proceeds are never negative, and equity is floored at zero."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from dsl.analysis.check import check
from evolve.backtest.backtest import backtest
from evolve.backtest.market import market
from evolve.data.generators import random_walk

BARS = random_walk(300, 1)
TURNS = check("strategy s { buy when close > open sell when close < open }")


def test_buy_and_hold_ends_at_zero_if_the_fee_exceeds_its_value() -> None:
    run = backtest(TURNS, BARS, market(capital=100, commission_minimum=60))
    assert run.benchmark[-2] > 30
    assert run.benchmark[-1] == 0
    assert run.equity.min() >= 0


def test_sale_proceeds_are_at_least_zero() -> None:
    wide = replace(BARS, low=np.full_like(BARS.low, 1e-6))
    run = backtest(TURNS, wide, market(slippage_bps=1000, slippage_range=1.0))
    assert min(trade.exit_price for trade in run.trades) == 0
    assert run.equity.min() >= 0
    assert run.benchmark.min() >= 0
