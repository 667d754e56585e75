"""Text of the cells of a table, by unit."""

from __future__ import annotations

import math
import re
from collections.abc import Callable

from evolve.report.formats import (
    NO_VALUE,
    format_duration,
    format_price,
    format_usd,
    format_value,
)
from evolve.report.page.blocks import Table
from evolve.report.page.charts import Cell, CellUnit

MAX_NARROW = 30  # characters of a text that fits in a narrow column
MAX_UNBROKEN = 16  # characters of a text that a column does not break
FIGURE = re.compile(r"[-+−]?\$?\d[\d,]*(\.\d+)?(e[-+]?\d+)?( ?%| s)?")
"""A number with its unit, as text."""
FORMATS: dict[CellUnit, Callable[[float], str]] = {
    "ratio": lambda value: format_value(value, "ratio"),
    "percent": lambda value: format_value(value, "percent"),
    "money": lambda value: format_value(value, "money"),
    "count": lambda value: format_value(value, "count"),
    "price": format_price,
    "seconds": lambda value: f"{value:,.{_count_decimals(value)}f} s",
    "duration": format_duration,
    "usd": format_usd,
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


def is_numeric(unit: CellUnit) -> bool:
    """Return whether the cells of a unit are numbers."""
    return unit in FORMATS


def list_numeric(table: Table) -> list[bool]:
    """List for each column whether its cells are numbers, also as texts of several units."""
    return [
        is_numeric(column.unit) or _are_figures([row[index] for row in table.rows])
        for index, column in enumerate(table.columns)
    ]


def list_wide(table: Table) -> list[bool]:
    """List for each column whether it has long texts, which a narrow column would break."""
    if not table.rows:
        return [False] * len(table.columns)
    return [
        any(isinstance(cell, str) and len(cell) > MAX_NARROW for cell in cells)
        for cells in zip(*table.rows, strict=True)
    ]


def list_short(table: Table) -> list[bool]:
    """List for each column whether all its cells are short, so that none is broken into lines."""
    return [
        all(len(format_cell(row[index], column.unit)) <= MAX_UNBROKEN for row in table.rows)
        for index, column in enumerate(table.columns)
    ]


def _count_decimals(seconds: float) -> int:
    return 0 if abs(seconds) >= 100 else 1 if abs(seconds) >= 1 else 2


def _are_figures(cells: list[Cell]) -> bool:
    texts = [each for each in cells if each not in (None, "", NO_VALUE)]
    return bool(texts) and all(isinstance(each, str) and FIGURE.fullmatch(each) for each in texts)
