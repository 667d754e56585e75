"""Text of the cells of a table, by unit."""

from __future__ import annotations

import math
from collections.abc import Callable

from evolve.report.formats import format_price, format_value
from evolve.report.page.charts import Cell, CellUnit

NO_VALUE = "–"
DURATIONS = ((86_400, "d"), (3_600, "h"), (60, "min"))  # seconds of a unit
FORMATS: dict[CellUnit, Callable[[float], str]] = {
    "ratio": lambda value: format_value(value, "ratio"),
    "percent": lambda value: format_value(value, "percent"),
    "money": lambda value: format_value(value, "money"),
    "count": lambda value: format_value(value, "count"),
    "price": format_price,
    "seconds": lambda value: f"{value:,.1f} s" if abs(value) < 100 else f"{value:,.0f} s",
    "duration": lambda value: format_duration(value),
    "usd": lambda value: f"${value:,.4f}" if abs(value) < 1 else f"${value:,.2f}",
}
"""Format of the numbers of each unit; units of texts have none."""


def format_cell(value: Cell, unit: CellUnit) -> str:
    """Format a cell in its unit; a dash if it has no value.

    Args:
        value: the cell.
        unit: unit of its column; a number in a column of texts has its shortest form.
    """
    if value is None or value == "" or (isinstance(value, float) and not math.isfinite(value)):
        return NO_VALUE
    if isinstance(value, str):
        return value.replace("T", " ", 1) if unit == "time" else value
    if unit in FORMATS:
        return FORMATS[unit](value)
    return f"{value:g}" if isinstance(value, float) else str(value)


def format_duration(seconds: float) -> str:
    """Format a duration in its largest unit."""
    for size, unit in DURATIONS:
        if seconds >= size:
            return f"{seconds // size:,.0f} {unit}"
    return "under 1 min"


def is_numeric(unit: CellUnit) -> bool:
    """Return whether the cells of a unit are numbers."""
    return unit in FORMATS
