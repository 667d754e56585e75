"""Main tables of a run in any state."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from rich.table import Table
from rich.text import Text

from evolve.experiment.front import find_front
from evolve.experiment.model_costs import read_arm_costs, sum_cost
from evolve.experiment.run_summary import RunSummary, describe_stop
from evolve.experiment.run_view import RunView
from evolve.report.formats import format_score
from evolve.report.terminal.finalists import list_finalists
from evolve.report.terminal.fitting_table import blank_table, format_text
from evolve.report.terminal.front import build_front_table
from evolve.report.terminal.hanging import Hanging
from evolve.report.terminal.sparkline import sparkline
from evolve.report.terminal.tables import (
    arm_costs_table,
    label_proposer,
    metrics_table,
    proposers_table,
)
from evolve.report.terminal.verdict import format_verdict, gates_table, luck_table

Part = Table | Text | Hanging


def format_line(label: str, text: str | Text, style: str = "bold") -> Hanging:
    """Format a line with a label, which wraps under its text."""
    return Hanging(text, Text.assemble((f"{label:<5}", style), " "))


def format_block(text: str) -> Text:
    """Format lines that are not wrapped, such as a source or a chart."""
    return Text(text, no_wrap=True, overflow="ignore")


def list_head(view: RunView, summary: RunSummary) -> Iterator[Part]:
    """Yield what a run searches, on what, and how far it is."""
    settings, last = view.plan.experiment, summary.epochs[-1] if summary.epochs else None
    yield format_line("run", f"{settings.name} in {view.folder}: {view.state}")
    figures = summary.figures
    if figures is not None:
        yield format_line(
            "ended",
            f"{figures.stop_reason}; {figures.trials.evaluated:,} trials at "
            f"{figures.evaluations_per_second:,.0f} per second, {figures.elapsed_seconds:.1f} s",
        )
    elif last is not None:
        yield format_line(
            "trial", f"{last.evaluated:,} of {settings.budget.evaluations:,}, epoch {last.number}"
        )
    bests = [np.nan if each.best is None else each.best for each in summary.epochs]
    if np.isfinite(bests).any():
        assert last is not None
        score = format_score(bests[-1])
        objective = settings.fitness.maximize[0].replace("_", " ")
        curve = sparkline(np.array(bests)).strip()
        yield format_line("best", f"{score} {curve} ({objective}, on {settings.fitness.scored_on})")
    spent = sum_cost(view)
    if spent is not None:
        yield format_line(
            "model",
            f"calls: {spent.calls:,}; {spent.tokens_in:,} tokens in, {spent.tokens_out:,} out, "
            f"${spent.usd:.4f}",
        )
    if view.state == "stopped":
        yield format_line("next", describe_stop(view))


def list_verdict(summary: RunSummary) -> Iterator[Part]:
    """Yield the verdict, its gates and the null searches; nothing before the result."""
    if summary.figures is None:
        return
    yield format_verdict(summary.figures.verdict)
    yield Text()
    yield gates_table(summary.figures.verdict)
    evidence = summary.evidence
    if evidence is not None and evidence.null is not None and evidence.null.results:
        yield luck_table(evidence.curve, evidence.null)


def list_metrics(view: RunView, summary: RunSummary) -> Iterator[Part]:
    """Yield the metrics of the winner by part, beside buy and hold."""
    columns = summary.list_columns(view.is_holdout_open)
    if columns:
        yield metrics_table(columns)


def list_strategies(view: RunView) -> Iterator[Part]:
    """Yield the finalists, once the search has ended, and the front of score against size."""
    if view.document is not None and view.document.finalists:
        objective = view.plan.experiment.fitness.maximize[0]
        yield from list_finalists(view.document.finalists, objective)
    front = find_front(view.rows.trials)
    if front:
        yield build_front_table(front)


def list_search(view: RunView, summary: RunSummary) -> Iterator[Part]:
    """Yield who proposed what, and what models cost."""
    figures = summary.figures
    if figures is None:
        if summary.stats:
            yield _build_counts_table(summary)
        return
    if summary.stats:
        yield Text()
        yield proposers_table(summary.stats)
    costs = read_arm_costs(view)
    if costs:
        yield arm_costs_table(costs, summary.stats)


def _build_counts_table(summary: RunSummary) -> Table:
    """Build a table of the trials of each proposer of an unfinished run."""
    table = blank_table("trials so far")
    table.add_column("proposer", overflow="fold")
    table.add_column("trials", justify="right", no_wrap=True)
    for name, each in sorted(summary.stats.items()):
        label = format_text(label_proposer(name, summary.stats))
        table.add_row(label, f"{each.evaluated:,}")
    return table
