"""Analyses of a strategy on a market in which the true rule is known."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import partial
from itertools import product

import numpy as np
import pytest

from dsl.analysis.check import check
from dsl.analysis.program import Program
from dsl.bars import Bars
from evolve import data
from evolve.analysis.costs import measure_costs
from evolve.analysis.counterfactuals import measure_counterfactuals
from evolve.analysis.plateau import measure_plateau
from evolve.analysis.prune import prune
from evolve.backtest.backtest import Backtester
from evolve.backtest.market import market
from evolve.data.generators import random_walk
from evolve.fitness.fitness import FoldFitness
from evolve.fitness.goals import FitnessSpec

SPEC = "synthetic:planted?bars=3000&seed=5&edge_bps=60&rule=rsi(close, 2) < 10"
PLANTED = data.load(SPEC).bars
RULE = "rsi(close, 2) < 10"
FOUND = check(
    f"strategy found {{ buy when {RULE} and high >= low and min(volume, volume) > 0 "
    "sell when close > 1000 * highest(high, 5) stop 60% hold 1 }"
)
TRUE = check(f"strategy found {{ buy when {RULE} hold 1 }}")


def score_on(bars: Bars, programs: Sequence[Program]) -> list[float]:
    scores = FoldFitness(bars, market(), FitnessSpec())(programs)
    return [each.values[0] if each.is_feasible else -math.inf for each in scores]


def test_pruning_leaves_the_planted_rule() -> None:
    pruned = prune(FOUND, Backtester(PLANTED, market()))
    assert pruned.program == TRUE
    assert set(pruned.dropped) == {
        "`high >= low` in `buy` is always true",
        "`min(volume, volume) > 0` in `buy` is always true",
        "`sell when close > 1000 * highest(high, 5)` never closes a position",
        "`stop 60%` is never reached",
    }
    assert (pruned.nodes_before, pruned.nodes_after) == (FOUND.nodes, TRUE.nodes)


def test_random_entries_lose_the_planted_edge() -> None:
    run = Backtester(PLANTED, market())
    found = measure_counterfactuals(TRUE, run, np.random.default_rng(1))
    assert found.strategy.metric > 1.0
    drawn = found.random_entries
    assert drawn.draws == 200
    assert drawn.share == 0.0
    assert drawn.mean.metric < found.strategy.metric - 3 * drawn.deviation
    assert drawn.mean.trades == pytest.approx(found.strategy.trades, rel=0.25)
    assert drawn.mean.total_return < found.strategy.total_return
    rows = {row.change: row for row in found.rows}
    for change in ("`buy` on every bar", f"`buy` with `{RULE}` negated", "without `hold`"):
        assert rows[change].difference < -1.0


def test_entries_on_a_random_walk_earn_no_more_than_random_ones() -> None:
    """Compare the share over many walks: it is uniform if the entry earns nothing."""
    shares = []
    for seed in range(24):
        run = Backtester(random_walk(800, seed), market())
        found = measure_counterfactuals(TRUE, run, np.random.default_rng(seed), draws=50)
        shares.append(found.random_entries.share)
    assert 0.3 < np.mean(shares) < 0.7
    assert np.std(shares) > 0.15


@pytest.mark.parametrize("seed", [5, 6, 7])
def test_a_planted_rule_lies_on_a_plateau(seed: int) -> None:
    rule = "rsi(close, 4) < 40"
    bars = data.load(f"synthetic:planted?bars=3000&seed={seed}&edge_bps=40&rule={rule}").bars
    program = check(f"strategy s {{ buy when {rule} sell when rsi(close, 4) >= 40 }}")
    plateau = measure_plateau(program, partial(score_on, bars))
    assert plateau.score == score_on(bars, [program])[0] > 1.0
    assert len(plateau.neighbors) == 8  # four constants, each up and down
    assert plateau.share >= 0.75
    assert plateau.worst is not None
    assert plateau.worst.score < plateau.median < plateau.score


def test_constants_fitted_to_noise_lie_on_a_peak() -> None:
    """Choose the best constants of a grid on each of several random walks."""
    grid = product((2, 3, 4, 5, 7, 9, 12, 16, 20), range(15, 48, 8), range(50, 83, 8))
    programs = [
        check(f"strategy s {{ buy when rsi(close, {n}) < {a} sell when rsi(close, {n}) > {b} }}")
        for n, a, b in grid
    ]
    shares = []
    for seed in range(6):
        bars = random_walk(1500, seed)
        best = programs[int(np.argmax(score_on(bars, programs)))]
        plateau = measure_plateau(best, partial(score_on, bars))
        assert plateau.score > 0
        shares.append(plateau.share)
    assert np.mean(shares) < 0.6


def test_the_planted_rule_survives_higher_costs_in_part() -> None:
    one, two, four = measure_costs(TRUE, PLANTED, market())
    assert one.metric > two.metric > four.metric
    assert one.metric == Backtester(PLANTED, market())(TRUE).metrics["appraisal_ratio"]
