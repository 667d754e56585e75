"""The problem that a search solves: what may be written, how it is scored, how it is bred."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from dsl.analysis.program import Program
from evolve.search.individual import Evaluate
from evolve.search.space import Space


@dataclass(frozen=True)
class SearchProblem:
    """Everything that does not change during a search.

    Attributes:
        space: the programs that may be written.
        evaluate: programs -> scores.
        weights: of the objectives, as DEAP counts: positive for maximized, negative for minimized.
        population: individuals of an island.
        generations_per_epoch: between two migrations.
        proposers: weights by name; empty if an external proposer proposes alone.
        islands: number of populations.
        seed: of every random generator.
        start_from: programs evaluated first, a member of every island.
    """

    space: Space
    evaluate: Evaluate
    weights: tuple[float, ...]
    population: int
    generations_per_epoch: int
    proposers: Mapping[str, float]
    islands: int = 1
    seed: int = 0
    start_from: tuple[Program, ...] = ()

    @property
    def max_epoch_evaluations(self) -> int:
        """Evaluations of an epoch that no budget shortens."""
        return self.population * self.generations_per_epoch * self.islands
