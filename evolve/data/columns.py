"""Cells of a table to numbers, each checked, the first that is wrong named by its place."""

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


def parse_numbers(sheet: RawTable, name: str) -> Column:
    """float64, one a row, from the column of a meaning; `1,234.5` is a number too.

    Raises:
        EvolveError: naming the first cell that is none.
    """
    column = sheet.frame[sheet.columns[name]]
    types = pd.api.types
    if types.is_numeric_dtype(column) and not types.is_bool_dtype(column):
        numbers = column.to_numpy(np.float64, na_value=np.nan)
    else:
        text = column.astype(str).str.strip().str.removeprefix("$")
        grouped = text.str.match(THOUSANDS) & (sheet.frame.attrs.get("delimiter", ",") != ";")
        plain = text.where(~grouped, text.str.replace(",", ""))
        numbers = pd.to_numeric(plain, errors="coerce").to_numpy(np.float64)
    bad = np.flatnonzero(~np.isfinite(numbers))
    if len(bad):
        row = int(bad[0])
        cell = str(column.iloc[row])
        is_empty = is_blank(column.iloc[row])
        found = "empty" if is_empty else f"`{cell}`, not a number"
        has_comma = re.fullmatch(DECIMAL_COMMA, cell)
        hint = "write decimals with a point" if has_comma else "fill the gap or remove the row"
        raise EvolveError(f"{sheet.locate(row, column.name)}: the cell is {found}", hint)
    return numbers


def is_blank(cell: Any) -> bool:
    """Whether nothing is written in a cell."""
    return str(cell).strip() == "" or (np.ndim(cell) == 0 and bool(pd.isna(cell)))


def check_prices(values: Mapping[str, Column], sheet: RawTable) -> None:
    """Refuse prices and volumes that are not within their limits, and a high below the low."""
    for name in (*PRICES, "adj close", "adjustment", "volume"):
        if name in values:
            _check_limits(values[name], name, sheet)
    bad = np.flatnonzero(values["high"] < values["low"])
    if len(bad):
        row = int(bad[0])
        high, low = values["high"][row], values["low"][row]
        message = f"{sheet.locate(row)}: the high {high:g} is below the low {low:g}"
        raise EvolveError(message, "check the columns' order")


def _check_limits(column: Column, name: str, sheet: RawTable) -> None:
    is_volume = name == "volume"
    least, most = (0.0, MAX_VOLUME) if is_volume else (MIN_PRICE, MAX_PRICE)
    bad = np.flatnonzero((column < least) | (column > most))
    if not len(bad):
        return
    row = int(bad[0])
    value, hint = float(column[row]), "correct the cell or remove the row"
    if value < 0 or (value == 0 and not is_volume):
        wanted = "0 or more" if is_volume else "above 0"
    else:
        wanted = f"from {least:g} to {most:g}"
        hint = (
            f"correct the cell, or write all {'volumes' if is_volume else 'prices'} in another unit"
        )
    raise EvolveError(f"{sheet.locate(row, name)}: {value:g} is not {wanted}", hint)
