"""Tables of a verdict: its gates, and the real search beside those on shuffled prices."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import fmean

from rich.table import Table
from rich.text import Text

from evolve.report.formats import OUTCOMES, format_score
from evolve.report.terminal.fitting_table import blank_table
from evolve.search.best_curve import CurvePoint
from evolve.validation.null_run import NullRun
from evolve.validation.verdict import Verdict


def gates_table(verdict: Verdict) -> Table:
    """Build a table with one row per gate."""
    table = blank_table()
    table.add_column("gate")
    table.add_column("result", no_wrap=True)
    table.add_column("", overflow="fold")
    for each in verdict.gates:
        table.add_row(each.name, OUTCOMES[each.passed], each.text)
    return table


def format_verdict(verdict: Verdict) -> Text:
    """Format the label and the sentence of a verdict, after a blank line."""
    return Text.assemble("\n", (verdict.label, "bold"), f": {verdict.sentence}")


def luck_table(curve: Sequence[CurvePoint], null: NullRun) -> Table:
    """Build a table of the best score so far: the real search, and those on shuffled prices.

    Args:
        curve: the curve of the real search; empty without one.
        null: the null run, with at least one search.
    """
    count = len(null.results)
    table = blank_table(f"best score so far; luck: {count} shuffled searches")
    table.add_column("evaluations", justify="right")
    headings = ["this search"] if curve else []
    for heading in (*headings, "luck: mean", "luck: largest"):
        table.add_column(heading, justify="right", no_wrap=True)
    for trials, bests in compare_curves(curve, null):
        table.add_row(f"{trials:,}", *map(format_score, bests if curve else bests[1:]))
    return table


def compare_curves(
    curve: Sequence[CurvePoint], null: NullRun
) -> list[tuple[int, tuple[float | None, float | None, float | None]]]:
    """Return the real best, and the mean and largest best of the null searches, by evaluations.

    A null search that ended early counts with its last score, a lower bound.

    Args:
        curve: the curve of the real search; if empty, the counts are those of the first null
            search.
        null: the null run.
    """
    points = curve or [CurvePoint(each.trials, None) for each in null.results[0].curve]
    rows = []
    for trials, best in points:
        finite = null.list_bests_after(trials)
        mean, largest = (fmean(finite), max(finite)) if finite else (None, None)
        rows.append((trials, (best, mean, largest)))
    return rows
