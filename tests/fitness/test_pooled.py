"""Scores of several symbols: those of the pooled equity, worked out plainly beside them."""

from __future__ import annotations

from itertools import pairwise
from random import Random

import numpy as np
import pytest

from dsl.analysis.program import Program
from evolve.backtest.backtest import backtest
from evolve.backtest.market import market
from evolve.backtest.metrics import ReturnSums, appraisal
from evolve.data.align import aligned
from evolve.fitness.dispatch import FoldTrader
from evolve.fitness.fitness import FoldFitness
from evolve.fitness.goals import Goals
from evolve.fitness.objectives import FoldSums
from evolve.search.grow import grow_rules
from evolve.search.space import build_space
from tests.backtest.test_sleeves import own_market, panel_of, strategies

GOALS = Goals(
    maximize=("appraisal_ratio", "sharpe", "total_return"),
    require={"trades_per_fold": 0.0, "exposure_per_fold": 0.0},
    folds=4,
)
COSTS = market(9000, cash_rate=0.02, borrow_bps=100)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("start", [0, 90])
def test_pooled_scores_are_those_of_the_pooled_equity(
    seed: int, start: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Compare ratios without their floor, which `test_pooled_plainly` checks."""
    monkeypatch.setattr(FoldSums, "variance_floor", 0.0)
    bars = panel_of(seed)
    programs = strategies(15, seed)
    scored = FoldFitness(bars, COSTS, GOALS, start)(programs)
    edges = np.linspace(start, len(bars), 5).round().astype(int) - start
    for program, scores in zip(programs, scored, strict=True):
        result = backtest(program, bars, COSTS, start=start)
        if any(sleeve.equity.min() <= 0 for sleeve in result.sleeves):
            assert scores.obstacle == "ruined"
            continue
        r, b = result.performance.excess, result.performance.benchmark_excess
        found = []
        growth = []
        for first, last in pairwise(edges):
            own, other = r[max(first - 1, 0) : last - 1], b[max(first - 1, 0) : last - 1]
            sums = (own, own * own, own * other, other, other * other)
            folded = ReturnSums(len(own), *(float(each.sum()) for each in sums))
            found.append(float(appraisal(folded, bars.bars_per_year)))
            before = result.equity[first - 1] if first else 9000.0
            growth.append(result.equity[last - 1] / before - 1)
        assert scores.folds == pytest.approx(found, rel=1e-7, abs=1e-9)
        spread = np.mean(growth) - 0.5 * np.std(growth, ddof=1)
        assert scores.values[2] == pytest.approx(spread, rel=1e-7, abs=1e-9)
        assert scores.trades == len(result.trades)


def test_one_symbol_scores_the_same_alone_and_pooled() -> None:
    """A panel of one with a hole goes the long way; without, the short one."""
    whole = own_market("AAA", 5)
    second = own_market("BBB", 6)
    programs = strategies(20, 3)
    direct = FoldFitness(whole, COSTS, GOALS)(programs)
    trader = FoldTrader(whole, COSTS, 4)
    pooled = trader.summed(programs, trader.pooled)
    np.testing.assert_allclose(pooled, trader(programs), rtol=1e-9, atol=1e-9)
    assert all(each.values == again.values for each, again in zip(
        direct, FoldFitness(whole, COSTS, GOALS)(programs), strict=True))  # fmt: skip
    both = FoldFitness(aligned([whole, second]), COSTS, GOALS)(programs)
    assert [each.trades for each in both] == [
        one.trades + two.trades
        for one, two in zip(direct, FoldFitness(second, COSTS, GOALS)(programs), strict=True)
    ]


def test_scores_do_not_depend_on_the_batch() -> None:
    bars, programs = panel_of(2), strategies(30, 4)
    whole = FoldFitness(bars, COSTS, GOALS)(programs)
    alone = [FoldFitness(bars, COSTS, GOALS)([each])[0] for each in programs]
    assert whole == alone


def test_folds_in_which_a_symbol_has_no_bar() -> None:
    early = own_market("AAA", 1).slice(0, 60)
    bars = aligned([early, own_market("BBB", 2)])
    space = build_space()
    programs = [Program("p", grow_rules(space, Random(seed))) for seed in range(10)]
    for scores, program in zip(FoldFitness(bars, COSTS, GOALS)(programs), programs, strict=True):
        assert scores.trades == len(backtest(program, bars, COSTS).trades)
        assert np.all(np.isfinite(scores.values))
