"""The quick way to score plain strategies gives what the general simulation gives."""

from __future__ import annotations

from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dsl.analysis.program import Program, Rules
from dsl.bars import Bars
from dsl.terms.terms import Term
from evolve.backtest.kernels.long_flat import is_plain
from evolve.backtest.kernels.records import FOLD_FIELDS
from evolve.backtest.market import Market, market
from evolve.data import load
from evolve.data.generators import random_walk
from evolve.fitness.dispatch import FoldTrader
from evolve.search.grow import grow_condition, grow_rules
from evolve.search.space import build_space
from tests.fitness.sums import assert_same_sums

SPACE = build_space()
MARKETS = [
    market(),
    market(commission_bps=0, slippage_bps=0),
    market(commission_bps=30, slippage_bps=20, slippage_range=0.1, cash_rate=0.04),
    market(commission_per_share=0.02, max_leverage=3, borrow_bps=500),
]


def plain(count: int, seed: int) -> list[Program]:
    """Random strategies, some of which never sell."""
    rng = Random(seed)
    return [
        Program("p", Rules(_drawn(rng), _drawn(rng) if i % 4 else None))
        for i in range(count)
    ]  # fmt: skip


def _drawn(rng: Random) -> Term:
    return grow_condition(SPACE, rng)


def both(bars: Bars, costs: Market, folds: int, programs: list[Program]) -> list[np.ndarray]:
    """The sums by the latch, and in general."""
    trader = FoldTrader(bars, costs, folds)
    assert trader._latch is not None
    quick = trader(programs)
    trader._courses = [None]
    return [quick, trader.summed(programs, trader.traded)]


@pytest.mark.parametrize("costs", MARKETS)
@pytest.mark.parametrize("spec", ["sample:sp500", "synthetic:garch?bars=777"])
def test_random_plain_strategies_have_the_same_sums(costs: Market, spec: str) -> None:
    quick, general = both(load(spec).bars, costs, 5, plain(150, 3))
    assert_same_sums(quick, general)


@given(
    bars=st.integers(12, 400), folds=st.integers(1, 9), seed=st.integers(0, 10**6),
    costs=st.sampled_from(MARKETS),
)  # fmt: skip
def test_whatever_the_length_and_the_folds(bars: int, folds: int, seed: int, costs: Market) -> None:
    """Words of 64 bars and blocks of 4 fit them or not."""
    quick, general = both(random_walk(bars, seed % 7), costs, folds, plain(6, seed))
    assert_same_sums(quick, general)


@pytest.mark.parametrize(
    "costs",
    [
        market(fill="close"),
        market(fill="next_close"),
        market(commission_minimum=1),
        market(max_volume_share=0.1),
        market(max_leverage=0.5),
        market(commission_per_share=200.0),
    ],
)
def test_other_markets_are_simulated(costs: Market) -> None:
    trader = FoldTrader(random_walk(300, 1), costs, 5)
    assert trader._latch is None


def test_other_strategies_are_simulated() -> None:
    rng = Random(4)
    for _ in range(300):
        rules = Program("p", grow_rules(build_space(directions=("long", "short")), rng)).canonical
        has_more = any(term is not None for term in (rules.short, *rules[4:]))
        assert is_plain(rules) == (rules.buy is not None and not has_more)


def test_a_batch_of_both_kinds_keeps_its_order() -> None:
    bars, rng = random_walk(700, 2), Random(5)
    programs = [Program("p", grow_rules(SPACE, rng)) for _ in range(60)]
    kinds = [is_plain(each.canonical) for each in programs]
    assert 10 < sum(kinds) < 50
    trader = FoldTrader(bars, market(), 5)
    whole = trader(programs)
    alone = np.concatenate([trader([each]) for each in programs])
    assert whole.shape == (60, 5, len(FOLD_FIELDS))
    assert np.array_equal(whole, alone)


def test_a_window_that_begins_later_is_simulated() -> None:
    trader = FoldTrader(random_walk(300, 1), market(), 5, start=50)
    assert trader._latch is None
