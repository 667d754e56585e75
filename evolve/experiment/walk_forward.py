"""Walk-forward of an experiment on its train and validation bars."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import asdict, dataclass, replace

from dsl.printing.decompile import format_program
from evolve.config.validate import WalkForward as WalkForwardSettings
from evolve.experiment.assessed import clean_metrics
from evolve.experiment.plan import LoadedData, Plan
from evolve.experiment.repeated_search import (
    JobRunner,
    check_repeatable,
    identify_problem,
)
from evolve.validation.walk_forward import (
    WalkForward,
    WalkJob,
    Window,
    WindowResult,
    cut_windows,
    hold,
    stitch,
    trade_window,
)

ISO_DAY = 10  # characters


@dataclass(frozen=True)
class WalkForwardTest:
    """Walk-forward of an experiment.

    Attributes:
        plan: the experiment.
        data: its data.
        settings: the windows.
        runner: runs the searches.
    """

    plan: Plan
    data: LoadedData
    settings: WalkForwardSettings
    runner: JobRunner

    def iterate(self) -> Iterator[WalkForward]:
        """Yield the walk-forward after each window.

        Each search has the seed and the budget of the experiment, without its minutes, so that the
        result does not depend on the machine. Whether opens are traded is measured on all bars
        before the holdout, as in a run.

        Raises:
            EvolveError: if there are too few bars, or no genetic search.
        """
        experiment = self.plan.experiment
        check_repeatable(self.plan)
        bars = self.data.split.seen
        windows = cut_windows(len(bars), self.settings.windows, self.settings.anchored)
        budget = replace(experiment.budget.budget(), minutes=None)
        job = WalkJob(self.runner.build_source(self.plan, self.data), windows, budget)
        detail = {"budget": asdict(budget), "windows": [asdict(each) for each in windows]}
        problem = identify_problem("walk_forward", self.plan, self.data, detail)
        store = self.runner.find_store(problem, job.form)
        capital = self.data.market.capital
        results: tuple[WindowResult, ...] = ()
        with closing(self.runner.iterate(job, range(len(windows)), store)) as searches:
            for search in searches:
                result = trade_window(search, bars, self.data.market, capital)
                results, capital = (*results, result), float(result.performance.equity[-1])
                yield self._join(windows, results)

    def _join(self, windows: tuple[Window, ...], results: tuple[WindowResult, ...]) -> WalkForward:
        bars, end = self.data.split.seen, windows[len(results) - 1].end
        holding = hold(bars, self.data.market, windows[0].begin, end)
        return WalkForward(
            self.plan.experiment.fitness.maximize[0],
            len(windows),
            self.settings.anchored,
            len(self.plan.start_from),
            bars.time,
            results,
            stitch([each.performance for each in results], holding),
            holding,
        )


def describe_walk_forward(walk: WalkForward) -> dict[str, object]:
    """Describe a walk-forward for JSON."""
    return {
        "metric": walk.metric,
        "windows": walk.planned,
        "anchored": walk.anchored,
        "is_complete": walk.is_complete,
        "trials": walk.trials,
        "start_from": walk.starts,
        "efficiency": walk.efficiency,
        "spread": walk.spread,
        "metrics": clean_metrics(walk.metrics),
        "benchmark": clean_metrics(walk.benchmark_metrics),
        "results": [_describe_window(walk, each) for each in walk.results],
    }


def list_days(walk: WalkForward, window: Window) -> tuple[str, str, str, str]:
    """Return the first and last day of the search, and those of the window, as ISO dates."""
    bars = (window.first, window.begin - 1, window.begin, window.end - 1)
    first, last, begin, end = (str(walk.time[bar])[:ISO_DAY] for bar in bars)
    return first, last, begin, end


def _describe_window(walk: WalkForward, result: WindowResult) -> dict[str, object]:
    first, last, begin, end = list_days(walk, result.search.window)
    document: dict[str, object] = {
        "searched": [first, last],
        "traded": [begin, end],
        "trials": result.search.evaluated,
    }
    winner = result.search.winner
    if winner is not None and result.inside is not None and result.outside is not None:
        document |= {
            "source": format_program(winner),
            "in_sample": clean_metrics(result.inside.metrics),
            "out_of_sample": clean_metrics(result.outside.metrics),
            "benchmark": clean_metrics(result.outside.benchmark_metrics),
        }
    return document
