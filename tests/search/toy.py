"""Toy problem for the search: programs are scored without a market."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from dsl.analysis.program import Program
from evolve.search.problem import SearchProblem
from evolve.search.progress import Budget, Progress
from evolve.search.proposers import PROPOSERS
from evolve.search.search import search
from evolve.search.space import build_space


@dataclass(frozen=True)
class ToyScores:
    values: tuple[float, ...]
    is_feasible: bool = True
    folds: tuple[float, ...] = ()
    trades: int = 0
    exposure: float = 0.5
    holding: float = 10.0
    is_idle: bool = False
    behavior: Hashable = None

    @property
    def infeasible_reason(self) -> str:
        return "" if self.is_feasible else "infeasible"


def closeness(programs: Sequence[Program]) -> list[ToyScores]:
    """Score programs by the distance of the sum of their numbers from 777.7, and by size."""
    scored = []
    for program in programs:
        total = sum(
            part.value or 0.0 for _, term in program.canonical.named() for part in term.walk()
        )
        scored.append(ToyScores((round(-abs(total - 777.7), 9), float(program.nodes))))
    return scored


def ignore_large_ones(programs: Sequence[Program]) -> list[ToyScores]:
    """Score programs as `closeness` does; those of more than 12 nodes are idle."""
    return [
        replace(each, is_feasible=each.values[1] <= 12, is_idle=each.values[1] > 12)
        for each in closeness(programs)
    ]


def toy_problem(population: int = 20, generations: int = 3) -> SearchProblem:
    return SearchProblem(
        space=build_space(["sma", "rsi", "roc", "atr"], ("long",), 40),
        evaluate=closeness,
        weights=(1.0, -1.0),
        population=population,
        generations_per_epoch=generations,
        proposers={name: each.weight for name, each in PROPOSERS.items()},
    )


def solve(
    problem: SearchProblem,
    budget: Budget,
    seed: int = 1,
    islands: int = 1,
    start_from: Sequence[Program] = (),
    **others: Any,
) -> list[Progress]:
    """Run a search to its end; `others` are arguments of `search`."""
    problem = replace(problem, seed=seed, islands=islands, start_from=tuple(start_from))
    return list(search(problem, budget, **others))
