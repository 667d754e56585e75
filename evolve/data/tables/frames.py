"""Conversion between tables of prices and bars."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from dsl.bars import FIELDS, MAX_PRICE, MIN_PRICE, Bars
from evolve.data.align import align
from evolve.data.splits import compute_split_factor
from evolve.data.tables.columns import Column, check_prices, parse_numbers
from evolve.data.tables.raw_table import PRICES, RawTable
from evolve.data.tables.timestamps import Times, check_order, parse_times
from evolve.errors import EvolveError
from evolve.notices import NoticeLog


@dataclass(frozen=True)
class _Part:
    """Bars of one symbol, and the ISO dates of the splits for which they were adjusted."""

    bars: Bars
    split_days: tuple[str, ...]


def bars_from_frame(
    frame: pd.DataFrame,
    symbol: str,
    origin: str,
    row_name: Callable[[int], str],
    notices: NoticeLog | None = None,
) -> Bars:
    """Build bars from a table with one row per bar.

    Args:
        frame: has the columns open, high, low and close in any case, and a date column or index.
            Optional columns are volume, symbol, `Adj Close`, `Stock Splits` and `adjustment`.
            `Adj Close` scales all prices. A split that prices show scales those before it. With
            `adjustment`, adjusted over raw price, prices are already scaled. An
            index of whole numbers gives the row numbers for messages.
        symbol: the symbol if the table has no symbol column.
        origin: the file or source, for messages.
        row_name: returns the name of a row for messages, such as `line 7`, from its index.
        notices: receives how columns were read, where that is a choice.

    Raises:
        EvolveError: for the first error, with origin, row and column.
    """
    is_counted = pd.api.types.is_integer_dtype(frame.index)
    rows = frame.index.to_numpy() if is_counted else np.arange(len(frame))
    table = RawTable(frame, origin, row_name, rows)
    if frame.empty:
        raise EvolveError(f"{origin} has no rows", "expected a header and one row per bar")
    missing = [name for name in PRICES if name not in table.columns]
    if missing:
        message = f"{origin}: missing column {', '.join(f'`{name}`' for name in missing)}"
        raise EvolveError(message, f"found columns: {table.column_list}")
    codes, symbols = _parse_symbols(table, symbol)
    # All symbols are parsed together: one row may settle the date order of the others.
    time = parse_times(table, codes)
    rows_by_symbol = [np.flatnonzero(codes == code) for code in range(len(symbols))]
    parts = [
        _build_bars(table.select_rows(rows), time[rows], name)
        for rows, name in zip(rows_by_symbol, symbols, strict=True)
    ]
    if notices is not None:
        for text in (*_describe_volume(table), *_describe_splits(parts)):
            notices.notice(f"{origin}: {text}")
    return align([each.bars for each in parts])


def bars_to_frame(bars: Bars, has_symbol: bool = False) -> pd.DataFrame:
    """Return a table that `bars_from_frame` reads back; several symbols need a symbol column.

    Args:
        bars: one or more symbols.
        has_symbol: whether the table of one symbol has a symbol column, too.
    """
    parts = []
    for symbol, name in enumerate(bars.symbols):
        alone = bars.select_symbol(symbol)
        data: dict[str, object] = {"Date": pd.DatetimeIndex(alone.time)}
        if has_symbol or len(bars.symbols) > 1:
            data["Symbol"] = name
        for field in FIELDS:
            data[field.capitalize()] = getattr(alone, field)[0]
        if np.any(bars.adjustment != 1.0):
            data["Adjustment"] = alone.adjustment[0]
        parts.append(pd.DataFrame(data))
    frame = pd.concat(parts, ignore_index=True)
    return frame.dropna(axis="columns", how="all")


def _parse_symbols(table: RawTable, symbol: str) -> tuple[NDArray[np.int64], list[str]]:
    """Return the symbol index of each row, int64[row], and the symbols in order of appearance."""
    if "symbol" not in table.columns:
        return np.zeros(len(table.frame), np.int64), [symbol]
    names = table.frame[table.columns["symbol"]]
    text = names.astype(str).str.strip()
    unnamed = np.flatnonzero((names.isna() | (text == "")).to_numpy())
    if len(unnamed):
        location = table.locate(int(unnamed[0]), names.name)
        raise EvolveError(f"{location}: missing symbol", "write the symbol or remove the row")
    codes, symbols = pd.factorize(text)
    return codes.astype(np.int64), [str(each) for each in symbols]


def _describe_volume(table: RawTable) -> list[str]:
    label = table.columns.get("volume")
    if label is None or label != table.columns.get("tick volume"):
        return []
    return [f"the volume is the number of price changes, from the column `{label}`"]


def _describe_splits(parts: Sequence[_Part]) -> list[str]:
    return [
        f"{each.bars.symbols[0]}: prices before {', '.join(each.split_days)} are adjusted for the "
        "splits that the column declares"
        for each in parts
        if each.split_days
    ]


def _build_bars(table: RawTable, time: Times, symbol: str) -> _Part:
    """Build the bars of one symbol; reverse rows that run from newest to oldest."""
    if len(time) > 1 and np.all(np.diff(time.astype(np.int64)) < 0):
        table, time = table.select_rows(np.arange(len(time))[::-1]), time[::-1]
    values = {
        name: parse_numbers(table, name)
        for name in (*FIELDS, "adj close", "adjustment")
        if name in table.columns and not (name == "volume" and _is_empty(table, name))
    }
    check_prices(values, table)
    check_order(time, table)
    prices, volume, adjustment, split = _adjust(values, table)
    panels = [np.ascontiguousarray(each)[None, :] for each in (*prices, volume, adjustment)]
    bars = Bars((symbol,), np.ascontiguousarray(time), *panels)
    days = time[1:][np.diff(split) != 0.0].astype("datetime64[D]")
    return _Part(bars, tuple(map(str, days)))


def _is_empty(table: RawTable, name: str) -> bool:
    """Return whether no cell of a column has a value; -1 in all cells counts as none.

    Interactive Brokers writes -1 for the volume of currencies and of quotes.
    """
    column = table.frame[table.columns[name]]
    is_unset = pd.api.types.is_numeric_dtype(column) and bool((column == -1).all())
    return is_unset or bool(column.isna().all())


def _adjust(
    values: dict[str, Column], table: RawTable
) -> tuple[list[Column], Column, Column, Column]:
    """Return the prices on the scale of Adj Close and after all splits, with their volume.

    Returns:
        The prices, the volume, the ratio of adjusted to raw price, and its part due to splits.
    """
    ones = np.ones(len(values["close"]))
    volume = values.get("volume", np.full(len(ones), np.nan))
    if "adjustment" in values:
        prices = [values[name].copy() for name in PRICES]  # columns may share memory with the table
        return prices, volume.copy(), values["adjustment"].copy(), ones
    factor = values["adj close"] / values["close"] if "adj close" in values else ones
    split = compute_split_factor(table, values["open"] * factor, values["close"] * factor)
    factor = factor * split
    prices = [values[name] * factor for name in PRICES]
    scaled = {f"`{name}` times ": price for name, price in zip(PRICES, prices, strict=True)}
    for product, column in ({"": factor} | scaled).items():
        bad = np.flatnonzero((column < MIN_PRICE) | (column > MAX_PRICE))
        if len(bad):
            row = int(bad[0])
            raise EvolveError(
                f"{table.locate(row)}: expected {product}`adj close` / `close` from "
                f"{MIN_PRICE:g} to {MAX_PRICE:g}, found {column[row]:g}",
                "correct the row or remove the column",
            )
    return prices, volume / split, factor, split
