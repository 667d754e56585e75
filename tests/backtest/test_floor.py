"""Money ends at nought: no sale costs money, and who has lost all stays there."""

from __future__ import annotations

import pytest

from dsl.analysis.check import check
from evolve.backtest.backtest import backtest
from evolve.backtest.market import market
from evolve.data.generators import random_walk

BARS = random_walk(300, 1)
TURNS = check("strategy s { buy when close > open sell when close < open }")


def test_buying_and_holding_ends_at_nought_where_a_fee_takes_all() -> None:
    dear = backtest(TURNS, BARS, market(capital=100, commission_minimum=60))
    assert dear.benchmark[-2] > 30
    assert dear.benchmark[-1] == 0
    assert dear.equity.min() >= 0


@pytest.mark.slow
def test_a_sale_brings_nothing_at_worst() -> None:
    dear = market(slippage_bps=1000, slippage_range=1.0)
    wide = random_walk(300, 1)
    wide.low.flags.writeable = True
    wide.low[:] = 1e-6
    run = backtest(TURNS, wide, dear)
    assert all(trade.exit_price >= 0 for trade in run.trades)
    assert run.equity.min() >= 0
    assert run.benchmark.min() >= 0
