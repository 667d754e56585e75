"""Deadlines of calls, counted in evaluations at the rates that a run measures."""

from __future__ import annotations

MIN_SECONDS = 120.0  # a worker may compile its kernels in its first call
SLOWNESS = 10.0  # a call may take this multiple of its time at the slowest rate
UNMEASURED_RATE = 20.0  # evaluations per second, before the first call is complete


class Deadlines:
    """Slowest rate of a run, and the deadlines that follow from it."""

    def __init__(self) -> None:
        self._slowest: float | None = None

    def record(self, evaluations: int, seconds: float) -> None:
        """Record a complete call."""
        if evaluations > 0 and seconds > 0:
            rate = evaluations / seconds
            self._slowest = rate if self._slowest is None else min(self._slowest, rate)

    def compute_seconds(self, evaluations: int) -> float:
        """Return the time in seconds after which a call runs again on another worker."""
        if self._slowest is None:
            return max(MIN_SECONDS, evaluations / UNMEASURED_RATE)
        return max(MIN_SECONDS, SLOWNESS * evaluations / self._slowest)
