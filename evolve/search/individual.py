"""Individual of a population, and its fitness as DEAP compares it."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from deap import base

from dsl.analysis.program import Program
from evolve.search.niche import Niche, find_niche

SEED = "seed"  # the proposer of a program that the search starts from


class Scored(Protocol):
    """Result of an evaluation."""

    @property
    def values(self) -> tuple[float, ...]:
        """Values of the objectives, float[objective]."""

    @property
    def folds(self) -> tuple[float, ...]:
        """Values of the first objective by fold; empty if it has none."""

    @property
    def trades(self) -> int:
        """Number of closed trades over all folds."""

    @property
    def exposure(self) -> float:
        """Share of the bars with a position at the close."""

    @property
    def holding(self) -> float:
        """Mean number of bars of a position."""

    @property
    def infeasible_reason(self) -> str:
        """Reason why the program may not enter a population; empty if it may."""

    @property
    def is_feasible(self) -> bool:
        """True if the program may enter a population."""

    @property
    def is_idle(self) -> bool:
        """True if the program is infeasible because it trades too little."""

    @property
    def behavior(self) -> Hashable:
        """Class of the programs that trade alike; None if it is not known."""


Evaluate = Callable[[Sequence[Program]], Sequence[Scored]]
"""Returns the scores of programs, in their order."""


class Fitness(base.Fitness):  # type: ignore[misc]
    """Values of the objectives with their weights, in lexicographic order."""

    weights: tuple[float, ...] = (1.0,)

    def __init__(self, weights: Sequence[float], values: Sequence[float]) -> None:
        self.weights = tuple(weights)
        super().__init__(values)


@dataclass(frozen=True, eq=False)
class Individual:
    """Scored program with its origin.

    Attributes:
        program: the program that was evaluated.
        scores: the result of its evaluation.
        fitness: the scores in the form that DEAP's selection reads.
        proposer: the name of the proposer.
        parents: hashes of the parents.
        island: index of the island.
        epoch: number of the epoch.
        niche: its niche of behavior, for the hall of fame.
    """

    program: Program
    scores: Scored
    fitness: Fitness = field(repr=False)
    proposer: str
    parents: tuple[str, ...]
    island: int
    epoch: int
    niche: Niche = (0, 0)

    @classmethod
    def create(
        cls,
        program: Program,
        scores: Scored,
        weights: Sequence[float],
        proposer: str,
        parents: tuple[str, ...],
        island: int,
        epoch: int,
    ) -> Individual:
        """Create the individual of an evaluated program.

        Args:
            program, scores, proposer, parents, island, epoch: its attributes.
            weights: of the objectives.
        """
        fitness, niche = (
            Fitness(weights, scores.values),
            find_niche(scores.exposure, scores.holding),
        )
        return cls(program, scores, fitness, proposer, parents, island, epoch, niche)

    def __deepcopy__(self, memo: object) -> Individual:
        return self

    @property
    def score(self) -> float:
        """First objective, signed so that larger is better."""
        return float(self.fitness.wvalues[0])
