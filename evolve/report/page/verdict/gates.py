"""Table of the gates of a verdict."""

from __future__ import annotations

from collections.abc import Iterator

from evolve.report.formats import OUTCOMES, format_value
from evolve.report.page.blocks import Column, Table
from evolve.report.page.charts import Cell
from evolve.validation.gates import Criterion, Gate
from evolve.validation.verdict import Verdict


def build_gates(verdict: Verdict) -> Table:
    """Build a table with one row per figure that a gate compares with a limit."""
    return Table(
        "gates",
        "Gates",
        (
            Column("gate"),
            Column("figure"),
            Column("value"),
            Column("needed"),
            Column("outcome"),
        ),
        tuple(row for gate in verdict.gates for row in _iterate_rows(gate)),
        "A result passes if it passes all gates in this order; one that fails ends the test.",
    )


def format_figure(value: float | None, unit: str) -> str:
    """Format a figure of a gate, with the digits that tell it from its limit."""
    if value is None:
        return "unknown"
    if unit == "percent":
        return format_value(value, "percent")
    return f"{value:,.0f}" if unit == "count" else f"{value:.4g}"


def _iterate_rows(gate: Gate) -> Iterator[tuple[Cell, ...]]:
    """Yield the rows of a gate: its figures, or the reason why it has none."""
    for each in gate.criteria:
        outcome = OUTCOMES[None if gate.passed is None else each.passed]
        yield (
            gate.name,
            each.name,
            format_figure(each.value, each.unit),
            _format_limit(each),
            outcome,
        )
    if not gate.criteria:
        yield gate.name, gate.text or None, None, None, OUTCOMES[gate.passed]


def _format_limit(criterion: Criterion) -> str:
    return f"{criterion.bound} {format_figure(criterion.limit, criterion.unit)}"
