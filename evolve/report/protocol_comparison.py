"""How the best of a run stands against luck, before and after its protocol was made stricter."""

from __future__ import annotations

from rich.table import Table

from evolve.experiment.result import ProtocolResult
from evolve.report.tables import blank_table, format_value


def protocol_table(before: ProtocolResult, after: ProtocolResult, measure: str) -> Table:
    """The two beside each other."""
    table = blank_table()
    table.add_column(measure.replace("_", " "))
    for heading in ("before", "after"):
        table.add_column(heading, justify="right")
    table.add_row("trials", f"{before.trials:,}", f"{after.trials:,}")
    for name, label in (
        ("score", "best score on train"),
        ("luck_level", "luck level of as many trials"),
        ("train", "the chosen one on train"),
        ("validation", "the chosen one on validation"),
        ("drop", "its drop from train to validation"),
    ):
        values = [getattr(each, name) for each in (before, after)]
        table.add_row(label, *["–" if v is None else format_value(v, "ratio") for v in values])
    return table
