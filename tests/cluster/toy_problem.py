"""Toy problem that a worker builds from bytes, and what two equal searches have in common."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

from dsl.analysis.catalog import catalog
from dsl.analysis.check import check_file, extend_catalog
from dsl.printing.decompile import compact_text
from evolve.search.individual import Individual
from evolve.search.island import EpochResult, Island
from evolve.search.problem import SearchProblem
from evolve.search.progress import Progress
from evolve.search.space import build_space
from tests.search.toy import toy_problem

DEFINES = """
# The fall from the recent high, which the search may use.
define fall(x: number, n: window = 20) -> change about "fall from the high" = x / highest(x, n) - 1
"""
START = """
# A define of this file alone.
define rise(x: number, n: window = 10) -> change = x / lowest(x, n) - 1

strategy first {
  about "Buys a fall; sells a rise."
  param days = 12 in 5..40 step 1
  param limit = 5% in 1%..9%
  buy when fall(close, days) < -limit
  sell when rise(close, days) > limit
  hold days
}
"""


def build_inputs(islands: int = 2, population: int = 20, generations: int = 3) -> bytes:
    """Return the inputs of a toy problem as bytes."""
    return json.dumps([islands, population, generations]).encode()


def open_toy(inputs: bytes) -> SearchProblem:
    """Return a toy problem with a user-defined operator, and a start with another one."""
    islands, population, generations = json.loads(inputs)
    known = extend_catalog(DEFINES, "defines.evo", catalog())
    return replace(
        toy_problem(population, generations),
        space=build_space(["sma", "rsi", "roc", "atr", "fall"], ("long",), 40, known),
        islands=islands,
        seed=3,
        start_from=check_file(START, "start.evo", known),
    )


def describe_individual(each: Individual) -> tuple[Any, ...]:
    """Return all of an individual as plain data."""
    program, scores = each.program, each.scores
    return (
        compact_text(program), program.key, program.nodes, program.name,
        scores.values, scores.folds, scores.trades, scores.infeasible_reason,
        each.fitness.wvalues, each.proposer, each.parents, each.island, each.epoch,
    )  # fmt: skip


def describe_all(individuals: Iterable[Individual]) -> list[tuple[Any, ...]]:
    return [describe_individual(each) for each in individuals]


def describe_island(each: Island) -> tuple[Any, ...]:
    return each.index, describe_all(each.population), each.rng_state


def describe_result(each: EpochResult) -> tuple[Any, ...]:
    return describe_island(each.island), describe_all(each.trials), dict(each.stats)


def describe_search(steps: Sequence[Progress]) -> list[tuple[Any, ...]]:
    """Return all of a search but its times."""
    return [
        (
            each.epoch, describe_all(each.trials), each.evaluated, each.stop_reason,
            [describe_island(island) for island in each.islands],
            describe_all(each.hall_of_fame), dict(each.stats),
        )
        for each in steps
    ]  # fmt: skip
