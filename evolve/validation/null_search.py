"""Null search: the search of an experiment on a market whose bars are permuted."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace

from dsl.analysis.program import Program
from dsl.bars import Bars
from dsl.gc_pause import pause_gc
from evolve.fitness.fitness import FoldFitness, Scores
from evolve.search.best_curve import BestCurve, CurvePoint, read_best
from evolve.search.external import ExternalProposer
from evolve.search.problem import SearchProblem
from evolve.search.progress import Budget
from evolve.search.search import search
from evolve.validation.permutation import permute

OpenProposer = Callable[[Bars, int], AbstractContextManager[ExternalProposer | None]]
"""Opens an external proposer for a search on the permuted bars of a number."""

BuildMarket = Callable[[Bars, int], Bars]
"""Builds the market of a number from the bars of the real search."""


@dataclass(frozen=True)
class NullResult:
    """Result of a null search.

    Attributes:
        number: number of the permutation, from 1.
        best: best score; None if no program was feasible.
        evaluated: number of trials.
        reached: whether the search ended early, at a score that reached the target.
        curve: best score so far at round numbers of trials.
    """

    number: int
    best: float | None
    evaluated: int
    reached: bool
    curve: tuple[CurvePoint, ...]

    def is_at_least(self, score: float) -> bool:
        """Return whether the best score is at least a score."""
        return self.best is not None and self.best >= score

    def read_best(self, trials: int) -> float | None:
        """Return the best score after a number of trials; None if there is none yet."""
        return read_best(self.curve, trials)


class NullSearcher:
    """Runner of null searches, one after another.

    The searches have one seed, so they begin with the same programs. The memory of the evaluator
    and the terms of the first search are reused, which changes no result.
    """

    def __init__(
        self,
        problem: SearchProblem,
        stop: Callable[[], bool] = lambda: False,
        open_proposer: OpenProposer | None = None,
        build: BuildMarket = permute,
    ) -> None:
        """
        Args:
            problem: the problem of the real search; its scorer is a `FoldFitness`.
            stop: returns whether to interrupt a search.
            open_proposer: opens a proposer on permuted bars; None for none.
            build: builds the market of a search.
        """
        self._open_proposer, self._build = open_proposer, build
        assert isinstance(problem.evaluate, FoldFitness)
        self._problem, self._bars, self._stop = problem, problem.evaluate.bars, stop
        self._fitness = problem.evaluate
        self._programs: list[Program] = []  # references keep interned terms from being collected

    def run(self, number: int, trials: int, target: float | None) -> NullResult | None:
        """Run one null search.

        Args:
            number: number of the permutation.
            trials: number of trials.
            target: a score that ends the search; None for none.

        Returns:
            The result; None if the search was interrupted.
        """
        bars = self._build(self._bars, number)
        self._fitness = self._fitness.with_bars(bars)
        scorer = _TargetScorer(self._fitness, target)
        problem = replace(self._problem, evaluate=scorer)
        opened = nullcontext() if self._open_proposer is None else self._open_proposer(bars, number)
        curve, is_first, last = BestCurve(), not self._programs, None
        with pause_gc(), opened as proposer:
            try:
                for last in search(problem, Budget(trials), external=proposer):
                    curve.add(last.trials)
                    if is_first:
                        self._programs.extend(each.program for each in last.trials)
                    if self._stop():
                        return None
            except _TargetReachedError as reached:
                # Two islands may propose one program, which is one trial.
                count = min(scorer.evaluated, trials)
                point = CurvePoint(count, reached.score)
                return NullResult(number, reached.score, count, True, (*curve.points, point))
        assert last is not None
        best = None if last.best is None else last.best.score
        return NullResult(number, best, last.evaluated, False, curve.points)


class _TargetReachedError(Exception):
    def __init__(self, score: float) -> None:
        super().__init__(score)
        self.score = score


class _TargetScorer:
    """Scorer that raises `_TargetReachedError` at the first feasible score that high."""

    def __init__(self, score: FoldFitness, target: float | None) -> None:
        self._score, self._target = score, target
        self.evaluated = 0

    def __call__(self, programs: Sequence[Program]) -> list[Scores]:
        scores = self._score(programs)
        self.evaluated += len(programs)
        if self._target is not None:
            reached = [each.values[0] for each in scores if each.is_feasible]
            if reached and max(reached) >= self._target:
                raise _TargetReachedError(max(reached))
        return scores
