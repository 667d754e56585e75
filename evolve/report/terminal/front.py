"""Pareto front of score against size on the terminal."""

from __future__ import annotations

from collections.abc import Sequence

from rich.table import Table

from evolve.report.formats import format_rules, format_score
from evolve.report.terminal.fitting_table import blank_table, format_text
from evolve.store.rows import TrialRow

MAX_RULES_CHARACTERS = 240


def build_front_table(front: Sequence[TrialRow]) -> Table:
    """Build a table of the trials that score above all of their size or smaller."""
    table = blank_table("front: each scores above all trials of its size or smaller")
    for heading in ("nodes", "score", "trades", "trial"):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("rules", overflow="fold")
    for each in front:
        table.add_row(
            f"{each.nodes}", format_score(each.scores[0]), f"{each.trades:,}", f"{each.number:,}",
            format_text(format_rules(each.source, MAX_RULES_CHARACTERS)),
        )  # fmt: skip
    return table
