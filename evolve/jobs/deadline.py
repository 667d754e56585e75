"""Deadline of jobs, which follows from the slowest rate of evaluations so far."""

from __future__ import annotations

import math

SLOWNESS = 10.0  # times the slowest rate so far
MIN_SECONDS = 60.0


class Deadline:
    """Deadline of the jobs of a pool.

    The first result sets it, since the speed of a machine and of the data is unknown before.
    """

    def __init__(self) -> None:
        self._seconds_per_evaluation = 0.0

    def add(self, evaluations: int, seconds: float) -> None:
        """Add the evaluations and the duration of a result."""
        rate = seconds / max(evaluations, 1)
        self._seconds_per_evaluation = max(self._seconds_per_evaluation, rate)

    def allow_seconds(self, evaluations: int) -> float:
        """Return the seconds that a number of evaluations may take; infinite before a result."""
        if not self._seconds_per_evaluation:
            return math.inf
        return max(MIN_SECONDS, SLOWNESS * self._seconds_per_evaluation * evaluations)
