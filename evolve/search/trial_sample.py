"""Evenly spaced sample of the feasible trials of a search."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from dsl.analysis.program import Program
from evolve.search.individual import Individual
from evolve.search.trial_index import TrialIndex

MAX_TRIALS = 500


class TrialSample:
    """Sample of the feasible trials, in their order, with equal distances.

    The distance doubles whenever the sample has more than 500 trials.
    """

    def __init__(self) -> None:
        self._programs: list[Program] = []
        self._stride, self._count = 1, 0

    def save(self, index: TrialIndex) -> dict[str, Any]:
        """Return its state as JSON, with the numbers of the trials."""
        numbers = [index.find_number(each.key) for each in self._programs]
        return {"trials": numbers, "stride": self._stride, "count": self._count}

    @classmethod
    def restore(cls, saved: Mapping[str, Any], trials: Mapping[int, Individual]) -> TrialSample:
        """Restore a sample from its saved state.

        Args:
            saved: the state.
            trials: its trials by number.
        """
        sample = cls()
        sample._programs = [trials[number].program for number in saved["trials"]]
        sample._stride, sample._count = saved["stride"], saved["count"]
        return sample

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
