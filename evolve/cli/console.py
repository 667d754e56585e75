"""Terminal output of a run: results on stdout, progress on stderr."""

from __future__ import annotations

import math
from collections.abc import Sequence
from contextlib import suppress
from types import TracebackType

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn
from rich.text import Text

from evolve.cli.options import compiling_text
from evolve.cli.run_page import print_line, print_run
from evolve.cli.terminal import OutputConsole
from evolve.config import Experiment
from evolve.config.schema import Fitness
from evolve.data import Dataset, DataSplit
from evolve.experiment.observer import Observer
from evolve.experiment.result import Assessed, Run
from evolve.fitness.objectives import OBJECTIVES
from evolve.llm.model_set import ModelSet
from evolve.llm.transport.model import UNNAMED
from evolve.report.formats import format_rate, format_value
from evolve.report.terminal.diagnostics import describe_progress
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
    """

    def __init__(self, quiet: bool = False, command: str = "") -> None:
        """
        Args:
            quiet: whether stdout is reserved for a document; everything goes to stderr then.
            command: the command line of the run, for suggestions; if empty, the suggestions name
                the experiment in the run folder.
        """
        self.out = OutputConsole(stderr=quiet)
        self.err = OutputConsole(stderr=True)
        self.command = command
        self.has_printed = False
        self.error: Exception | None = None
        self.evaluations = 0
        self.is_model_alone = False
        self.rate = 0.0
        self.task: TaskID | None = None
        self.bar = Progress(
            TextColumn("epoch {task.fields[epoch]}"),
            BarColumn(bar_width=24),
            MofNCompleteColumn(),
            TextColumn(
                "{task.fields[rate]} per second · best {task.fields[best]} · {task.fields[left]}"
            ),
            console=self.err,
            transient=True,
            disable=not self.err.is_terminal,
        )

    def __enter__(self) -> ConsoleObserver:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._stop_bar()

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
        self.out.print(
            Text.assemble(
                ("split", "bold"),
                f" train {seen[0]} to {seen[start - 1]} ({start:,} bars), validation "
                f"{seen[start]} to {seen[-1]} ({len(seen) - start:,}), ",
                sealed if holdout.bars else ("no holdout", "bold yellow"),
            )
        )

    def proposers(self, experiment: Experiment, models: ModelSet) -> None:
        self.evaluations = experiment.budget.evaluations
        self.is_model_alone = bool(models) and models.settings.mode == "only"
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

    def compiling(self) -> None:
        self.err.print(compiling_text())

    def baselines(self, assessed: Sequence[Assessed]) -> None:
        if assessed:
            columns = {"buy and hold": assessed[0].train.benchmark_metrics}
            columns |= {each.program.name: each.train.metrics for each in assessed}
            self.out.print(metrics_table(columns, SEED_METRICS, title="on train"))

    def waiting(self) -> None:
        limit = "timeout_seconds" if self.is_model_alone else "wait_seconds"
        self.err.print(f"waiting for the model, at most `llm.{limit}`")

    def progress(self, progress: SearchProgress, seconds: float) -> None:
        self.rate = progress.evaluated / seconds if progress.epoch and seconds > 0 else 0.0
        best = format_value(progress.best.score, "ratio") if progress.best else "none yet"
        left = (self.evaluations - progress.evaluated) / self.rate if self.rate else math.nan
        if self.is_model_alone:
            if progress.epoch:
                self.err.print(
                    f"epoch {progress.epoch}: {progress.evaluated:,} evaluated, best {best}"
                )
        elif self.err.is_terminal:
            self._update_bar(progress, best, left)
        elif progress.epoch:
            self.err.print(
                f"epoch {progress.epoch}: {progress.evaluated:,} of {self.evaluations:,}, "
                f"{self.rate:,.0f} per second, best {best}, {_format_time_left(left)}"
            )

    def diagnostic(self, state: NullRun | Power | WalkForward) -> None:
        self.err.print(describe_progress(state))

    def broken(self, error: Exception) -> None:
        self.error = error
        self.err.print(Text(f"note: cannot print: {error}; the run continues"))

    def done(self, run: Run) -> None:
        self._stop_bar()
        print_run(self.out, run, self.command)
        self.has_printed = True

    def null_search(self, run: NullRun) -> None:
        self._stop_bar()
        result = run.results[-1]
        best = "none" if result.best is None else format_value(result.best, "ratio")
        beaten = len(run.results) - run.exceedances
        self.err.print(
            f"search {result.number} of {run.planned} on shuffled prices: best "
            f"{'at least ' if result.reached else ''}{best}; beat {beaten} of {len(run.results)}"
        )

    def family(self, index: int, count: int) -> None:
        self.err.print(f"comparing with earlier run {index} of {count} on these data")

    def _stop_bar(self) -> None:
        with suppress(OSError, ValueError):  # the terminal may be closed
            self.bar.stop()

    def _print_line(self, label: str, text: str, style: str = "bold") -> None:
        print_line(self.out, label, text, style)

    def _update_bar(self, progress: SearchProgress, best: str, left: float) -> None:
        if self.task is None:
            self.bar.start()
            self.task = self.bar.add_task(
                "search", total=self.evaluations, epoch=0, rate="…", best=best, left=""
            )
        self.bar.update(
            self.task, completed=progress.evaluated, epoch=progress.epoch,
            rate=f"{self.rate:,.0f}", best=best, left=_format_time_left(left),
        )  # fmt: skip


SEED_METRICS = ("total_return", "appraisal_ratio", "sharpe", "max_drawdown", "num_trades")


def describe_score(fitness: Fitness) -> str:
    """Return the meaning of a strategy's score in one line."""
    objective, folds = OBJECTIVES[fitness.maximize[0]], fitness.folds
    text = f"{objective.name.replace('_', ' ')} ({objective.about})"
    if folds > 1:
        penalty = f" less {fitness.spread_penalty:g} deviations" if fitness.spread_penalty else ""
        text += f", mean over {folds} folds{penalty}"
    return f"{text}, on {fitness.scored_on}"


def _format_time_left(seconds: float) -> str:
    if not math.isfinite(seconds):
        return "time left unknown"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes}:{rest:02d} left" if minutes else f"{rest} s left"
