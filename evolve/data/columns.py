"""Conversion of table cells to numbers; an error names the row and column of the first bad cell."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from dsl.bars import MAX_PRICE, MAX_VOLUME, MIN_PRICE
from evolve.data.raw_table import PRICES, RawTable
from evolve.errors import EvolveError

Column = NDArray[np.float64]

THOUSANDS = r"^\s*([+-]?[1-9]\d{0,2}(?:,\d{3})+(?:\.\d*)?)\s*$"
DECIMAL_COMMA = r"\s*[+-]?[\d.]*,\d+\s*"


def parse_numbers(table: RawTable, name: str) -> Column:
    """Parse the column of a role as float64[row]; accept `1,234.5` too.

    Raises:
        EvolveError: for the first cell that is not a finite number.
    """
    column = table.frame[table.columns[name]]
    types = pd.api.types
    if types.is_numeric_dtype(column) and not types.is_bool_dtype(column):
        numbers = column.to_numpy(np.float64, na_value=np.nan)
    else:
        text = column.astype(str).str.strip().str.removeprefix("$")
        grouped = text.str.match(THOUSANDS) & (table.frame.attrs.get("delimiter", ",") != ";")
        plain = text.where(~grouped, text.str.replace(",", ""))
        numbers = pd.to_numeric(plain, errors="coerce").to_numpy(np.float64)
    bad = np.flatnonzero(~np.isfinite(numbers))
    if len(bad):
        row = int(bad[0])
        cell = str(column.iloc[row])
        is_empty = is_blank(column.iloc[row])
        found = "an empty cell" if is_empty else f"`{cell}`"
        has_comma = re.fullmatch(DECIMAL_COMMA, cell)
        hint = "write decimals with a point" if has_comma else "correct the cell or remove the row"
        location = table.locate(row, column.name)
        raise EvolveError(f"{location}: expected a number, found {found}", hint)
    return numbers


def is_blank(cell: Any) -> bool:
    """Return whether a cell is empty, blank or missing."""
    return str(cell).strip() == "" or (np.ndim(cell) == 0 and bool(pd.isna(cell)))


def check_prices(values: Mapping[str, Column], table: RawTable) -> None:
    """Check the limits of prices and volumes, and that no high is below its low.

    Raises:
        EvolveError: for the first row that fails.
    """
    for name in (*PRICES, "adj close", "adjustment", "volume"):
        if name in values:
            _check_limits(values[name], name, table)
    bad = np.flatnonzero(values["high"] < values["low"])
    if len(bad):
        row = int(bad[0])
        high, low = values["high"][row], values["low"][row]
        message = f"{table.locate(row)}: high {high:g} is below low {low:g}"
        raise EvolveError(message, "check the order of the columns")


def _check_limits(column: Column, name: str, table: RawTable) -> None:
    is_volume = name == "volume"
    low, high = (0.0, MAX_VOLUME) if is_volume else (MIN_PRICE, MAX_PRICE)
    bad = np.flatnonzero((column < low) | (column > high))
    if not len(bad):
        return
    row = int(bad[0])
    value, hint = float(column[row]), "correct the cell or remove the row"
    if value < 0 or (value == 0 and not is_volume):
        expected = "0 or more" if is_volume else "a number above 0"
    else:
        expected = f"a number from {low:g} to {high:g}"
        noun = "volumes" if is_volume else "prices"
        hint = f"correct the cell, or write all {noun} in another unit"
    message = f"{table.locate(row, name)}: expected {expected}, found {value:g}"
    raise EvolveError(message, hint)
