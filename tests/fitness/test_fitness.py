"""Fitness by its definition, independent of the batch, on train alone."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from dsl.analysis.check import check
from evolve.backtest.appraisal import ReturnSums, appraisal
from evolve.backtest.backtest import backtest
from evolve.backtest.market import market
from evolve.backtest.metrics import METRICS
from evolve.backtest.performance import bar_returns
from evolve.data.generators import random_walk
from evolve.data.split import SplitSizes, split_bars
from evolve.fitness.fitness import FoldFitness
from evolve.fitness.goals import FitnessSpec
from evolve.fitness.objectives import OBJECTIVES, mean_minus_spread
from tests.programs import random_programs

BARS = random_walk(1500, seed=3)
CROSS = check("strategy s { buy when close > sma(close, 20) sell when close < sma(close, 20) }")


@pytest.mark.parametrize("start", [0, 700])
def test_scores_do_not_depend_on_the_batch(start: int) -> None:
    programs = random_programs(120, 1)
    together = FoldFitness(BARS, market(), FitnessSpec(), start)(programs)
    fitness = FoldFitness(BARS, market(), FitnessSpec(), start)
    alone = [fitness([each])[0] for each in reversed(programs)]
    assert together == alone[::-1]


def test_the_score_is_the_mean_over_folds_less_half_their_deviation() -> None:
    goals = FitnessSpec(folds=4)
    score = FoldFitness(BARS, market(), goals)([CROSS])[0]
    result = backtest(CROSS, BARS, market())
    edges = np.linspace(0, len(BARS), 5).round().astype(int)
    r = np.concatenate([[np.nan], bar_returns(result.equity)])
    b = np.concatenate([[np.nan], bar_returns(result.benchmark)])
    by_fold = []
    for first, last in itertools.pairwise(edges):
        own, other = r[max(first, 1) : last], b[max(first, 1) : last]
        beta = np.cov(own, other)[0, 1] / np.var(other, ddof=1)
        residual = own - beta * other
        by_fold.append(np.sqrt(252) * residual.mean() / residual.std(ddof=1))
    assert score.folds == pytest.approx(by_fold, rel=1e-9)
    assert score.values[0] == pytest.approx(np.mean(by_fold) - 0.5 * np.std(by_fold, ddof=1))
    assert score.values[1] == CROSS.nodes
    assert score.trades == len(result.trades)


def test_holding_the_market_scores_0() -> None:
    assert appraisal(ReturnSums(100, 0.1, 0.01, 0.01, 0.1, 0.01), 252) == 0.0
    hold = check("strategy h { buy when close > 0 hold 5000 }")
    free = market(commission_bps=0, slippage_bps=0)
    score = FoldFitness(BARS, free, FitnessSpec(require={}))([hold])[0]
    assert score.folds[1:] == (0.0, 0.0, 0.0, 0.0)


def test_an_unmet_requirement_is_infeasible_and_named() -> None:
    never = check("strategy n { buy when close > 2 * highest(high, 5) }")
    score = FoldFitness(BARS, market(), FitnessSpec())([never])[0]
    assert not score.is_feasible
    assert score.infeasible_reason == "trades_per_fold 0, below 3"


def test_ruin_is_infeasible() -> None:
    bold = check("strategy b { short when close > open cover when close < open size 90 }")
    score = FoldFitness(BARS, market(max_leverage=100.0), FitnessSpec(require={}))([bold])[0]
    assert score.infeasible_reason == "ruined"


def test_fitness_holds_no_bar_outside_train() -> None:
    bars = random_walk(1500, seed=8_210)  # no other test leaves its prices in freed memory
    partition = split_bars(bars, SplitSizes())
    fitness = FoldFitness(partition.train, market(), FitnessSpec())
    fitness([CROSS])
    unseen = set(bars.close[0, len(partition.train) :].tolist())
    arrays = list(arrays_within(fitness, set()))
    assert arrays
    for array in arrays:
        assert array.base is None or isinstance(array.base, np.ndarray)
        whole = array if array.base is None else array.base
        assert not unseen & set(np.asarray(whole, np.float64).ravel().tolist())


def arrays_within(thing: object, seen: set[int]) -> Iterator[np.ndarray[Any, Any]]:
    """Yield each array that an object holds, recursively."""
    if id(thing) in seen:
        return
    seen.add(id(thing))
    if isinstance(thing, np.ndarray):
        if thing.dtype.names is None and thing.dtype.kind in "fiub":
            yield thing
    elif isinstance(thing, dict):
        for each in [*thing.keys(), *thing.values()]:
            yield from arrays_within(each, seen)
    elif isinstance(thing, list | tuple | set | frozenset):
        for each in thing:
            yield from arrays_within(each, seen)
    elif type(thing).__module__.startswith(("evolve", "dsl")) and hasattr(thing, "__dict__"):
        yield from arrays_within(vars(thing), seen)


def test_objectives_by_fold_are_metrics_too() -> None:
    by_fold = {name for name, each in OBJECTIVES.items() if each.by_fold is not None}
    assert {"appraisal_ratio", "sharpe"} <= by_fold <= METRICS.keys()


def test_one_fold_has_no_spread() -> None:
    assert mean_minus_spread(np.array([[2.0]]), 0.5).tolist() == [2.0]
    assert mean_minus_spread(np.array([[1.0, 3.0]]), 0.5) == pytest.approx([2 - 0.5 * np.sqrt(2)])
