"""Source of the problem of a job: this process, or what another machine builds it from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from dsl.bars import Bars
from evolve.fitness.fitness import FoldFitness
from evolve.search.problem import SearchProblem


@dataclass(frozen=True)
class LocalProblem:
    """Problem of a search, in this process and in those that it starts.

    Attributes:
        problem: the problem; its scorer is a `FoldFitness`.
        seen: bars of train and validation.
    """

    problem: SearchProblem
    seen: Bars

    @property
    def fitness(self) -> FoldFitness:
        """Scorer of the problem."""
        assert isinstance(self.problem.evaluate, FoldFitness)
        return self.problem.evaluate

    def open(self) -> LocalProblem:
        """Return the problem."""
        return self


class ProblemSource(Protocol):
    """Source of a problem."""

    def open(self) -> LocalProblem:
        """Build the problem."""
