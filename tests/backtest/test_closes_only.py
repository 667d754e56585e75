"""Symbols without traded opens: kernels see closes alone, indicators see all prices."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from dsl.analysis.check import check
from dsl.bars import Bars
from evolve.analysis.next_orders import list_next_orders
from evolve.backtest.backtest import backtest
from evolve.backtest.market import FILLS, market
from evolve.data.align import align
from evolve.data.generators import random_walk
from evolve.fitness.fitness import FoldFitness
from evolve.fitness.goals import FitnessSpec
from tests.backtest.panels import programs

WALK = random_walk(500, 4)
MARKED = replace(WALK, closes_only=WALK.symbols)
RULES = (
    "buy when close > open sell when close < open",
    "buy when rsi(close, 3) < 30 stop 1% target 2% hold 9",
    "buy when high - close > atr(5) / 2 short when close - low > atr(5) / 2 trail 2 * atr(5)",
)
GOALS = FitnessSpec(("total_return",), (), {}, 1, 0.0)


def closes_alone(bars: Bars) -> Bars:
    """Return bars whose open, high and low are the close."""
    return replace(bars, open=bars.close, high=bars.close, low=bars.close)


@pytest.mark.parametrize("fill", FILLS)
def test_orders_that_read_the_close_alone_trade_as_on_bars_of_closes(fill: str) -> None:
    """Compare with bars whose open, high and low are the close."""
    costs = market(fill=fill)  # type: ignore[arg-type]
    program = check("strategy s { buy when rsi(close, 3) < 30 sell when rsi(close, 3) > 70 stop 1% target 2% }")  # fmt: skip # noqa: E501
    marked, closes = backtest(program, MARKED, costs), backtest(program, closes_alone(WALK), costs)
    assert marked.trades == closes.trades
    assert np.array_equal(marked.equity, closes.equity)
    assert np.array_equal(marked.benchmark, closes.benchmark)


@pytest.mark.parametrize("rules", RULES)
def test_every_fill_is_a_close(rules: str) -> None:
    run = backtest(check(f"strategy s {{ {rules} }}"), MARKED, market(slippage_bps=0))
    closes = dict(zip(WALK.time, WALK.close[0], strict=True))
    assert len(run.trades) > 20
    for trade in run.trades:
        assert trade.entry_price == closes[trade.entry_time]
        assert trade.exit_price == pytest.approx(closes[trade.exit_time], rel=1e-12)
        assert trade.bars >= 1 or trade.reason == "end"


@pytest.mark.parametrize("costs", [market(), market(cash_rate=0.03), market(slippage_range=0.1)])
def test_the_search_scores_what_the_backtest_trades(costs: object) -> None:
    """Compare the fast kernels with the backtest, alone and with a symbol that has traded opens."""
    other = replace(random_walk(500, 5), symbols=("OTHER",))
    for bars in (MARKED, align([MARKED, other])):
        batch = [check(f"strategy s {{ {rules} }}") for rules in RULES]
        batch += programs(3, 10, with_orders=False)
        scored = FoldFitness(bars, costs, GOALS)(batch)  # type: ignore[arg-type]
        for program, scores in zip(batch, scored, strict=True):
            run = backtest(program, bars, costs)  # type: ignore[arg-type]
            assert scores.values[0] == pytest.approx(run.metrics["total_return"], abs=1e-9)
            assert scores.trades == len(run.trades)


def test_the_mark_stays_with_its_symbol() -> None:
    other = replace(random_walk(400, 5), symbols=("OTHER",))
    panel = align([other, MARKED])
    assert panel.closes_only == panel.slice(10, 300).closes_only == MARKED.symbols
    assert panel.select_symbol(1).closes_only == MARKED.symbols
    assert panel.select_symbol(0).closes_only == ()
    assert align([panel.select_symbol(0), panel.select_symbol(1)]).closes_only == MARKED.symbols
    alone = backtest(check(f"strategy s {{ {RULES[1]} }}"), panel, market())
    assert alone.sleeves[1].trades == backtest(
        check(f"strategy s {{ {RULES[1]} }}"), panel.select_symbol(1), market(5_000)
    ).trades  # fmt: skip


def test_the_next_order_is_for_the_next_close() -> None:
    costs = market()
    assert (costs.filled_at(False), costs.filled_at(True)) == ("next open", "next close")
    assert market(fill="next_close").filled_at(True) == "next close"
    assert market(fill="close").filled_at(True) == "close"
    always = check("strategy s { buy when close > 0 }")
    for bars, day in ((MARKED, 1), (WALK, 1), (MARKED.slice(0, 1), None)):
        (found,) = list_next_orders(always, bars, costs)
        assert found.side == ("flat" if day is None else "long")
        assert found.since == (None if day is None else bars.time[day])
        assert found.orders == (("buy",) if day is None else ())
