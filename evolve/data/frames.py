"""Tables of prices to bars and back."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from dsl.bars import FIELDS, MAX_PRICE, MIN_PRICE, Bars
from evolve.data.align import align
from evolve.data.columns import Column, check_prices, parse_numbers
from evolve.data.raw_table import PRICES, RawTable
from evolve.data.timestamps import Times, check_order, parse_times
from evolve.errors import EvolveError


def bars_from_frame(
    frame: pd.DataFrame, symbol: str, origin: str, row_name: Callable[[int], str]
) -> Bars:
    """Bars from a table with a row a bar, of one symbol or of those in its `symbol` column.

    Args:
        frame: columns open, high, low and close (any case), a date column or index, and perhaps
            volume, a symbol, and Adj Close: with the latter, all prices are put on its scale.
            With `adjustment` (adjusted over raw price) they are on it already. An index of
            whole numbers says where each row stood.
        symbol: the name of the symbol if there is no such column.
        origin: the file or source, for messages.
        row_name: position of a row -> how a person finds it (`line 7`).

    Raises:
        EvolveError: naming origin, row and column of the first thing that is wrong.
    """
    is_counted = pd.api.types.is_integer_dtype(frame.index)
    rows = frame.index.to_numpy() if is_counted else np.arange(len(frame))
    sheet = RawTable(frame, origin, row_name, rows)
    if frame.empty:
        raise EvolveError(f"{origin} has no rows", "it needs one row a bar")
    missing = [name for name in PRICES if name not in sheet.columns]
    if missing:
        message = f"{origin} has no column {', '.join(f'`{name}`' for name in missing)}"
        raise EvolveError(message, f"its columns are: {sheet.listed}")
    codes, symbols = _parse_symbols(sheet, symbol)
    time = parse_times(
        sheet, codes
    )  # of the whole table: one row may tell how the others are meant
    places = [np.flatnonzero(codes == code) for code in range(len(symbols))]
    parts = [
        _build_bars(sheet.only(own), time[own], name)
        for own, name in zip(places, symbols, strict=True)
    ]
    return align(parts)


def bars_to_frame(bars: Bars) -> pd.DataFrame:
    """Bars as a table that `bars_from_frame` reads back, with a symbol column for several."""
    parts = []
    for symbol, name in enumerate(bars.symbols):
        own = bars.select_symbol(symbol)
        data: dict[str, object] = {"Date": pd.DatetimeIndex(own.time)}
        if len(bars.symbols) > 1:
            data["Symbol"] = name
        for field in FIELDS:
            data[field.capitalize()] = getattr(own, field)[0]
        if np.any(bars.adjustment != 1.0):
            data["Adjustment"] = own.adjustment[0]
        parts.append(pd.DataFrame(data))
    frame = pd.concat(parts, ignore_index=True)
    return frame.dropna(axis="columns", how="all")


def _parse_symbols(sheet: RawTable, symbol: str) -> tuple[NDArray[np.int64], list[str]]:
    """int64[row], which symbol each row is of, and their names in order of appearance."""
    if "symbol" not in sheet.columns:
        return np.zeros(len(sheet.frame), np.int64), [symbol]
    names = sheet.frame[sheet.columns["symbol"]]
    text = names.astype(str).str.strip()
    unnamed = np.flatnonzero((names.isna() | (text == "")).to_numpy())
    if len(unnamed):
        place = sheet.locate(int(unnamed[0]), names.name)
        raise EvolveError(f"{place}: the symbol is missing", "name it or remove the row")
    codes, symbols = pd.factorize(text)
    return codes.astype(np.int64), [str(each) for each in symbols]


def _build_bars(sheet: RawTable, time: Times, symbol: str) -> Bars:
    """One symbol's bars; rows that stand newest first are turned round."""
    if len(time) > 1 and np.all(np.diff(time.astype(np.int64)) < 0):
        sheet, time = sheet.only(np.arange(len(time))[::-1]), time[::-1]
    values = {
        name: parse_numbers(sheet, name)
        for name in (*FIELDS, "adj close", "adjustment")
        if name in sheet.columns and not (name == "volume" and _is_blank(sheet, name))
    }
    check_prices(values, sheet)
    check_order(time, sheet)
    prices, adjustment = _adjust_prices(values, sheet)
    volume = values.get("volume", np.full(len(time), np.nan))
    panels = [np.ascontiguousarray(each)[None, :] for each in (*prices, volume, adjustment)]
    return Bars((symbol,), np.ascontiguousarray(time), *panels)


def _is_blank(sheet: RawTable, name: str) -> bool:
    """Whether nothing is written in a column, as where a symbol's volume is not known."""
    return bool(sheet.frame[sheet.columns[name]].isna().all())


def _adjust_prices(values: dict[str, Column], sheet: RawTable) -> tuple[list[Column], Column]:
    """Prices on the scale of Adj Close, and adjusted over raw price."""
    ones = np.ones(len(values["close"]))
    if "adjustment" in values:
        return [values[name].copy() for name in PRICES], values["adjustment"].copy()
    factor = values["adj close"] / values["close"] if "adj close" in values else ones
    prices = [values[name] * factor for name in PRICES]
    scaled = {f"`{name}` times ": price for name, price in zip(PRICES, prices, strict=True)}
    for what, column in ({"": factor} | scaled).items():
        bad = np.flatnonzero((column < MIN_PRICE) | (column > MAX_PRICE))
        if len(bad):
            row = int(bad[0])
            raise EvolveError(
                f"{sheet.locate(row)}: {what}`adj close` / `close` is {column[row]:g}, not from "
                f"{MIN_PRICE:g} to {MAX_PRICE:g}",
                "correct the row or leave the column out",
            )
    return prices, factor
