"""Selection of parents and survivors."""

from __future__ import annotations

import random
from collections.abc import Hashable, Sequence

from deap import base, tools

from evolve.search.individual import Individual
from evolve.search.problem import SearchProblem
from evolve.search.proposers import PROPOSERS

TOURNAMENT_SIZE = 3


def build_toolbox(problem: SearchProblem) -> base.Toolbox:
    """Build a DEAP toolbox with the proposers, parent selection and survivor selection."""
    box = base.Toolbox()
    for name, proposer in PROPOSERS.items():
        box.register(name, proposer.propose, space=problem.space)
    box.register("select", select_parents, size=TOURNAMENT_SIZE)
    if len(problem.weights) > 1:
        box.register("survive", tools.selNSGA2, nd="log")
    else:
        box.register("survive", tools.selBest)  # NSGA-II needs two objectives or more
    return box


def select_distinct(individuals: Sequence[Individual]) -> list[Individual]:
    """Return the fittest individual of each class of behavior, the first one at a tie."""
    best: dict[Hashable, Individual] = {}
    for each in individuals:
        behavior = each.scores.behavior
        key = each.program.key if behavior is None else behavior
        rival = best.get(key)
        if rival is None or each.fitness.wvalues > rival.fitness.wvalues:
            best[key] = each
    return list(best.values())


def select_parents(
    ranked: Sequence[Individual], count: int, rng: random.Random, size: int
) -> list[Individual]:
    """Select parents by tournament.

    Args:
        ranked: the population, the best first.
        count: number of parents.
        rng: the random generator.
        size: number of draws of a tournament.
    """
    last = len(ranked)
    return [ranked[int(min([rng.random() for _ in range(size)]) * last)] for _ in range(count)]
