"""Comparison of runs on the terminal."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import groupby

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from dsl.printable import make_printable
from evolve.experiment.comparison import ComparedRun, Comparison
from evolve.report.formats import NO_VALUE, format_score, format_value
from evolve.report.page.comparison import format_credit
from evolve.report.page.diff import diff_sources
from evolve.report.terminal.fitting_table import blank_table, format_text
from evolve.report.terminal.hanging import Hanging
from evolve.report.terminal.tables import label_proposer

FIGURES: dict[str, Callable[[ComparedRun], str]] = {
    "experiment": lambda run: run.name,
    "seed": lambda run: str(run.seed),
    "state": lambda run: run.state,
    "verdict": lambda run: run.verdict or NO_VALUE,
    "objective": lambda run: run.objective.replace("_", " "),
    "best score": lambda run: format_score(run.score),
    "on validation": lambda run: format_score(run.validation),
    "beats buy and hold": lambda run: {True: "yes", False: "no", None: NO_VALUE}[
        run.beats_benchmark
    ],
    "on the holdout": lambda run: format_score(run.holdout),
    "trials": lambda run: f"{run.trials:,}",
    "trials per second": lambda run: format_value(run.evaluations_per_second, "count"),
    "nulls beaten": lambda run: (
        NO_VALUE if run.null_searches is None else f"{run.nulls_beaten} of {run.null_searches}"
    ),
    "cost of the models": lambda run: NO_VALUE if run.usd is None else f"${run.usd:.4f}",
    "data": lambda run: run.data,
}
"""Text of each figure by heading; one without a value in any run is left out."""
CREDIT = "trials by proposer (improved)"


def list_comparison(comparison: Comparison) -> Iterator[RenderableType]:
    """Yield the warnings, the figures, the settings that differ, the credit and the sources."""
    for text in comparison.warnings:
        yield Hanging(text, Text("warning: ", "bold yellow"))
    yield _build_figures(comparison.runs)
    yield _build_settings(comparison)
    if comparison.proposers:
        yield _build_credit(comparison)
    found = [each for each in comparison.runs if each.source]
    for other in found[1:]:
        yield Text("")
        yield _format_diff(found[0], other)


def _build_figures(runs: Sequence[ComparedRun]) -> Table:
    table = _blank_table("", runs)
    for heading, describe in FIGURES.items():
        cells = [describe(each) for each in runs]
        if any(each != NO_VALUE for each in cells):
            table.add_row(heading, *map(format_text, cells))
    return table


def _build_settings(comparison: Comparison) -> RenderableType:
    if not comparison.settings:
        return Text("\nno other setting differs")
    table = _blank_table("settings that differ", comparison.runs)
    for name, values in comparison.settings.items():
        table.add_row(
            format_text(name), *[format_text(NO_VALUE if each is None else each) for each in values]
        )
    return table


def _build_credit(comparison: Comparison) -> Table:
    table = _blank_table(CREDIT, comparison.runs)
    for name in comparison.proposers:
        cells = [format_credit(each, name) for each in comparison.runs]
        label = format_text(label_proposer(name, comparison.proposers))
        table.add_row(label, *[each or NO_VALUE for each in cells])
    return table


def _blank_table(title: str, runs: Sequence[ComparedRun]) -> Table:
    table = blank_table(title)
    table.add_column("", no_wrap=True)
    for each in runs:
        table.add_column(format_text(each.label), overflow="fold")
    return table


def _format_diff(first: ComparedRun, other: ComparedRun) -> Text:
    """Format the differences of two sources: lines of the first after `-`, of the other after `+`.

    A line of both has no sign.
    """
    text = Text.assemble(
        ("- winner of ", "bold red"), make_printable(first.label), "\n",
        ("+ winner of ", "bold green"), make_printable(other.label),
    )  # fmt: skip
    lines = diff_sources(first.source or "", other.source or "")
    for is_equal, group in groupby(lines, key=lambda each: each.before == each.after):
        before, after = zip(*[(each.before, each.after) for each in group], strict=True)
        parts = [(" ", "", before)] if is_equal else [("-", "red", before), ("+", "green", after)]
        for sign, style, side in parts:
            for line in filter(None, side):
                text.append_text(Text(f"\n{sign} {format_text(line)}", style))
    return text
