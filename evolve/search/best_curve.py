"""Best score so far at round numbers of trials."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from evolve.search.individual import Individual

STEPS = (1, 2, 5)
FIRST_COUNT = 100


class CurvePoint(NamedTuple):
    """Best score after a number of trials; None if no trial was feasible."""

    trials: int
    best: float | None


def read_best(curve: Sequence[CurvePoint], trials: int) -> float | None:
    """Return the best score of a curve after a number of trials; None if there is none yet."""
    return next((each.best for each in reversed(curve) if each.trials <= trials), None)


class BestCurve:
    """Curve of the best score of feasible trials, at 100, 200, 500, 1,000, 2,000 and so on."""

    def __init__(self) -> None:
        self._points: list[CurvePoint] = []
        self._counts = _iterate_counts()
        self._next = next(self._counts)
        self._trials = 0
        self._best: float | None = None

    def save(self) -> dict[str, Any]:
        """Return its state as JSON."""
        return {"points": self._points, "trials": self._trials, "best": self._best}

    @classmethod
    def restore(cls, saved: Mapping[str, Any]) -> BestCurve:
        """Restore a curve from its saved state."""
        curve = cls()
        curve._points = [CurvePoint(*each) for each in saved["points"]]
        curve._trials, curve._best = saved["trials"], saved["best"]
        while curve._next <= curve._trials:
            curve._next = next(curve._counts)
        return curve

    def add(self, trials: Iterable[Individual]) -> None:
        """Add trials in order."""
        for each in trials:
            self._trials += 1
            if each.scores.is_feasible and (self._best is None or each.score > self._best):
                self._best = each.score
            if self._trials == self._next:
                self._points.append(CurvePoint(self._trials, self._best))
                self._next = next(self._counts)

    @property
    def points(self) -> tuple[CurvePoint, ...]:
        """Points so far, the last one at the current number of trials."""
        last = CurvePoint(self._trials, self._best)
        return (*[each for each in self._points if each != last], last)


def _iterate_counts() -> Iterator[int]:
    scale = FIRST_COUNT
    while True:
        yield from (scale * step for step in STEPS)
        scale *= 10
