"""Scorers whose memory was written to: a virtual machine may be slow to hand out what is new."""

from __future__ import annotations

from dsl.bars import Bars
from evolve.backtest.market import Market
from evolve.fitness.fitness import FoldFitness
from evolve.fitness.goals import FitnessSpec


def warmed(bars: Bars, terms: Market, arena_mb: float) -> FoldFitness:
    """A scorer of five folds on one symbol."""
    scorer = FoldFitness(bars, terms, FitnessSpec(), arena_mb=arena_mb)
    arena = scorer._trade._evaluator._arena
    arena.memory[arena._base :] = 0.0
    return scorer
