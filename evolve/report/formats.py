"""Formats of figures in tables, for the terminal and for pages."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from dsl.printable import make_printable

if TYPE_CHECKING:
    import numpy as np

    from evolve.backtest.metrics import Unit

DURATIONS = ((86_400, "d"), (3_600, "h"), (60, "min"))  # seconds of a unit
NO_VALUE = "–"
OUTCOMES = {True: "passed", False: "failed", None: "not reached"}  # of a gate
MAX_PERCENT = 1e5  # annual growth of a few bars may have more digits than fit in a cell


def format_value(value: float | None, unit: Unit) -> str:
    """Format a figure in its unit; a dash if there is none, or if it is not finite."""
    if value is None or not math.isfinite(value):
        return NO_VALUE
    if unit == "percent" and abs(value) >= MAX_PERCENT:
        return f"{100 * value:.1e}%"
    if unit == "percent":
        return f"{round(value, 3) + 0.0:.1%}"  # no -0.0%
    if unit in ("money", "count"):
        return f"{round(value) + 0.0:,.0f}"
    return f"{round(value, 2) + 0.0:.2f}"


def format_score(score: float | None) -> str:
    """Format a score of a search; a dash if there is none."""
    return format_value(score, "ratio")


def format_rules(source: str, max_characters: int) -> str:
    """Format the rules of a strategy as one line, shortened to a limit.

    Args:
        source: the strategy, on one line or several.
        max_characters: the limit.
    """
    line = " ".join(source.split())
    _, _, rules = line.partition("{")
    return make_printable(rules.rpartition("}")[0].strip() or line, max_characters)


def format_count(count: int, noun: str) -> str:
    """Format a number of things, with a noun whose plural ends in `s`: `1 call`, `2,000 calls`."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def format_price(value: float) -> str:
    """Format a price, with four significant digits below 1."""
    return f"{value:,.2f}" if abs(value) >= 1 else f"{value:.4g}"


def format_rate(bars_per_year: float) -> str:
    """Format bars per year: `252`, `121.8`, `19656`."""
    return f"{bars_per_year:.0f}" if bars_per_year >= 1000 else f"{bars_per_year:.4g}"


def format_usd(value: float) -> str:
    """Format a cost in US dollars, with more digits below 1."""
    return f"${value:,.4f}" if abs(value) < 1 else f"${value:,.2f}"


def format_bytes(size: int) -> str:
    """Format a size: `12 kB`, `3.4 MB`, `1.2 GB`."""
    for unit, bytes_each in (("GB", 1e9), ("MB", 1e6)):
        if size >= bytes_each:
            return f"{size / bytes_each:,.1f} {unit}"
    return f"{math.ceil(size / 1e3):,} kB"


def format_iso(moment: np.datetime64) -> str:
    """Format a time as ISO 8601: a day, with the time of day if it is not zero."""
    import numpy as np

    return str(np.datetime_as_string(moment.astype("datetime64[s]"), unit="auto"))


def format_time(moment: np.datetime64) -> str:
    """Format a time like `format_iso`, with a space between day and time of day."""
    return format_iso(moment).replace("T", " ")


def format_duration(seconds: float) -> str:
    """Format a duration in its largest unit."""
    for size, unit in DURATIONS:
        if seconds >= size:
            return f"{seconds // size:,.0f} {unit}"
    return "under 1 min"
