"""Runs of `verdict.py`, each on a synthetic market with a separate ledger."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from unittest.mock import patch

import numpy as np
from verdict_markets import draw_market

from dsl.bars import Bars
from dsl.evaluate.jit import kernel_cache_dir
from evolve.backtest.backtest import backtest
from evolve.data.tables.frames import bars_to_frame
from evolve.experiment.null_test import NullTester
from evolve.experiment.plan import LoadedData, Plan, build_problem, read_plan
from evolve.experiment.repeated_search import JobRunner
from evolve.experiment.result import Run
from evolve.experiment.run import run
from evolve.notices import NoticeList
from evolve.search.problem import SearchProblem
from evolve.stop import Stop
from evolve.validation.family import pivot_p_value
from evolve.validation.holdout import appraisal_returns, assess_holdout
from evolve.validation.ledger import Ledger, ledger_path
from evolve.validation.null_run import LEVEL, NullRun
from evolve.validation.run_ledger import RunLedger
from evolve.validation.sharpe import measure_moments, probabilistic_sharpe
from evolve.validation.verdict import PASS

COSTS = {
    "none": "{commission_bps: 0.01, slippage_bps: 0, borrow_bps: 0}",  # the verdict requires some
    "default": "{}",
}
EXPERIMENT = """
name: trial
seed: {seed}
data: {{from: "parquet:market.parquet"}}
backtest: {costs}
search: {{islands: 1, population: {population}, generations_per_epoch: 2}}
budget: {{evaluations: {evaluations}, stale_epochs: {stale_epochs}}}
validate: {{null_runs: {nulls}}}
workers: 1
"""


HOLDOUT_START = 0.8  # fraction of the bars
SCORED_BARS = "evolve.experiment.plan._select_scored_bars"


@dataclass(frozen=True)
class Setting:
    """Setting of the runs.

    Attributes:
        evaluations: budget of each search.
        population: strategies of its population.
        stale_epochs: epochs without a better score that end it; None for no limit.
        nulls: maximum number of null searches.
        bars: bars of a market, of which 60 % are train and 20 % holdout.
        overnight: share of the variance between a close and the next open.
        costs: `none`, which is 0.01 bps of commission, or `default`.
        phi: autocorrelation of the returns of `ar`.
    """

    evaluations: int = 500
    population: int = 50
    stale_epochs: int | None = None
    nulls: int = 39
    bars: int = 5_000
    overnight: float = 0.3
    costs: str = "none"
    phi: float = 0.2


@dataclass(frozen=True)
class Trial:
    """Run on one market.

    Attributes:
        run: the run.
        null: all its null searches, each complete; None if no strategy was feasible.
    """

    run: Run
    null: NullRun | None

    @property
    def p_value(self) -> float:
        """P-value of all null searches; 1 if no strategy was feasible."""
        return 1.0 if self.null is None else self.null.p_value

    @property
    def pivot(self) -> float:
        """P-value of the Gumbel pivot; 1 if there is none."""
        if self.null is None:
            return 1.0
        pivot = pivot_p_value(self.null.score, np.array(self.null.bests))
        return 1.0 if pivot is None else pivot

    @property
    def passed_null(self) -> bool:
        """True if the null gate of the run passed."""
        return any(each.name == "null" and each.passed for each in self.run.verdict.gates)

    @property
    def psr(self) -> float:
        """Probabilistic Sharpe ratio of the winner on train, as if it were the only trial."""
        if self.run.best is None:
            return 0.0
        returns = appraisal_returns(self.run.best.train.performance)
        return probabilistic_sharpe(measure_moments(returns))


Fault = Callable[[Plan], AbstractContextManager[object]]
"""Plants a fault for the duration of a run."""


@contextmanager
def open_market(bars: Bars, setting: Setting) -> Iterator[Callable[[int], Plan]]:
    """Yield a function that returns the plan of a search seed, on bars with a separate ledger."""
    with TemporaryDirectory(prefix="verdict-") as name:
        folder = Path(name)
        bars_to_frame(bars).to_parquet(folder / "market.parquet")

        def prepare(seed: int) -> Plan:
            path = folder / f"{seed}.yaml"
            stale = "null" if setting.stale_epochs is None else setting.stale_epochs
            values = vars(setting) | {"stale_epochs": stale, "costs": COSTS[setting.costs]}
            path.write_text(EXPERIMENT.format(seed=seed, **values), "utf-8")
            return read_plan(path)

        kernels = str(kernel_cache_dir())
        with patch.dict("os.environ", EVOLVE_HOME=str(folder), NUMBA_CACHE_DIR=kernels):
            yield prepare


def run_plan(plan: Plan) -> Run:
    """Run a plan in a folder that is deleted."""
    with TemporaryDirectory(prefix="verdict-") as folder:
        return run(plan, out=Path(folder) / "run")


def complete(plan: Plan, finished: Run) -> NullRun | None:
    """Return all null searches of a run, each complete; None if no strategy was feasible.

    A run stops its null searches as soon as the decision is certain. Their complete number gives a
    p-value of known distribution. The ledger provides the searches that the run completed.
    """
    ledger = RunLedger(Ledger(ledger_path()))
    records = ledger.list_runs(finished.split.train.hash)
    record = next((each for each in records if each.seed == plan.experiment.seed), None)
    if record is None:
        return None
    market = plan.experiment.backtest.market()
    data = LoadedData(finished.dataset, finished.split, market)
    runner = JobRunner(plan.experiment.workers, NoticeList(), Stop()).stay_here()
    tester = NullTester(record, runner.build_source(plan, data), data, ledger, runner)
    *_, null = tester.iterate_luck(plan.experiment.validation.max_null_runs)
    return replace(null, score=record.score)


def list_trials(
    name: str, seeds: range, setting: Setting, fault: Fault = lambda plan: nullcontext()
) -> Iterator[Trial]:
    """Yield a trial for each seed, and report the counts so far.

    Args:
        name: name of the markets.
        seeds: seeds of the markets and of their searches.
        setting: the setting.
        fault: plants a fault in each run and its null searches.
    """
    passed = discovered = 0
    options = {"overnight": setting.overnight, "phi": setting.phi}
    for count, seed in enumerate(seeds, start=1):
        bars = draw_market(name, setting.bars, seed, options)
        with open_market(bars, setting) as prepare, fault(prepare(seed)):
            plan = prepare(seed)
            finished = run_plan(plan)
            trial = Trial(finished, complete(plan, finished))
        discovered += trial.p_value <= LEVEL
        passed += trial.run.verdict.label == PASS
        print(f"{name}: p <= {LEVEL:g} in {discovered} of {count}, {PASS} in {passed}",
              file=sys.stderr, flush=True)  # fmt: skip
        yield trial


def peek_at_holdout(plan: Plan) -> AbstractContextManager[object]:
    """Score the search and its null searches on the holdout, after bars that warm it up."""
    bars = plan.load(NoticeList()).dataset.bars
    return patch(SCORED_BARS, return_value=(bars, round(HOLDOUT_START * len(bars))))


def peek_at_all_bars(plan: Plan) -> AbstractContextManager[object]:
    """Score the search and its null searches on train, validation and the holdout."""
    return patch(SCORED_BARS, return_value=(plan.load(NoticeList()).dataset.bars, 0))


def peek_in_search_alone(plan: Plan) -> AbstractContextManager[object]:
    """Score the search on the holdout, and its null searches on train."""

    def build(plan: Plan, data: LoadedData, mode: str = "mix") -> SearchProblem:
        with peek_at_holdout(plan):
            return build_problem(plan, data, mode)

    return patch("evolve.experiment.execute.build_problem", build)


def skip_check() -> AbstractContextManager[object]:
    """Accept a winner whose score on train differs from that of the search."""
    return patch("evolve.experiment.validate._is_reproduced", return_value=True)


def passes_holdout(finished: Run) -> bool:
    """Return whether the holdout alone would confirm the winner of a run."""
    if finished.best is None:
        return False
    bars, start = finished.dataset.bars, len(finished.split.seen)
    market = finished.experiment.backtest.market()
    return assess_holdout(backtest(finished.best.program, bars, market, start), 1).passed
