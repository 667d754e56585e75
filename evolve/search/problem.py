"""Problem that a search solves: its space, its evaluation and its populations."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from dsl.analysis.program import Program
from evolve.search.individual import Evaluate
from evolve.search.options import DEFAULT_OPTIONS, SearchOptions
from evolve.search.space import Space


@dataclass(frozen=True)
class SearchProblem:
    """Constants of a search.

    Attributes:
        space: the programs that may be written.
        evaluate: returns the scores of programs.
        weights: of the objectives, as in DEAP: positive to maximize, negative to minimize.
        population: number of individuals on an island.
        generations_per_epoch: number of generations between two migrations.
        proposers: weights by name; empty if only an external proposer proposes.
        islands: number of populations.
        seed: seed of all random generators.
        start_from: programs evaluated first, which join every island if they are feasible.
        options: what the search adds to a plain genetic algorithm.
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
    options: SearchOptions = DEFAULT_OPTIONS

    @property
    def max_epoch_evaluations(self) -> int:
        """Number of evaluations of an epoch that the budget does not shorten."""
        return self.population * self.generations_per_epoch * self.islands
