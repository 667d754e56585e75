"""Search over the constants of one strategy: pattern search from its values, with restarts.

Each distinct program that is scored is one trial. Pattern search compares a point with those that
differ in one constant (Hooke and Jeeves, "Direct Search Solution of Numerical and Statistical
Problems", 1961). The choice among the best points counts their neighbors, too, because a peak
without a plateau is rather luck.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from random import Random

from dsl.analysis.program import Program
from evolve.analysis.plateau import Neighbor, Plateau, Score
from evolve.analysis.tunable import TunableText
from evolve.stop import Stop

STRIDES = (1, 2, 4, 8)  # in steps of a constant
CANDIDATES = 12  # points whose neighbors are all scored
MAX_FAILED_RESTARTS = 4  # in a row; more trials would mostly add luck
RESTART_POINTS = 32
MOVE_SHARE = 0.5  # of the constants that a restart moves

Point = tuple[int, ...]


@dataclass(frozen=True)
class Variant:
    """Strategy with other values of its constants.

    Attributes:
        point: index of the value of each constant.
        program: the program; None if the values are not valid together.
        score: its score on train; -inf if it is infeasible or not valid.
    """

    point: Point
    program: Program | None
    score: float


@dataclass(frozen=True)
class Tuning:
    """Result of a search over the constants of a strategy.

    Attributes:
        text: the text, with its tunable constants.
        before: the strategy as it was.
        after: the chosen variant; `before` if no other one is better.
        variants: all distinct programs that were scored, in order, with `before`.
        plateau: scores of the chosen variant and its neighbors.
        is_complete: whether the search ended before a request to stop.
    """

    text: TunableText
    before: Variant
    after: Variant
    variants: tuple[Variant, ...]
    plateau: Plateau
    is_complete: bool

    @property
    def trials(self) -> int:
        """Number of distinct programs that were scored."""
        return len(self.variants)


@dataclass
class _Trials:
    """Variants that were scored, at most `budget` distinct programs."""

    text: TunableText
    score: Score
    budget: int
    stop: Stop
    by_point: dict[Point, Variant] = field(default_factory=dict)
    by_key: dict[bytes, Variant] = field(default_factory=dict)

    @property
    def is_over(self) -> bool:
        """Whether no further variant may be scored."""
        return self.stop.is_set or len(self.by_key) >= self.budget

    def evaluate(self, points: Iterable[Point]) -> list[Variant]:
        """Score points and return those that have a score, in order."""
        points = list(dict.fromkeys(points))
        new: dict[bytes, tuple[Point, Program]] = {}
        keys: dict[Point, bytes] = {}
        for point in points:
            if point in self.by_point:
                continue
            program = self.text.build(point)
            if program is None:
                self.by_point[point] = Variant(point, None, -math.inf)
                continue
            keys[point] = key = program.key
            if key in self.by_key or key in new:
                continue
            if not self.stop.is_set and len(self.by_key) + len(new) < self.budget:
                new[key] = point, program
        scores = self.score([program for _, program in new.values()]) if new else ()
        for (key, (point, program)), value in zip(new.items(), scores, strict=True):
            self.by_key[key] = Variant(point, program, float(value))
        for point, key in keys.items():
            if key in self.by_key:
                known = self.by_key[key]
                self.by_point[point] = Variant(point, known.program, known.score)
        return [self.by_point[point] for point in points if point in self.by_point]


def tune(
    text: TunableText, score: Score, max_evaluations: int, rng: Random, stop: Stop,
    progress: Callable[[int, float], None],
) -> Tuning:  # fmt: skip
    """Search for better values of the constants of a strategy.

    The search ends when restarts no longer find a better plateau, or at `max_evaluations`.

    Args:
        text: the text, with its tunable constants.
        score: scores on train.
        max_evaluations: maximum number of distinct programs that are scored, with the present one.
        rng: source of the restarts.
        stop: once set, ends the search.
        progress: called with the number of trials and the best score, after each climb.
    """
    trials = _Trials(text, score, max_evaluations, stop)
    (before,) = trials.evaluate([text.start])
    best, failed = before, 0
    _climb(trials, before)
    while True:
        found = _choose(trials, before)
        failed = 0 if found != best else failed + 1
        best = found
        progress(len(trials.by_key), best.score)
        if trials.is_over or failed > MAX_FAILED_RESTARTS:
            break
        _restart(trials, best, rng)
    plateau = _measure_plateau(trials, best)
    return Tuning(text, before, best, tuple(trials.by_key.values()), plateau, not stop.is_set)


def _climb(trials: _Trials, current: Variant) -> None:
    """Move to the best point that differs in one constant until none is better."""
    while not trials.is_over:
        points = _list_neighbors(trials.text, current.point, STRIDES)
        found = max(trials.evaluate(points), key=lambda each: each.score, default=current)
        if found.score <= current.score:
            return
        current = found


def _restart(trials: _Trials, best: Variant, rng: Random) -> None:
    """Start a climb at the best of some random points, which keep some values of the best."""
    sizes = [len(each.values) for each in trials.text.tunables]
    points = [
        tuple(
            rng.randrange(size) if rng.random() < MOVE_SHARE else index
            for index, size in zip(best.point, sizes, strict=True)
        )
        for _ in range(RESTART_POINTS)
    ]
    found = trials.evaluate(points)
    if found:
        _climb(trials, max(found, key=lambda each: each.score))


def _choose(trials: _Trials, before: Variant) -> Variant:
    """Return the point with the best plateau; the present one if none has a better score, too."""
    ranked = sorted(trials.by_key.values(), key=lambda each: -each.score)[:CANDIDATES]
    candidates = [each for each in ranked if each.score > before.score]
    for each in (before, *candidates):
        trials.evaluate(_list_neighbors(trials.text, each.point, (1,)))
    return max((before, *candidates), key=lambda each: _smooth(_measure_plateau(trials, each)))


def _smooth(plateau: Plateau) -> float:
    """Return the mean score of a variant and its neighbors.

    An infeasible neighbor counts as one that never trades, which scores 0, or as the variant itself
    if that is lower.
    """
    if not math.isfinite(plateau.score):
        return -math.inf
    lowest = min(0.0, plateau.score)
    scores = [max(each.score, lowest) for each in plateau.neighbors]
    return math.fsum([plateau.score, *scores]) / (1 + len(scores))


def _measure_plateau(trials: _Trials, variant: Variant) -> Plateau:
    """Return the plateau of a variant, of its neighbors of another meaning that have a score."""
    own = None if variant.program is None else variant.program.key
    seen = {own}
    neighbors: list[Neighbor] = []
    for point in _list_neighbors(trials.text, variant.point, (1,)):
        known = trials.by_point.get(point)
        if known is None or known.program is None or known.program.key in seen:
            continue
        seen.add(known.program.key)
        neighbors.append(Neighbor(_describe_step(trials.text, variant.point, point), known.score))
    return Plateau(variant.score, tuple(sorted(neighbors, key=lambda each: each.score)))


def _list_neighbors(text: TunableText, point: Point, strides: Sequence[int]) -> list[Point]:
    """Return the points that differ in one constant by some steps, the nearest first."""
    return [
        (*point[:axis], index, *point[axis + 1 :])
        for stride in strides
        for axis, tunable in enumerate(text.tunables)
        for index in (point[axis] - stride, point[axis] + stride)
        if 0 <= index < len(tunable.values)
    ]


def _describe_step(text: TunableText, point: Point, other: Point) -> str:
    axis = next(axis for axis, index in enumerate(point) if index != other[axis])
    tunable = text.tunables[axis]
    before, after = (tunable.format_value(each[axis]) for each in (point, other))
    return f"`{tunable.name}` from {before} to {after}"
