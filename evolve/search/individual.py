"""A program in the population, and how DEAP compares it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from deap import base

from dsl.analysis.program import Program


class Scored(Protocol):
    """The result of an evaluation."""

    @property
    def values(self) -> tuple[float, ...]:
        """One number for each objective."""

    @property
    def folds(self) -> tuple[float, ...]:
        """The first objective on each fold; empty if it has none."""

    @property
    def trades(self) -> int:
        """Closed trades over all folds."""

    @property
    def infeasible_reason(self) -> str:
        """Why the program may not enter a population; empty if it may."""

    @property
    def is_feasible(self) -> bool:
        """Whether the program may enter a population."""


Evaluate = Callable[[Sequence[Program]], Sequence[Scored]]


class Fitness(base.Fitness):  # type: ignore[misc]
    """Objective values with their weights, ordered by the first that differs."""

    weights: tuple[float, ...] = (1.0,)

    def __init__(self, weights: Sequence[float], values: Sequence[float]) -> None:
        self.weights = tuple(weights)
        super().__init__(values)


@dataclass(frozen=True, eq=False)
class Individual:
    """A scored program and where it came from.

    Attributes:
        program, scores: what was evaluated, and what it is worth.
        fitness: the scores as DEAP's selection reads them.
        proposer: the arm that made it.
        parents: hashes of the programs it was made from.
        island, epoch: where and when.
    """

    program: Program
    scores: Scored
    fitness: Fitness = field(repr=False)
    proposer: str
    parents: tuple[str, ...]
    island: int
    epoch: int

    def __deepcopy__(self, memo: object) -> Individual:
        return self

    @property
    def score(self) -> float:
        """The first objective, larger is better."""
        return float(self.fitness.wvalues[0])
