"""The quick way from holding to holding gives what the general simulation gives."""

from __future__ import annotations

from random import Random
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from dsl.analysis.check import check
from dsl.analysis.program import Program
from dsl.bars import Bars
from evolve.backtest.kernels.long_flat import is_plain
from evolve.backtest.kernels.records import F_RUINED, F_TRADES, Record
from evolve.backtest.market import Market, market
from evolve.data import load
from evolve.data.generators import random_walk
from evolve.fitness.dispatch import FoldTrader
from evolve.search.grow import grow_rules
from evolve.search.space import build_space
from tests.backtest.panels import ragged
from tests.fitness.sums import assert_same_sums

SPACE = build_space(directions=("long", "short"))
MARKETS = [
    market(),
    market(commission_bps=0, slippage_bps=0),
    market(commission_bps=30, slippage_bps=20, slippage_range=0.1),
    market(commission_per_share=0.02, max_leverage=3),
    market(max_leverage=0.4, slippage_range=0.9),
]


def grown(count: int, seed: int) -> list[Program]:
    """Random strategies of both sides, with settings of every kind."""
    rng = Random(seed)
    return [Program("p", grow_rules(SPACE, rng)) for _ in range(count)]


def both(bars: Bars, costs: Market, folds: int, programs: list[Program]) -> list[np.ndarray]:
    """The sums from holdings, and in general."""
    trader = FoldTrader(bars, costs, folds)
    quick = trader.summed(programs, trader.traded)
    without_courses(trader)
    return [quick, trader.summed(programs, trader.traded)]


def without_courses(trader: FoldTrader) -> None:
    """From now on all is simulated in general."""
    assert all(trader._courses)
    trader._courses = [None for _ in trader._courses]


@pytest.mark.parametrize("costs", MARKETS)
@pytest.mark.parametrize("spec", ["sample:sp500", "synthetic:garch?bars=777"])
def test_random_strategies_have_the_same_sums(costs: Market, spec: str) -> None:
    quick, general = both(load(spec).bars, costs, 5, grown(200, 3))
    assert_same_sums(quick, general)
    assert general[:, :, F_TRADES].sum() > 5000


@given(
    bars=st.integers(12, 400), folds=st.integers(1, 9), seed=st.integers(0, 10**6),
    costs=st.sampled_from(MARKETS),
)  # fmt: skip
def test_whatever_the_length_and_the_folds(bars: int, folds: int, seed: int, costs: Market) -> None:
    assert_same_sums(*both(random_walk(bars, seed % 7), costs, folds, grown(6, seed)))


RULES = [
    "buy when close > open sell when close < open",
    "buy when close > open[1] short when close < open[1]",  # from one side to the other
    "buy when close > open short when close < open size 250% stop 3%",
    "short when close > 0 * close size 300%",  # ruin
    "buy when rsi(close, 3) < 40 trail 2% target 4% hold 7",
    "buy when rsi(close, 3) < 40 trail atr(5) stop 2 * atr(5) target 3 * atr(9) size 35%",
    "buy when close > open stop 0 * atr(9)",  # refused: a stop must be above 0
    "buy when close > open size where(weekday == 1, 0.5, 0)",
    "buy when close > open trail 3 * (close - sma(close, 9))",  # refused where below 0
    "short when close < open cover when close > open trail 1% hold 1",
    "buy when close > 0 * close",
    "buy when close < 0 * close",
]


@pytest.mark.parametrize("rules", RULES)
@pytest.mark.parametrize("costs", MARKETS)
def test_each_kind_of_exit_alone(rules: str, costs: Market) -> None:
    for bars in (random_walk(500, 2), random_walk(64, 3), random_walk(65, 4)):
        assert_same_sums(*both(bars, costs, 3, [check(f"strategy s {{ {rules} }}")]))


def test_ruin_is_among_them() -> None:
    close = np.geomspace(10, 1000, 200)[None]
    time = np.datetime64("2020-01-01", "ns") + np.arange(200) * np.timedelta64(1, "D")
    panels: dict[str, Any] = {name: close.copy() for name in ("open", "high", "low", "close")}
    bars = Bars(("X",), time, **panels, volume=close * 0 + 1, adjustment=close * 0 + 1)
    program = check("strategy s { short when close > 0 * close size 300% }")
    quick, general = both(bars, market(max_leverage=3), 4, [program])
    assert_same_sums(quick, general)
    assert general[0, -1, F_RUINED] == 1


@given(seed=st.integers(0, 10**6), costs=st.sampled_from(MARKETS))
@example(seed=308, costs=MARKETS[0])  # ruin on a symbol that is not there in the last fold
@settings(max_examples=60)
def test_each_sleeve_of_a_ragged_panel_has_the_same_equity(seed: int, costs: Market) -> None:
    programs, trader = grown(6, seed), FoldTrader(ragged(seed), costs, 3)

    def traded() -> list[Record]:
        (batch,) = trader._evaluator.batches(programs)
        return [trader.trade(batch, symbol, True) for symbol in range(len(trader._sleeves))]

    quick, sums = traded(), trader.summed(programs, trader.pooled)
    without_courses(trader)
    for one, other in zip(quick, traded(), strict=True):
        np.testing.assert_allclose(one.equity, other.equity, rtol=1e-12, atol=1e-12 * costs.capital)
        np.testing.assert_array_equal(one.held, other.held)
        np.testing.assert_array_equal(one.folds[:, :, F_TRADES], other.folds[:, :, F_TRADES])
        np.testing.assert_array_equal(one.folds[:, :, F_RUINED], other.folds[:, :, F_RUINED])
    assert_same_sums(sums, trader.summed(programs, trader.pooled))


@pytest.mark.parametrize(
    "costs",
    [
        market(fill="close"),
        market(fill="next_close"),
        market(commission_minimum=1),
        market(max_volume_share=0.1),
        market(cash_rate=0.02),
        market(borrow_bps=50),
    ],
)
def test_other_markets_are_simulated(costs: Market) -> None:
    assert FoldTrader(random_walk(300, 1), costs, 5)._courses == [None]


def test_a_batch_of_all_kinds_keeps_its_order() -> None:
    bars, rng = random_walk(700, 2), Random(5)
    programs = [Program("p", grow_rules(build_space(), rng)) for _ in range(60)]
    trader = FoldTrader(bars, market(), 5)
    assert 10 < sum(is_plain(each.canonical) for each in programs) < 50
    whole = trader(programs)
    alone = np.concatenate([trader([each]) for each in programs])
    assert np.array_equal(whole, alone)
