"""Scorers with used memory, because a virtual machine may provide new memory slowly."""

from __future__ import annotations

from dsl.bars import Bars
from evolve.backtest.market import Market
from evolve.fitness.fitness import FoldFitness
from evolve.fitness.goals import FitnessSpec


def build_warm_scorer(bars: Bars, terms: Market, arena_mb: float) -> FoldFitness:
    """Build a scorer of five folds on one symbol, and write to all of its memory."""
    scorer = FoldFitness(bars, terms, FitnessSpec(), arena_mb=arena_mb)
    arena = scorer._trade.evaluator._arena
    arena.memory[arena._base :] = 0.0
    return scorer
