"""Results at multiples of all costs equal backtests on markets with those costs."""

from __future__ import annotations

from itertools import pairwise

from dsl.analysis.check import check
from evolve.analysis.costs import AtCosts, measure_costs
from evolve.backtest.backtest import backtest
from evolve.backtest.market import market
from evolve.data.generators import random_walk

BARS = random_walk(500, 4)
PROGRAM = check("strategy s { buy when close > open sell when close < open }")


def test_rows_are_backtests_at_scaled_costs() -> None:
    rows = measure_costs(PROGRAM, BARS, market(commission_bps=3, slippage_bps=4), 100, "sharpe")
    for row, factor in zip(rows, (1, 2, 4), strict=True):
        dearer = market(commission_bps=3 * factor, slippage_bps=4 * factor)
        metrics = backtest(PROGRAM, BARS, dearer, 100).metrics
        assert row == AtCosts(factor, metrics["sharpe"], metrics["total_return"])


def test_costs_reduce_the_return_and_zero_costs_do_not() -> None:
    returns = [row.total_return for row in measure_costs(PROGRAM, BARS, market())]
    assert all(one > other for one, other in pairwise(returns))
    free = measure_costs(PROGRAM, BARS, market(commission_bps=0, slippage_bps=0))
    assert len({(row.metric, row.total_return) for row in free}) == 1
