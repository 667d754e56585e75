"""The long-flat and the event-driven kernel against the reference kernel."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from dsl.analysis.check import check
from dsl.analysis.program import Program, Rules
from dsl.bars import Bars
from evolve.backtest.kernels.long_flat import is_long_flat
from evolve.backtest.kernels.records import (
    F_PRODUCTS,
    F_RETURNS,
    F_RUINED,
    F_SQUARES,
    F_SUM,
    F_TRADES,
    FOLD_FIELDS,
    SimulationOutput,
)
from evolve.backtest.market import Market, market
from evolve.backtest.performance import Series
from evolve.data import load
from evolve.data.generators import random_walk
from evolve.fitness.dispatch import FoldTrader
from evolve.search.grow import grow_condition
from tests.backtest.panels import ragged
from tests.programs import random_programs, space_of
from tests.samples import closing_at

MARKETS = [
    market(),
    market(commission_bps=0, slippage_bps=0),
    market(commission_bps=30, slippage_bps=20, slippage_range=0.1),
    market(commission_per_share=0.02, max_leverage=3),
    market(max_leverage=0.4, slippage_range=0.9),
]
LONG_FLAT_MARKETS = [
    *MARKETS[:2],
    market(commission_bps=30, slippage_bps=20, slippage_range=0.1, cash_rate=0.04),
    market(commission_per_share=0.02, max_leverage=3, borrow_bps=500),
]
SPECS = ("sample:sp500", "synthetic:garch?bars=777")


def long_flat(count: int, seed: int) -> list[Program]:
    """Return random long-flat strategies, a quarter of them without `sell`."""
    rng, space = Random(seed), space_of("long")
    return [
        Program(
            "p", Rules(grow_condition(space, rng), grow_condition(space, rng) if i % 4 else None)
        )
        for i in range(count)
    ]


def assert_same_sums(quick: Series, reference: Series) -> None:
    """Compare sums within 1e-12 of the size of their terms.

    A return above 1 is that of an account near its ruin, whose equity is a small difference of
    large amounts: the rounding grows with the largest return.
    """
    returns = np.sqrt(reference[:, :, F_RETURNS] * reference[:, :, F_SQUARES])  # upper bound
    sizes = 1 + np.abs(reference)
    sizes[:, :, F_SUM] = sizes[:, :, F_PRODUCTS] = 1 + returns
    sizes *= 1 + np.sqrt(reference[:, :, F_SQUARES, None])
    assert (np.abs(quick - reference) <= 1e-12 * sizes).all()


def remove_tables(trader: FoldTrader) -> None:
    """Remove the execution tables, so that the reference kernel trades every sleeve."""
    assert all(trader._tables)
    trader._tables = [None for _ in trader._tables]


def assert_quick(
    bars: Bars, costs: Market, folds: int, programs: list[Program], expects_table: bool = False
) -> Series:
    """Compare the sums of a fast kernel with those of the reference, and return the latter."""
    trader = FoldTrader(bars, costs, folds)
    if expects_table:
        assert trader._long_flat_table is not None
        quick = trader(programs)
    else:
        quick = trader.sum_folds(programs, trader.event_driven)
    reference = trader.sum_folds(programs, trader.reference)
    assert_same_sums(quick, reference)
    return reference


@pytest.mark.parametrize("costs", LONG_FLAT_MARKETS)
@pytest.mark.parametrize("spec", SPECS)
def test_sums_of_random_long_flat_strategies_agree(costs: Market, spec: str) -> None:
    sums = assert_quick(load(spec).bars, costs, 5, long_flat(150, 3), expects_table=True)
    assert sums[:, :, F_TRADES].sum() > 1000


@pytest.mark.parametrize("costs", MARKETS)
@pytest.mark.parametrize("spec", SPECS)
def test_sums_of_random_strategies_agree(costs: Market, spec: str) -> None:
    sums = assert_quick(load(spec).bars, costs, 5, random_programs(200, 3))
    assert sums[:, :, F_TRADES].sum() > 5000


@given(bars=st.integers(12, 400), folds=st.integers(1, 9), seed=st.integers(0, 10**6))
@pytest.mark.parametrize(
    ("make", "markets"),
    [(long_flat, LONG_FLAT_MARKETS), (random_programs, MARKETS)],
    ids=["long-flat", "event-driven"],
)
def test_sums_agree_for_every_length_and_number_of_folds(
    make: Callable[[int, int], list[Program]], markets: list[Market],
    bars: int, folds: int, seed: int,
) -> None:  # fmt: skip
    """Use lengths that need not be multiples of the 64 bars of a word or the 4 of a block."""
    costs = markets[seed % len(markets)]
    assert_quick(random_walk(bars, seed % 7), costs, folds, make(6, seed), make is long_flat)


RULES = [
    "buy when close > open sell when close < open",
    "buy when close > open[1] short when close < open[1]",  # reversals
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
def test_sums_agree_for_each_kind_of_exit(rules: str, costs: Market) -> None:
    for bars in (random_walk(500, 2), random_walk(64, 3), random_walk(65, 4)):
        assert_quick(bars, costs, 3, [check(f"strategy s {{ {rules} }}")])


def test_sums_agree_after_ruin() -> None:
    bars = closing_at(np.geomspace(10, 1000, 200))
    program = check("strategy s { short when close > 0 * close size 300% }")
    sums = assert_quick(bars, market(max_leverage=3), 4, [program])
    assert sums[0, -1, F_RUINED] == 1


@given(seed=st.integers(0, 10**6), costs=st.sampled_from(MARKETS))
@example(seed=308, costs=MARKETS[0])  # ruin of a symbol without a bar in the last fold
@settings(max_examples=60)
def test_equity_of_each_sleeve_of_a_ragged_panel_agrees(seed: int, costs: Market) -> None:
    programs, trader = random_programs(6, seed), FoldTrader(ragged(seed), costs, 3)

    def trade_sleeves() -> list[SimulationOutput]:
        (batch,) = trader.evaluator.batches(programs)
        return [trader.trade(batch, symbol, True) for symbol in range(len(trader._sleeves))]

    quick, sums = trade_sleeves(), trader.sum_folds(programs, trader.portfolio)
    remove_tables(trader)
    for one, other in zip(quick, trade_sleeves(), strict=True):
        np.testing.assert_allclose(one.equity, other.equity, rtol=1e-12, atol=1e-12 * costs.capital)
        np.testing.assert_array_equal(one.held, other.held)
        np.testing.assert_array_equal(one.folds[:, :, F_TRADES], other.folds[:, :, F_TRADES])
        np.testing.assert_array_equal(one.folds[:, :, F_RUINED], other.folds[:, :, F_RUINED])
    assert_same_sums(sums, trader.sum_folds(programs, trader.portfolio))


UNSUPPORTED = [  # by both fast kernels
    market(fill="close"), market(fill="next_close"), market(commission_minimum=1),
    market(max_volume_share=0.1),
]  # fmt: skip


@pytest.mark.parametrize("costs", [*UNSUPPORTED, market(cash_rate=0.02), market(borrow_bps=50)])
def test_other_markets_use_the_reference_kernel(costs: Market) -> None:
    assert FoldTrader(random_walk(300, 1), costs, 5)._tables == [None]


@pytest.mark.parametrize(
    "costs", [*UNSUPPORTED, market(max_leverage=0.5), market(commission_per_share=200.0)]
)
def test_other_markets_have_no_long_flat_table(costs: Market) -> None:
    assert FoldTrader(random_walk(300, 1), costs, 5)._long_flat_table is None


def test_a_window_that_starts_later_has_no_long_flat_table() -> None:
    assert FoldTrader(random_walk(300, 1), market(), 5, start=50)._long_flat_table is None


def test_other_strategies_are_not_long_flat() -> None:
    kinds = set()
    for program in [*random_programs(300, 4), *random_programs(100, 4, ["long"])]:
        rules = program.canonical
        has_more = any(term is not None for term in (rules.short, *rules[4:]))
        assert is_long_flat(rules) == (rules.buy is not None and not has_more)
        kinds.add(is_long_flat(rules))
    assert kinds == {True, False}


def test_a_batch_of_both_kinds_has_the_scores_of_each_alone() -> None:
    programs = random_programs(60, 5, ["long"])
    assert 10 < sum(is_long_flat(each.canonical) for each in programs) < 50
    trader = FoldTrader(random_walk(700, 2), market(), 5)
    whole = trader(programs)
    assert whole.shape == (60, 5, len(FOLD_FIELDS))
    assert np.array_equal(whole, np.concatenate([trader([each]) for each in programs]))
