"""Layouts of files without a header: each is recognized by its cells and proved by its prices."""

from __future__ import annotations

import csv
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from evolve.errors import EvolveError

DELIMITERS = ",;\t|"


@dataclass(frozen=True)
class Dialect:
    """A layout of rows without a header.

    Attributes:
        name: the program or the exchange that writes it.
        labels: the labels of the columns.
        patterns: regular expressions of the cells that distinguish it, by label.
    """

    name: str
    labels: tuple[str, ...]
    patterns: Mapping[str, str] = field(default_factory=dict)

    def fits(self, cells: Sequence[str]) -> bool:
        """Return whether the cells of a row have the number and the form of this layout."""
        return len(cells) == len(self.labels) and all(
            re.fullmatch(self.patterns.get(label, NUMBER), cell.strip())
            for label, cell in zip(self.labels, cells, strict=True)
        )


NUMBER = r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?"
MINUTES = r"[0-9]{2}:[0-9]{2}(?::[0-9]{2})?"
DOTTED_DAY = r"[0-9]{4}\.[0-9]{2}\.[0-9]{2}"
SECONDS = r"[0-9]{9,10}"
THOUSANDTHS = r"[0-9]{13}|[0-9]{16}"  # milliseconds; microseconds since 2025
OHLC = ("Open", "High", "Low", "Close")
DIALECTS = (
    Dialect(
        "MetaTrader 4", ("Date", "Time", *OHLC, "Volume"), {"Date": DOTTED_DAY, "Time": MINUTES}
    ),
    Dialect("MetaTrader, one bar per day", ("Date", *OHLC, "Volume"), {"Date": DOTTED_DAY}),
    Dialect(
        "HistData or NinjaTrader", ("Date", *OHLC, "Volume"),
        {"Date": r"[0-9]{8} [0-9]{4}(?:[0-9]{2})?"},
    ),
    Dialect(
        "Kraken", ("Timestamp", *OHLC, "Volume", "Trades"),
        {"Timestamp": SECONDS, "Trades": "[0-9]+"},
    ),
    Dialect(
        "Binance",
        (
            "Open time", *OHLC, "Volume", "Close time", "Quote volume", "Trades",
            "Taker base volume", "Taker quote volume", "Ignore",
        ),
        {"Open time": THOUSANDTHS, "Close time": THOUSANDTHS, "Trades": "[0-9]+"},
    ),
)  # fmt: skip


def find_dialect(lines: Sequence[str], origin: str) -> tuple[Dialect, str] | None:
    """Return the layout of rows without a header, and its delimiter; None if no layout fits all.

    Args:
        lines: the first rows.
        origin: the file, for messages.

    Raises:
        EvolveError: if the cells have the form of a layout, but a price is above the high or below
            the low.
    """
    for delimiter in DELIMITERS:
        rows = [split_cells(line, delimiter) for line in lines]
        for dialect in DIALECTS:
            if rows and all(map(dialect.fits, rows)):
                _prove(dialect, rows, origin)
                return dialect, delimiter
    return None


def split_cells(line: str, delimiter: str) -> list[str]:
    """Return the cells of a line; one cell if its quotes are wrong."""
    try:
        return next(csv.reader([line], delimiter=delimiter), [])
    except csv.Error:
        return [line]


def _prove(dialect: Dialect, rows: Sequence[Sequence[str]], origin: str) -> None:
    """Raise EvolveError unless each high is the highest price of its row and each low the lowest.

    Only the right order of the four prices has this property in all rows.
    """
    columns = [dialect.labels.index(label) for label in OHLC]
    for number, row in enumerate(rows, 1):
        first, high, low, last = (float(row[column]) for column in columns)
        if high < max(first, last) or low > min(first, last):
            raise EvolveError(
                f"{origin} has no header, and row {number} does not fit the layout of "
                f"{dialect.name}: {', '.join(dialect.labels)}",
                "add a header that names the columns",
            )
