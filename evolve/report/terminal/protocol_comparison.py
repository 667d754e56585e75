"""Comparison of a run's result before and after its protocol was tightened."""

from __future__ import annotations

from rich.table import Table

from evolve.experiment.result import ProtocolResult
from evolve.report.formats import format_score
from evolve.report.terminal.fitting_table import blank_table


def protocol_table(before: ProtocolResult, after: ProtocolResult, measure: str) -> Table:
    """Build a table of two results side by side.

    Args:
        before: the result under the original protocol.
        after: the result under the tightened protocol.
        measure: name of the leading objective, for the heading.
    """
    table = blank_table()
    table.add_column(measure.replace("_", " "))
    for heading in ("before", "after"):
        table.add_column(heading, justify="right")
    table.add_row("trials", f"{before.trials:,}", f"{after.trials:,}")
    for name, label in (
        ("score", "best score on train"),
        ("independent_level", "score of as many independent trials"),
        ("train", "selected strategy on train"),
        ("validation", "selected strategy on validation"),
        ("drop", "drop from train to validation"),
    ):
        values = [getattr(each, name) for each in (before, after)]
        table.add_row(label, *map(format_score, values))
    return table
