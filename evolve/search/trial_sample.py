"""Evenly spaced sample of the feasible trials of a search."""

from __future__ import annotations

from collections.abc import Iterable

from dsl.analysis.program import Program
from evolve.search.individual import Individual

MAX_TRIALS = 500


class TrialSample:
    """Sample of the feasible trials, in their order, with equal distances.

    The distance doubles whenever the sample has more than 500 trials.
    """

    def __init__(self) -> None:
        self._programs: list[Program] = []
        self._stride, self._count = 1, 0

    def add(self, trials: Iterable[Individual]) -> None:
        """Add trials in order."""
        for each in trials:
            if not each.scores.is_feasible:
                continue
            if self._count % self._stride == 0:
                self._programs.append(each.program)
            self._count += 1
            if len(self._programs) > MAX_TRIALS:
                del self._programs[1::2]
                self._stride *= 2

    @property
    def programs(self) -> tuple[Program, ...]:
        """Programs of the sample, in the order of their trials."""
        return tuple(self._programs)
