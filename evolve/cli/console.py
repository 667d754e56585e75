"""Terminal output of a run: results on stdout, progress on stderr."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Any

from rich.text import Text

from evolve.cli.live import LiveDisplay
from evolve.cli.options import compiling_text
from evolve.cli.run_page import print_line, print_run
from evolve.cli.terminal import OutputConsole
from evolve.config import Experiment
from evolve.config.schema import Fitness
from evolve.data import Dataset, DataSplit
from evolve.experiment.assessed import Assessed
from evolve.experiment.observer import Observer
from evolve.experiment.result import Run
from evolve.fitness.objectives import OBJECTIVES
from evolve.llm.model_set import ModelSet
from evolve.llm.transport.model import UNNAMED
from evolve.llm.transport.usage import CallLimits, Cost
from evolve.report.formats import format_count, format_rate, format_value
from evolve.report.terminal.diagnostics import describe_progress
from evolve.report.terminal.hanging import Hanging
from evolve.report.terminal.progress import (
    LATELY_EPOCHS,
    RunProgress,
    SearchState,
    format_duration,
    list_progress,
)
from evolve.report.terminal.tables import metrics_table
from evolve.search.progress import Progress as SearchProgress
from evolve.validation.null_run import NullRun
from evolve.validation.power import Power
from evolve.validation.walk_forward import WalkForward


class ConsoleObserver(Observer):
    """Prints the events of a run: results on stdout, progress on stderr.

    Attributes:
        has_printed: whether the result of the run was printed.
        error: the first error of an output; None if there was none.
        folder: the run folder; None before it exists.
    """

    def __init__(
        self, quiet: bool = False, command: str = "", clock: Callable[[], float] = time.monotonic
    ) -> None:
        """
        Args:
            quiet: whether stdout is reserved for a document; everything goes to stderr then.
            command: the command line of a new run, for suggestions; if empty, the suggestions name
                the experiment in the run folder.
            clock: returns seconds, for the time left.
        """
        self.out = OutputConsole(stderr=quiet)
        self.err = OutputConsole(stderr=True)
        self.command = command
        self.has_printed = False
        self.error: Exception | None = None
        self.folder: Path | None = None
        self.evaluations = 0
        self.is_model_alone = False
        self._state = RunProgress()
        self._clock, self._searched_at, self._changed_at = clock, 0.0, clock()
        self._display = LiveDisplay(self.err, self._list_lines)

    def __enter__(self) -> ConsoleObserver:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._display.stop()

    def notice(self, text: str) -> None:
        self._print_line("note", text, "bold yellow")

    def data(self, dataset: Dataset) -> None:
        bars, requested = dataset.bars, ", ".join(dataset.requested)
        as_of = f", as of {dataset.as_of}" if dataset.as_of else ""
        fallback = f" (FALLBACK for {requested})" if dataset.fallback_used else ""
        symbols = f", {len(bars.symbols)} symbols" if len(bars.symbols) > 1 else ""
        text = (
            f"{dataset.name}{fallback}: {dataset.first_day} to {dataset.last_day}, "
            f"{len(bars):,} bars, {format_rate(bars.bars_per_year)} per year{symbols}{as_of}"
        )
        self._print_line("data", text, "bold yellow" if dataset.fallback_used else "bold")

    def split(self, split: DataSplit) -> None:
        seen = split.seen.time.astype("datetime64[D]")
        start = split.validation_start
        holdout = split.holdout
        sealed = f"holdout from {holdout.first_day} sealed ({holdout.bars:,})"
        text = Text.assemble(
            f"train {seen[0]} to {seen[start - 1]} ({start:,} bars), validation "
            f"{seen[start]} to {seen[-1]} ({len(seen) - start:,}), ",
            sealed if holdout.bars else ("no holdout", "bold yellow"),
        )
        self._print_line("split", text)

    def proposers(self, experiment: Experiment, models: ModelSet) -> None:
        self.evaluations = experiment.budget.evaluations
        self.is_model_alone = bool(models) and models.settings.mode == "only"
        budget = experiment.budget
        self._state = RunProgress(
            spent=Cost() if models else None,
            limits=CallLimits(budget.llm_calls, budget.llm_tokens, budget.llm_usd),
            planned_nulls=experiment.validation.max_null_runs,
        )
        self._print_line("score", describe_score(experiment.fitness))
        weights = experiment.search.weights
        total = sum(weights.values())
        shares = ", ".join(f"{name} {weight / total:.0%}" for name, weight in weights.items())
        genetic = f"genetic programming ({shares})"
        if not models:
            self._print_line("by", f"{genetic}; no model: {models.reason_empty}")
            return
        names = ", ".join(
            f"{'the first model' if each.name == UNNAMED else each.name} at {each.base_url}"
            for each in models.models.values()
        )
        if models.recording is not None:
            names = f"{', '.join(models.models)} as recorded in {models.recording.parent}"
        calls = f"{names}, up to {experiment.budget.llm_calls} calls"
        self._print_line("by", calls if self.is_model_alone else f"{genetic}; {calls}")
        if experiment.fitness.scored_on == "validation":
            self.notice("strategies are scored on validation, which the model sees: the verdict "
                        "can only be NOT TESTED")  # fmt: skip

    def run_folder(self, path: Path) -> None:
        self.folder = path

    def resumed(self, evaluated: int, evaluations: int) -> None:
        self._print_line("from", f"the checkpoint at trial {evaluated:,} of {evaluations:,}")

    def compiling(self) -> None:
        self.err.print(compiling_text())

    def baselines(self, assessed: Sequence[Assessed]) -> None:
        if assessed:
            columns = {"buy and hold": assessed[0].train.benchmark_metrics}
            columns |= {each.program.name: each.train.metrics for each in assessed}
            self.out.print(metrics_table(columns, SEED_METRICS, title="on train"))

    def early_null_search(self, run: NullRun) -> None:
        self._step(describe_null_search(run))

    def spending(self, spent: Cost) -> None:
        self._show(spent=spent)

    def waiting(self) -> None:
        limit = "timeout_seconds" if self.is_model_alone else "wait_seconds"
        self._step(f"waiting for the model, at most `llm.{limit}`")

    def progress(self, progress: SearchProgress, seconds: float) -> None:
        search = self._build_search(progress, seconds)
        self._searched_at = self._changed_at = self._clock()
        is_searched = bool(progress.stop_reason)
        step = "testing the finalists" if is_searched else ""
        self._show(search=search, is_searched=is_searched, step=step)
        if progress.epoch and not self._display.is_enabled:
            self._print_epoch(search)

    def diagnostic(self, state: NullRun | Power | WalkForward) -> None:
        self._step(describe_progress(state))

    def broken(self, error: Exception) -> None:
        self._display.stop()
        self.error = error
        self.err.print(Text(f"note: cannot print: {error}; the run continues"))

    def done(self, run: Run) -> None:
        self._display.stop()
        print_run(self.out, run, self.command)
        self.has_printed = True

    def null_search(self, run: NullRun) -> None:
        self._changed_at = self._clock()
        self._show(null=run, null_seconds=self._changed_at - self._searched_at, step="")
        if self._display.is_enabled:
            return
        beaten = len(run.results) - run.exceedances
        self.err.print(f"{describe_null_search(run)}; beat {beaten} of {len(run.results)}")

    def family(self, index: int, count: int) -> None:
        self._step(f"comparing with earlier run {index} of {count} on these data")

    def _show(self, **changes: Any) -> None:
        """Change the live display."""
        self._state = replace(self._state, **changes)
        if self._state.search is not None:
            self._display.update()

    def _step(self, text: str) -> None:
        """Show what happens now: in the live display, else as a line."""
        self._show(step=text)
        if not self._display.is_started:
            self.err.print(text)

    def _list_lines(self) -> list[Hanging]:
        state = replace(self._state, since_change=self._clock() - self._changed_at)
        return list(list_progress(state, self.err.width, self.err.options.ascii_only))

    def _build_search(self, progress: SearchProgress, seconds: float) -> SearchState:
        last = self._state.search
        bests, stats = (last.bests, last.stats) if last is not None else ((), ())
        best = progress.best.score if progress.best else math.nan
        return SearchState(
            progress.epoch, progress.evaluated, self.evaluations, (*bests, best),
            (*stats, progress.stats)[-LATELY_EPOCHS - 1 :], seconds, not self.is_model_alone,
        )  # fmt: skip

    def _print_epoch(self, search: SearchState) -> None:
        best = search.bests[-1]
        score = format_value(best, "ratio") if math.isfinite(best) else "none yet"
        if self.is_model_alone:
            text = f"epoch {search.epoch}: {search.evaluated:,} evaluated, best {score}"
        else:
            left = search.seconds_left
            shown = f"{format_duration(left)} left" if math.isfinite(left) else "time left unknown"
            rate = 0.0 if math.isnan(search.rate) else search.rate
            text = (
                f"epoch {search.epoch}: {search.evaluated:,} of {search.budget:,}, "
                f"{rate:,.0f} per second, best {score}, {shown}"
            )
        if (spent := self._state.spent) is not None:
            text += f", {format_count(spent.calls, 'call')}, ${spent.usd:.4f}"
        self.err.print(text)

    def _print_line(self, label: str, text: str | Text, style: str = "bold") -> None:
        with self._display.pause():
            print_line(self.out, label, text, style)


SEED_METRICS = ("total_return", "appraisal_ratio", "sharpe", "max_drawdown", "num_trades")


def describe_null_search(run: NullRun) -> str:
    """Return the number and the best score of the last null search in one line."""
    result = run.results[-1]
    best = "none" if result.best is None else format_value(result.best, "ratio")
    bound = "at least " if result.reached else ""
    return f"search {result.number} of {run.planned} on shuffled prices: best {bound}{best}"


def describe_score(fitness: Fitness) -> str:
    """Return the meaning of a strategy's score in one line."""
    objective, folds = OBJECTIVES[fitness.maximize[0]], fitness.folds
    text = f"{objective.name.replace('_', ' ')} ({objective.about})"
    if folds > 1:
        penalty = f" less {fitness.spread_penalty:g} deviations" if fitness.spread_penalty else ""
        text += f", mean over {folds} folds{penalty}"
    return f"{text}, on {fitness.scored_on}"
