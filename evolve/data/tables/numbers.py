"""Numbers as people write them: decimal marks, separators between thousands, and suffixes."""

from __future__ import annotations

import re
from collections.abc import Iterable

import numpy as np
import pandas as pd
from numpy.typing import NDArray

MAX_NUMBER_CHARACTERS = 500
POINT, COMMA = ".", ","
SPACES = " \u00a0\u2009\u202f'\u2019"  # also no-break and thin spaces, and apostrophes
SUFFIXES = {"K": 1e3, "M": 1e6, "B": 1e9, "T": 1e12}
NO_VOLUMES = ("-", "--")


def _compile(mark: str, others: str) -> tuple[re.Pattern[str], re.Pattern[str]]:
    """Compile the grammar of grouped and of plain numbers with a decimal mark."""
    separators, mark = re.escape(SPACES + others), re.escape(mark)
    grouped = rf"[+-]?[1-9][0-9]{{0,2}}([{separators}])[0-9]{{3}}(?:\1[0-9]{{3}})*(?:{mark}[0-9]*)?"
    plain = rf"[+-]?(?:[0-9]+{mark}?[0-9]*|{mark}[0-9]+)(?:[eE][+-]?[0-9]+)?"
    return re.compile(grouped), re.compile(plain)


_GRAMMARS = {POINT: _compile(POINT, COMMA), COMMA: _compile(COMMA, POINT)}


def find_decimal_mark(columns: Iterable[pd.Series]) -> str:
    """Return the decimal mark of all columns of a file.

    The first cell such as `12,50` or `1,234.5` settles the mark, for `1,200` in other cells too.

    Args:
        columns: columns of text.

    Returns:
        `,` or `.`; empty if no cell settles what `1,200` is.
    """
    has_comma = False
    texts = [column.dropna().astype(str) for column in columns]
    if not any(map(has_separators, texts)):
        return POINT
    for text in texts:
        for cell in text.unique():
            readings = read_both(cell)
            if len(readings) == 1:
                return next(iter(readings))
            if len(set(readings.values())) == 2:
                has_comma |= COMMA in cell
    return "" if has_comma else POINT


def has_separators(text: pd.Series) -> bool:
    """Return whether a cell has a comma or two points, so that the decimal mark is in question."""
    return bool(text.str.contains(r",|\..*\.", regex=True).any())


def read_both(cell: str) -> dict[str, float]:
    """Return the number in a cell by decimal mark, for each mark with which it is a number."""
    text = _strip(cell)
    values = {mark: _read(text, mark) for mark in _GRAMMARS}
    return {mark: value for mark, value in values.items() if not np.isnan(value)}


def parse_cells(column: pd.Series, mark: str, is_volume: bool = False) -> NDArray[np.float64]:
    """Parse cells of text as float64[row]; NaN where a cell is no number.

    Args:
        column: the cells.
        mark: the decimal mark of the file; empty counts as a point.
        is_volume: whether `1.2M` is a number.
    """
    mark = mark or POINT
    text = column.astype(str).str.strip().str.removeprefix("$")
    # Python refuses to convert thousands of digits.
    is_short = text.str.len() <= MAX_NUMBER_CHARACTERS
    is_plain = is_short & ~text.str.contains(POINT, regex=False) if mark == COMMA else is_short
    plain = text.where(is_plain.astype(bool))
    numbers = pd.to_numeric(plain, errors="coerce").to_numpy(np.float64, na_value=np.nan).copy()
    rows = np.flatnonzero(np.isnan(numbers) & is_short.to_numpy(bool))
    read = _read_suffixed if is_volume else _read
    numbers[rows] = [read(str(cell), mark) for cell in text.to_numpy(object)[rows]]
    return numbers


def _strip(cell: str) -> str:
    text = cell.strip().removeprefix("$")
    return text[:-1] if text[-1:] in SUFFIXES else text


def _read_suffixed(text: str, mark: str) -> float:
    return _read(_strip(text), mark) * SUFFIXES.get(text[-1:], 1.0)


def _read(text: str, mark: str) -> float:
    """Return the number that a text is with a decimal mark; NaN if it is none."""
    if len(text) > MAX_NUMBER_CHARACTERS:
        return np.nan
    grouped, plain = _GRAMMARS[mark]
    if match := grouped.fullmatch(text):
        text = text.replace(match[1], "")
    elif not plain.fullmatch(text):
        return np.nan
    return float(text.replace(mark, POINT))
