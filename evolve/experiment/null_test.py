"""Null test of an experiment: searches on permuted bars, and the runs on the same data."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from dsl.diagnostics import LanguageError
from evolve.errors import EvolveError
from evolve.experiment.plan import LoadedData, build_problem
from evolve.experiment.recipe import is_current, open_recipe
from evolve.experiment.repeated_search import JobRunner
from evolve.validation.family import FamilyTest, ScoreRow, compute_family_test
from evolve.validation.leads import convert_to_normal
from evolve.validation.null_run import LEVEL, NullJob, NullRun
from evolve.validation.null_search import NullResult, OpenProposer
from evolve.validation.null_store import NullStore
from evolve.validation.problem_source import LocalProblem, ProblemSource
from evolve.validation.run_ledger import RunLedger, RunRecord


@dataclass(frozen=True)
class NullTester:
    """Runner of the null test of a run.

    Attributes:
        record: the run in the ledger.
        source: source of the problem of its search.
        data: its data.
        ledger: the ledger, which has the results of earlier null searches.
        runner: runs the null searches.
        open_proposer: opens a proposer on permuted bars, in this process; None for genetic
            operators alone.
        uncounted: number of runs without null scores: on other bars with prices in common, or
            killed during the search.
    """

    record: RunRecord
    source: ProblemSource
    data: LoadedData
    ledger: RunLedger
    runner: JobRunner
    open_proposer: OpenProposer | None = None
    uncounted: int = 0

    def iterate(self, planned: int) -> Iterator[NullRun]:
        """Yield the null run after each search, until it is complete or interrupted.

        Args:
            planned: maximum number of null searches.
        """
        record = self.record
        run = NullRun(record.score, record.trials, planned, curve=record.curve)
        for result in self._search(self.record, self._job, range(1, planned + 1)):
            run = replace(run, results=(*run.results, result))
            yield run
            if run.is_complete:
                return

    def iterate_luck(self, planned: int) -> Iterator[NullRun]:
        """Yield the null run after each complete search, without a real search."""
        run = NullRun(math.inf, self.record.trials, planned)
        job = replace(self._job, target=None)
        for result in self._search(self.record, job, range(1, planned + 1)):
            run = replace(run, results=(*run.results, result))
            yield run

    def test_family(self, run: NullRun, progress: Callable[[int, int], None]) -> FamilyTest | None:
        """Return the test among all runs on the same data; None if it was interrupted.

        If the run alone does not pass, earlier runs cannot change that, and no search is repeated.

        Args:
            run: its null run.
            progress: called with the number of the earlier run that is checked, and their count.
        """
        others = [each for each in self.ledger.list_runs(self.record.data) if each != self.record]
        if run.p_value > LEVEL:
            family = compute_family_test(_build_row(self.record, run.results))
            return replace(family, runs=1 + len(others) + self.uncounted)
        results: Sequence[NullResult] = run.results
        if any(each.reached for each in results):  # their scores are lower bounds
            results = self._complete(self.record, replace(self._job, target=None), len(results))
        rows, unknown = [_build_row(self.record, results)], self.uncounted
        for index, other in enumerate(others, start=1):
            progress(index, len(others))
            job = self._read_job(other)
            if job is None:
                unknown += 1
            else:
                rows.append(_build_row(other, self._complete(other, job, len(run.results))))
        if any(len(each.nulls) < len(run.results) for each in rows):
            return None
        return compute_family_test(rows[0], rows[1:], unknown)

    @property
    def _job(self) -> NullJob:
        record = self.record
        target = None if record.curve else record.score  # a lead depends on complete searches
        return NullJob(self.source, record.trials, target, self.open_proposer)

    def _read_job(self, other: RunRecord) -> NullJob | None:
        """Return the null searches of an earlier run; None if they cannot be repeated."""
        if not is_current(other.recipe):
            return None
        try:
            with open_recipe(other.recipe, other.seed) as plan:
                closes_only = tuple(other.recipe["closes_only"])
                train = replace(self.data.split.train, closes_only=closes_only)
                split = replace(self.data.split, train=train)
                data = LoadedData(self.data.dataset, split, plan.experiment.backtest.market())
                return NullJob(LocalProblem(build_problem(plan, data), split.seen), other.trials)
        except (EvolveError, LanguageError):
            return None

    def _complete(self, record: RunRecord, job: NullJob, count: int) -> list[NullResult]:
        """Return the results of the first null searches; fewer if they were interrupted."""
        return list(self._search(record, job, range(1, count + 1)))

    def _search(
        self, record: RunRecord, job: NullJob, numbers: Sequence[int]
    ) -> Iterator[NullResult]:
        """Yield results of null searches, from the ledger if it has them."""
        runner = self.runner if job.open_proposer is None else self.runner.stay_here()
        yield from runner.iterate(job, numbers, NullStore(self.ledger, record, job.target))


def _build_row(record: RunRecord, results: Sequence[NullResult]) -> ScoreRow:
    """Return the scores of a run and of its null searches: those of its leads if it has a curve."""
    run = NullRun(record.score, record.trials, len(results), tuple(results), record.curve)
    if run.leads:
        real, *others = convert_to_normal([each.largest for each in run.leads])
        return ScoreRow(real, tuple(others))
    nulls = tuple(-math.inf if each.best is None else each.best for each in results)
    return ScoreRow(record.score, nulls)
