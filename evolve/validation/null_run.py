"""Null run: null searches in order, until their number or their scores decide.

Source of the sequential p-value: Besag and Clifford, "Sequential Monte Carlo p-values" (1991).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from statistics import fmean, stdev
from typing import ClassVar

from evolve.jobs.form import ResultForm
from evolve.search.best_curve import CurvePoint
from evolve.validation.leads import Lead, build_scores, measure_leads
from evolve.validation.null_search import BuildMarket, NullResult, NullSearcher, OpenProposer
from evolve.validation.permutation import permute
from evolve.validation.problem_source import ProblemSource

LEVEL = 0.05  # of the null gate
MIN_SEARCHES = 4


@dataclass(frozen=True)
class NullRun:
    """Null searches beside the real search.

    Attributes:
        score: best score of the real search.
        trials: number of trials of each search.
        planned: maximum number of null searches.
        results: results in the order of their numbers.
        curve: best score so far of a real search that could end by its lead; empty for other ones.
    """

    score: float
    trials: int
    planned: int
    results: tuple[NullResult, ...] = ()
    curve: tuple[CurvePoint, ...] = ()

    @cached_property
    def leads(self) -> tuple[Lead, ...]:
        """Leads of the real search and of the null searches, in order; empty without a curve."""
        if not self.curve or not self.results:
            return ()
        counts = [each.trials for each in self.results[0].curve]
        curves = [self.curve, *(each.curve for each in self.results)]
        return tuple(measure_leads(build_scores(curves, counts), counts))

    @property
    def exceedances(self) -> int:
        """Number of null searches that did as well: in their lead, or else in their best score."""
        if self.leads:
            real, *others = self.leads
            return sum(each.largest >= real.largest for each in others)
        return sum(each.is_at_least(self.score) for each in self.results)

    @property
    def allowed(self) -> int:
        """Maximum number of exceedances with a p-value of at most 0.05; -1 if there is none."""
        return int(LEVEL * (self.planned + 1) + 1e-9) - 1

    @property
    def p_value(self) -> float:
        """Share of the searches, with the real one, that score at least as well."""
        return (1 + self.exceedances) / (1 + len(self.results))

    @property
    def is_complete(self) -> bool:
        """True if no further search can change the decision; each one changes all leads."""
        count = len(self.results)
        if self.curve:
            return count >= self.planned
        is_decided = self.exceedances > max(self.allowed, 0) and count >= MIN_SEARCHES
        return count >= self.planned or is_decided

    @property
    def bests(self) -> tuple[float, ...]:
        """Best scores of the null searches that have one."""
        return tuple(each.best for each in self.results if each.best is not None)

    def list_bests_after(self, trials: int) -> list[float]:
        """Return the best scores after a number of trials, of the searches that have one.

        A search that ended early counts with its last score, a lower bound.
        """
        bests = [each.read_best(trials) for each in self.results]
        return [each for each in bests if each is not None]

    @property
    def mean(self) -> float | None:
        """Mean of the best scores; None if no null search has one."""
        return fmean(self.bests) if self.bests else None

    @property
    def deviation(self) -> float | None:
        """Sample standard deviation of the best scores; None for fewer than two."""
        return stdev(self.bests) if len(self.bests) > 1 else None

    @property
    def threshold(self) -> float | None:
        """Score that the real search had to exceed; None without enough null searches.

        It is a lower bound if the null run ended early. If leads decide, there is none.
        """
        if self.curve:
            return None
        rank = max(self.allowed, 0)
        ordered = sorted(self.bests, reverse=True)
        return ordered[rank] if rank < len(ordered) else None


@dataclass(frozen=True)
class NullJob:
    """Null searches to run.

    Attributes:
        source: source of the problem of the real search.
        trials: number of trials of each search.
        target: a score that ends a search; None for none.
        open_proposer: opens a proposer on permuted bars; None for none. It needs this process.
        build: builds the market of a search.
    """

    source: ProblemSource
    trials: int
    target: float | None = None
    open_proposer: OpenProposer | None = None
    build: BuildMarket = permute
    form: ClassVar[ResultForm[NullResult]] = ResultForm(NullResult)

    @property
    def evaluations(self) -> int:
        """Maximum number of evaluations of a search."""
        return self.trials

    def count_evaluations(self, result: NullResult) -> int:
        """Return the number of trials of a search."""
        return result.evaluated

    def open(self, is_stopped: Callable[[], bool]) -> Callable[[int], NullResult | None]:
        """Return the function that runs the search of a number; see `Job`."""
        problem = self.source.open().problem
        searcher = NullSearcher(problem, is_stopped, self.open_proposer, self.build)
        return lambda number: searcher.run(number, self.trials, self.target)
