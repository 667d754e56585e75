"""Tables of prices to bars: every cell is checked, and what is wrong is named by its place."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import pandas as pd

from dsl.bars import FIELDS, Bars
from evolve.errors import EvolveError

TIME_COLUMNS = ("date", "datetime", "timestamp", "time", "unnamed: 0", "index")
OFFSET = r"\s*(Z|[+-]\d{2}:?\d{2})$"
FIRST_YEAR, LAST_YEAR = 1678, 2261
PRICES = ("open", "high", "low", "close")


def bars_from_frame(
    frame: pd.DataFrame, symbol: str, origin: str, row_name: Callable[[int], str]
) -> Bars:
    """One symbol's bars from a table with a row a bar.

    Args:
        frame: columns open, high, low and close (any case), a date column or index, and perhaps
            volume and Adj Close; with the latter, all prices are put on its scale.
        symbol: the name of the symbol.
        origin: the file or source, for messages.
        row_name: position of a row -> how a person finds it (`line 7`).

    Raises:
        EvolveError: naming origin, row and column of the first thing that is wrong.
    """
    if frame.empty:
        raise EvolveError(f"{origin} has no rows", "it needs one row a bar")
    columns = {str(name).strip().lower(): name for name in frame.columns}
    twice = [name for name in frame.columns if columns[str(name).strip().lower()] != name]
    if twice:
        listed = ", ".join(str(name) for name in frame.columns)
        raise EvolveError(f"{origin} has the column `{twice[0]}` twice", f"its columns: {listed}")
    missing = [name for name in PRICES if name not in columns]
    if missing:
        found = ", ".join(str(name) for name in frame.columns) or "none"
        message = f"{origin} has no column {', '.join(f'`{name}`' for name in missing)}"
        raise EvolveError(message, f"its columns are: {found}")
    time = _times(frame, columns, origin, row_name)
    values = {}
    for name in (*FIELDS, "adj close"):
        if name in columns:
            values[name] = _numbers(frame[columns[name]], name, origin, row_name)
    volume = values.get("volume", np.full(len(frame), np.nan))
    _check_prices(values, origin, row_name)
    _check_order(time, origin, row_name)
    factor = np.ones(len(frame))
    if "adj close" in values:
        with np.errstate(all="ignore"):
            factor = values["adj close"] / values["close"]
    for name in PRICES:
        with np.errstate(all="ignore"):
            bad = np.flatnonzero(~np.isfinite(values[name] * factor) | (values[name] * factor <= 0))
        if len(bad):
            place = f"{origin}, {row_name(int(bad[0]))}"
            raise EvolveError(f"{place}: `{name}` times `adj close` / `close` is not a price")
    scaled = {name: np.ascontiguousarray((values[name] * factor)[None, :]) for name in PRICES}
    return Bars(
        (symbol,), time, **scaled, volume=volume[None, :].copy(), adjustment=factor[None, :].copy()
    )


def bars_to_frame(bars: Bars) -> pd.DataFrame:
    """The bars of a panel's one symbol as a table that `bars_from_frame` reads back."""
    data: dict[str, object] = {"Date": pd.DatetimeIndex(bars.time)}
    for name in FIELDS:
        data[name.capitalize()] = getattr(bars, name)[0]
    return pd.DataFrame(data)


def _times(
    frame: pd.DataFrame, columns: Mapping[str, object], origin: str, row_name: Callable[[int], str]
) -> np.ndarray[tuple[int], np.dtype[np.datetime64]]:
    named = [columns[name] for name in TIME_COLUMNS if name in columns]
    if named:
        raw = frame[named[0]]
    elif isinstance(frame.index, pd.DatetimeIndex):
        raw = frame.index.to_series()
    else:
        found = ", ".join(str(name) for name in frame.columns)
        raise EvolveError(f"{origin} has no date column", f"name one `Date`; it has: {found}")
    if pd.api.types.is_numeric_dtype(raw):
        message = f"{origin}, column `{raw.name}`: {raw.iloc[0]} is not a date"
        raise EvolveError(message, "write dates as 2020-01-31")
    if not pd.api.types.is_datetime64_any_dtype(raw):
        # Where a time has an offset, the local time is the one that counts.
        text = raw.astype(str).str.strip().str.replace(OFFSET, "", regex=True)
        parsed = pd.to_datetime(
            text.where(text.str.match(r"\d{4}")), format="ISO8601", errors="coerce"
        )
        _refuse_dates(parsed, raw, origin, row_name)
        raw = parsed
    _refuse_dates(raw, raw, origin, row_name)
    if getattr(raw.dt, "tz", None) is not None:
        raw = raw.dt.tz_localize(None)
    return raw.to_numpy().astype("datetime64[ns]")


def _refuse_dates(
    dates: pd.Series, raw: pd.Series, origin: str, row_name: Callable[[int], str]
) -> None:
    """Refuse what is no date, or one that nanoseconds since 1970 cannot count."""
    year = dates.dt.year
    bad = np.flatnonzero((dates.isna() | (year < FIRST_YEAR) | (year > LAST_YEAR)).to_numpy())
    if not len(bad):
        return
    row = int(bad[0])
    place = f"{origin}, {row_name(row)}, column `{raw.name}`"
    if pd.isna(raw.iloc[row]) or not str(raw.iloc[row]).strip():
        raise EvolveError(f"{place}: the date is missing", "remove the row or write its date")
    message = f"{place}: `{raw.iloc[row]}` is not a date from {FIRST_YEAR} to {LAST_YEAR}"
    raise EvolveError(message, "write dates as 2020-01-31")


def _numbers(
    column: pd.Series, name: str, origin: str, row_name: Callable[[int], str]
) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    types = pd.api.types
    if types.is_numeric_dtype(column) and not types.is_bool_dtype(column):
        numbers = column.to_numpy(np.float64, na_value=np.nan)
    else:
        numbers = pd.to_numeric(column.astype(str), errors="coerce").to_numpy(np.float64)
    bad = np.flatnonzero(~np.isfinite(numbers))
    if len(bad):
        cell = column.iloc[int(bad[0])]
        found = "empty" if pd.isna(cell) or str(cell).strip() == "" else f"`{cell}`, not a number"
        place = f"{origin}, {row_name(int(bad[0]))}, column `{column.name}`"
        raise EvolveError(f"{place}: the cell is {found}", "fill the gap or remove the row")
    return numbers


def _check_prices(
    values: dict[str, np.ndarray[tuple[int], np.dtype[np.float64]]],
    origin: str,
    row_name: Callable[[int], str],
) -> None:
    for name in (*PRICES, "adj close", "volume"):
        if name not in values:
            continue
        bad = np.flatnonzero(values[name] < 0 if name == "volume" else values[name] <= 0)
        if len(bad):
            place = f"{origin}, {row_name(int(bad[0]))}, column `{name}`"
            least = "0 or more" if name == "volume" else "above 0"
            raise EvolveError(f"{place}: {values[name][bad[0]]:g} is not {least}")
    bad = np.flatnonzero(values["high"] < values["low"])
    if len(bad):
        row = int(bad[0])
        high, low = values["high"][row], values["low"][row]
        message = f"{origin}, {row_name(row)}: the high {high:g} is below the low {low:g}"
        raise EvolveError(message, "check the columns' order")


def _check_order(
    time: np.ndarray[tuple[int], np.dtype[np.datetime64]],
    origin: str,
    row_name: Callable[[int], str],
) -> None:
    steps = np.diff(time.astype(np.int64))
    bad = np.flatnonzero(steps <= 0)
    if not len(bad):
        return
    row = int(bad[0]) + 1
    day = str(time[row].astype("datetime64[s]")).replace("T00:00:00", "")
    before = str(time[row - 1].astype("datetime64[s]")).replace("T00:00:00", "")
    if steps[row - 1] == 0:
        raise EvolveError(f"{origin}, {row_name(row)}: {day} stands twice", "remove one of them")
    message = f"{origin}, {row_name(row)}: {day} comes after {before}"
    raise EvolveError(message, "sort the rows by date, oldest first")
