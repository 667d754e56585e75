"""Null test of an experiment: searches on permuted bars, and the runs on the same data."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from evolve.experiment.plan import LoadedData, build_problem
from evolve.experiment.recipe import is_current, open_recipe
from evolve.notices import NoticeLog
from evolve.parallel import count_worthwhile_processes
from evolve.search.problem import SearchProblem
from evolve.stop import Stop
from evolve.validation.family import FamilyTest, ScoreRow, compute_family_test
from evolve.validation.null_run import LEVEL, NullJob, NullRun, run_null_searches
from evolve.validation.null_search import NullResult, OpenProposer
from evolve.validation.run_ledger import RunLedger, RunRecord


@dataclass(frozen=True)
class NullTester:
    """Runner of the null test of a run.

    Attributes:
        record: the run in the ledger.
        problem: the problem of its search.
        data: its data.
        ledger: the ledger, which has the results of earlier null searches.
        processes: number of worker processes; None for as many as are worth their start.
        log: receives notices.
        stop: once set, ends the test.
        open_proposer: opens a proposer on permuted bars; None for genetic operators alone.
    """

    record: RunRecord
    problem: SearchProblem
    data: LoadedData
    ledger: RunLedger
    processes: int | None
    log: NoticeLog
    stop: Stop
    open_proposer: OpenProposer | None = None

    def iterate(self, planned: int) -> Iterator[NullRun]:
        """Yield the null run after each search, until it is complete or interrupted.

        Args:
            planned: maximum number of null searches.
        """
        run = NullRun(self.record.score, self.record.trials, planned)
        job = NullJob(self.problem, self.record.trials, self.record.score, self.open_proposer)
        for result in self._search(self.record, job, range(1, planned + 1)):
            run = replace(run, results=(*run.results, result))
            yield run
            if run.is_complete:
                return

    def iterate_luck(self, planned: int) -> Iterator[NullRun]:
        """Yield the null run after each complete search, without a real search."""
        run = NullRun(math.inf, self.record.trials, planned)
        job = NullJob(self.problem, self.record.trials, None, self.open_proposer)
        for result in self._search(self.record, job, range(1, planned + 1)):
            run = replace(run, results=(*run.results, result))
            yield run

    def test_family(self, run: NullRun, progress: Callable[[int, int], None]) -> FamilyTest | None:
        """Return the test among all runs on the same data; None if it was interrupted.

        If the run alone does not pass, earlier runs cannot change that, and no search runs. If
        it passes, searches that ended at its score are completed, so that all rows have the same
        distribution.

        Args:
            run: its null run.
            progress: called with the number of the earlier run that is checked, and their count.
        """
        numbers = range(1, len(run.results) + 1)
        others = [each for each in self.ledger.list_runs(self.record.data) if each != self.record]
        if run.p_value > LEVEL:
            tested = ScoreRow(run.score, tuple(_score(each) for each in run.results))
            family = compute_family_test(tested)
            return replace(family, runs=1 + len(others))
        rows, unknown = [], 0
        for index, other in enumerate(others, start=1):
            progress(index, len(others))
            if not is_current(other.recipe):
                unknown += 1
                continue
            nulls = self._complete(other, numbers)
            if nulls is None:
                return None
            rows.append(ScoreRow(other.score, nulls))
        job = NullJob(self.problem, self.record.trials, None, self.open_proposer)
        nulls = self._list_scores(self.record, job, numbers)
        if nulls is None:
            return None
        return compute_family_test(ScoreRow(run.score, nulls), rows, unknown)

    def _complete(self, other: RunRecord, numbers: Sequence[int]) -> tuple[float, ...] | None:
        """Return the null scores of an earlier run; None if the search was interrupted."""
        with open_recipe(other.recipe, other.seed) as plan:
            train = replace(self.data.split.train, closes_only=tuple(other.recipe["closes_only"]))
            split = replace(self.data.split, train=train)
            data = LoadedData(self.data.dataset, split, plan.experiment.backtest.market())
            job = NullJob(build_problem(plan, data), other.trials)
            return self._list_scores(other, job, numbers)

    def _list_scores(
        self, record: RunRecord, job: NullJob, numbers: Sequence[int]
    ) -> tuple[float, ...] | None:
        """Return the scores of null searches; None if they were interrupted."""
        scores = tuple(_score(each) for each in self._search(record, job, numbers))
        return scores if len(scores) == len(numbers) else None

    def _search(
        self, record: RunRecord, job: NullJob, numbers: Sequence[int]
    ) -> Iterator[NullResult]:
        """Yield results of null searches, from the ledger if it has them."""
        known = {
            number: result
            for number, result in self.ledger.read_nulls(record).items()
            if not result.reached or (job.target is not None and result.is_at_least(job.target))
        }
        processes = self.processes
        if job.open_proposer is not None:
            processes = 1
        elif processes is None:
            missing = [number for number in numbers if number not in known]
            processes = count_worthwhile_processes(len(missing), len(missing) * job.trials)
        for result in run_null_searches(job, numbers, known, processes, self.log, self.stop):
            if result.number not in known:
                self.ledger.record_null(record, result)
            yield result


def _score(result: NullResult) -> float:
    return -math.inf if result.best is None else result.best
