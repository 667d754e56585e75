"""Deadlines of computations, which follow from the slowest rate of evaluations so far."""

from __future__ import annotations

import math

SLOWNESS = 10.0  # a computation may take this multiple of its time at the slowest rate


class Deadlines:
    """Deadlines of the computations of a run, counted in evaluations.

    The speed of a machine and of the data is unknown before the first result.
    """

    def __init__(self, min_seconds: float, first_rate: float = 0.0) -> None:
        """Create deadlines.

        Args:
            min_seconds: the least time that is allowed, in seconds.
            first_rate: evaluations per second before a result; 0 for no deadline before it.
        """
        self._min_seconds, self._first_rate = min_seconds, first_rate
        self._seconds_per_evaluation = 0.0

    def record(self, evaluations: int, seconds: float) -> None:
        """Record the evaluations and the duration of a result."""
        if evaluations > 0:
            rate = seconds / evaluations
            self._seconds_per_evaluation = max(self._seconds_per_evaluation, rate)

    def compute_seconds(self, evaluations: int) -> float:
        """Return the seconds that a number of evaluations may take; infinite for no deadline."""
        if self._seconds_per_evaluation:
            allowed = SLOWNESS * self._seconds_per_evaluation * evaluations
        else:
            allowed = evaluations / self._first_rate if self._first_rate else math.inf
        return max(self._min_seconds, allowed)
