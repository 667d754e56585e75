"""Luck of an experiment: the scores that its search reaches on shuffled prices."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from evolve.experiment.null_test import NullTester
from evolve.experiment.plan import LoadedData, Plan
from evolve.experiment.recipe import build_recipe
from evolve.experiment.repeated_search import JobRunner, open_runner
from evolve.notices import NoticeLog
from evolve.stop import Stop
from evolve.validation.ledger import Ledger, ledger_path
from evolve.validation.null_run import NullRun
from evolve.validation.null_search import NullResult
from evolve.validation.run_ledger import RunLedger, RunRecord


def measure_luck(
    plan: Plan, notices: NoticeLog, stop: Stop, progress: Callable[[NullRun], None]
) -> NullRun | None:
    """Run the null searches of an experiment in full, without a search on the real prices.

    A later run of the experiment with as many trials reuses them from the ledger.

    Args:
        plan: the experiment; `validate.null_runs` is the number of searches.
        notices: receives notices about the data.
        stop: once set, ends the searches.
        progress: called with the null run after each search.

    Returns:
        The null run; None if it was interrupted before the first search ended.

    Raises:
        EvolveError: if the data or the ledger cannot be read.
    """
    data = plan.load(notices)
    run: NullRun | None = None
    with open_runner(plan.experiment.workers, notices, stop) as runner:
        for run in _iterate_luck(plan, data, runner):
            progress(run)
    return run


def run_nulls(
    plan: Plan, data: LoadedData, runner: JobRunner, progress: Callable[[NullRun], None]
) -> tuple[NullResult, ...]:
    """Run the null searches of an experiment in full, before its own search.

    Args:
        plan: the experiment.
        data: its data.
        runner: runs the searches.
        progress: called with the null run after each search.

    Returns:
        The results; none if they were interrupted.

    Raises:
        EvolveError: if the ledger cannot be used.
    """
    run: NullRun | None = None
    for run in _iterate_luck(plan, data, runner):
        progress(run)
    return () if run is None or len(run.results) < run.planned else run.results


def _iterate_luck(plan: Plan, data: LoadedData, runner: JobRunner) -> Iterator[NullRun]:
    """Yield the null run after each search with the full budget of an experiment.

    Raises:
        EvolveError: if the ledger cannot be used.
    """
    settings = plan.experiment
    record = RunRecord(
        data.split.train.hash, build_recipe(plan, data), settings.seed,
        settings.budget.evaluations, 0.0, (),
    )  # fmt: skip
    ledger = Ledger(ledger_path())
    ledger.verify()
    source = runner.build_source(plan, data)
    tester = NullTester(record, source, data, RunLedger(ledger), runner)
    yield from tester.iterate_luck(settings.validation.max_null_runs)
