"""Conversion of table cells to numbers; an error names the row and column of the first bad cell."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from dsl.bars import MAX_PRICE, MAX_VOLUME, MIN_PRICE
from evolve.data.tables.numbers import COMMA, NO_VOLUMES, parse_cells, read_both
from evolve.data.tables.raw_table import PRICES, RawTable
from evolve.errors import EvolveError

Column = NDArray[np.float64]

BLANKS = {"", "null"}


def parse_numbers(table: RawTable, name: str) -> Column:
    """Parse the column of a role as float64[row]; dashes for a volume give NaN.

    Raises:
        EvolveError: for the first cell that is not a finite number.
    """
    column = table.frame[table.columns[name]]
    is_volume = name == "volume"
    types = pd.api.types
    is_other = types.is_bool_dtype(column) or types.is_complex_dtype(column)
    if types.is_numeric_dtype(column) and not is_other:
        numbers = column.to_numpy(np.float64, na_value=np.nan)
        bad = ~np.isfinite(numbers)
    else:
        numbers = parse_cells(column, table.decimal_mark, is_volume)
        bad = ~np.isfinite(numbers)
        if is_volume:
            bad &= ~column.astype(str).str.strip().isin(NO_VOLUMES).to_numpy(bool)
        if not table.decimal_mark:
            bad |= np.array([len(set(read_both(str(cell)).values())) == 2 for cell in column])
    rows = np.flatnonzero(bad)
    if len(rows):
        raise _explain_cell(table, int(rows[0]), column)
    return numbers


def _explain_cell(table: RawTable, row: int, column: pd.Series) -> EvolveError:
    """Return the error of a cell that is no number, or that may be one of two."""
    cell, location = str(column.iloc[row]), table.locate(row, column.name)
    readings = sorted(set(read_both(cell).values()))
    if not table.decimal_mark and len(readings) == 2:
        one, other = (f"{value:g}" for value in readings)
        message = f"{location}: ambiguous number `{cell}`: {one} or {other}"
        return EvolveError(
            message, "no other cell settles it; write decimals with a point and no separators"
        )
    found = "an empty cell" if is_blank(column.iloc[row]) else f"`{cell}`"
    hint = "correct the cell or remove the row"
    if len(readings) == 1:
        mark = "comma" if table.decimal_mark == COMMA else "point"
        hint = f"write decimals with a {mark}, as in other cells of the file"
    return EvolveError(f"{location}: expected a number, found {found}", hint)


def is_blank(cell: Any) -> bool:
    """Return whether a cell is empty, blank or missing."""
    return str(cell).strip() in BLANKS or (np.ndim(cell) == 0 and bool(pd.isna(cell)))


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
