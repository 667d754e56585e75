"""Table of a sweep on the terminal, and the line of each of its runs."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from rich.console import RenderableType
from rich.text import Text

from evolve.experiment.sweep.folder import PointRow
from evolve.experiment.sweep.summary import Spread, SweepGroup, SweepSummary
from evolve.report.formats import NO_VALUE, format_count, format_score
from evolve.report.terminal.fitting_table import blank_table, format_text
from evolve.report.terminal.hanging import Hanging

FIGURES: dict[str, tuple[Callable[[SweepGroup], Spread | None], Callable[[float], str]]] = {
    "best score": (lambda group: group.score, format_score),
    "on validation": (lambda group: group.validation, format_score),
    "trials": (lambda group: group.trials, lambda value: f"{value:,.0f}"),
    "seconds": (lambda group: group.seconds, lambda value: f"{value:,.0f}"),
}


def list_sweep(summary: SweepSummary) -> Iterator[RenderableType]:
    """Yield the warnings, the table with one row per combination of settings, and the failures."""
    for text in summary.warnings:
        yield Hanging(text, Text("warning: ", "bold yellow"))
    table = blank_table(gap=3)
    names = _shorten(summary.settings)
    for name in names:
        table.add_column(format_text(name), overflow="fold")
    table.add_column("runs", justify="right", no_wrap=True)
    for heading in FIGURES:
        table.add_column(heading, justify="right")
    table.add_column("verdicts")
    for group in summary.groups:
        figures = [_format_spread(read(group), form) for read, form in FIGURES.values()]
        values = [format_text(group.settings[name]) for name in summary.settings]
        table.add_row(*values, _format_runs(group), *figures, _format_verdicts(group))
    yield table
    objectives = ", ".join(each.replace("_", " ") for each in summary.objectives)
    if summary.has_seeds and objectives:
        yield Hanging(f"median (least…largest) over the seeds; score: {objectives}")
    elif objectives:
        yield Hanging(f"score: {objectives}")
    for row, reason in summary.failures:
        lead = Text("failed: ", "bold red")
        yield Hanging(f"{row.folder}: {reason}", lead)


def format_row(row: PointRow, done: int, count: int) -> str:
    """Return the line of a run that ended.

    Args:
        row: the run.
        done: number of runs that ended so far.
        count: number of all runs.
    """
    lead = f"{done}/{count}  {row.folder}: "
    if row.status == "failed":
        return f"{lead}failed: {row.error.splitlines()[0] if row.error else 'no reason'}"
    score, validation = format_score(row.score), format_score(row.validation)
    trials = format_count(row.trials, "trial")
    text = f"{lead}score {score}, on validation {validation}, {trials}, {row.seconds:.1f} s"
    return f"{text}, {row.verdict if row.status == 'finished' else row.status}"


def _format_spread(spread: Spread | None, form: Callable[[float], str]) -> str:
    if spread is None:
        return NO_VALUE
    if spread.least == spread.largest:
        return form(spread.median)
    return f"{form(spread.median)} ({form(spread.least)}…{form(spread.largest)})"


def _format_runs(group: SweepGroup) -> str:
    finished = group.statuses.get("finished", 0)
    return str(group.runs) if finished == group.runs else f"{finished} of {group.runs}"


def _format_verdicts(group: SweepGroup) -> str:
    others = {name: count for name, count in group.statuses.items() if name != "finished"}
    return ", ".join(f"{count} {name}" for name, count in {**group.verdicts, **others}.items())


def _shorten(names: tuple[str, ...]) -> list[str]:
    """Return the last part of each name, or all of it if another name has the same part."""
    parts = [each.rpartition(".")[2] for each in names]
    return [
        part if parts.count(part) == 1 else name for part, name in zip(parts, names, strict=True)
    ]
