"""Luck of an experiment: the scores that its search reaches on shuffled prices."""

from __future__ import annotations

from collections.abc import Callable

from evolve.experiment.null_test import NullTester
from evolve.experiment.plan import Plan
from evolve.experiment.recipe import build_recipe
from evolve.experiment.repeated_search import open_runner
from evolve.notices import NoticeLog
from evolve.stop import Stop
from evolve.validation.ledger import Ledger, ledger_path
from evolve.validation.null_run import NullRun
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
    settings = plan.experiment
    data = plan.load(notices)
    record = RunRecord(
        data.split.train.hash, build_recipe(plan, data), settings.seed,
        settings.budget.evaluations, 0.0, (),
    )  # fmt: skip
    ledger = Ledger(ledger_path())
    ledger.verify()
    run: NullRun | None = None
    with open_runner(settings.workers, notices, stop) as runner:
        source = runner.build_source(plan, data)
        tester = NullTester(record, source, data, RunLedger(ledger), runner)
        for run in tester.iterate_luck(settings.validation.max_null_runs):
            progress(run)
    return run
