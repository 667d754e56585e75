"""Ratios count returns in excess of cash, so that never trading scores 0."""

from __future__ import annotations

import pytest

from dsl.analysis.check import check
from evolve.backtest.backtest import backtest
from evolve.backtest.market import market
from evolve.data.generators import random_walk
from evolve.fitness.fitness import FoldFitness
from evolve.fitness.goals import FitnessSpec
from tests.backtest.panels import ragged, whole

NEVER = check("strategy never { buy when false }")
CASH_RATES = (0.0, 0.01, 0.05, 1.0)
RATIOS = ("sharpe", "sortino", "appraisal_ratio", "alpha", "beta")
MARKETS = {
    "one symbol": random_walk(600, 3),
    "a panel": whole(4, 3, 300, with_orders=False),
    **{f"a ragged panel {seed}": ragged(seed, with_orders=False) for seed in range(6)},
}


@pytest.mark.parametrize("rate", CASH_RATES)
@pytest.mark.parametrize("name", MARKETS)
def test_never_trading_scores_0_at_any_rate(name: str, rate: float) -> None:
    bars, costs = MARKETS[name], market(cash_rate=rate)
    run = backtest(NEVER, bars, costs)
    assert {each: run.metrics[each] for each in RATIOS} == dict.fromkeys(RATIOS, 0.0)
    assert run.metrics["total_return"] >= 0.0
    assert (run.metrics["total_return"] > 0.0) == (rate > 0.0)
    growth = run.performance.cash[-1] / run.performance.cash[0] - 1
    assert run.metrics["return_at_benchmark_volatility"] == pytest.approx(growth, abs=1e-12)
    for measure in ("appraisal_ratio", "sharpe"):
        goals = FitnessSpec((measure,), (), {}, 4, 0.5)
        (scores,) = FoldFitness(bars, costs, goals)([NEVER])
        assert scores.values == (0.0,)
        assert set(scores.folds) == {0.0}


@pytest.mark.parametrize("rate", CASH_RATES)
def test_the_benchmark_has_no_alpha_at_any_rate(rate: float) -> None:
    bars = MARKETS["one symbol"]
    found = backtest(NEVER, bars, market(cash_rate=rate)).benchmark_metrics
    assert found["alpha"] == pytest.approx(0.0, abs=1e-12)
    assert found["appraisal_ratio"] == 0.0
    assert found["beta"] == pytest.approx(1.0)
