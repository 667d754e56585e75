"""Tables of pandas with dates or symbols in an index or a header of two levels."""

from __future__ import annotations

import numpy as np
import pandas as pd

from evolve.data.tables.raw_table import COLUMN_ROLES, PRICES, TIMES, find_role

DATE, SYMBOL = "Date", "Symbol"


def flatten_table(frame: pd.DataFrame) -> pd.DataFrame:
    """Return a table with one row per symbol and bar, and all dates and symbols in columns.

    The index of the result is the number of the row in the table given, for messages. Accepted are
    the tables of `yfinance.download` with a header of prices and tickers in either order, and those
    with a symbol and a date in the index. Periods become their first day.

    Args:
        frame: a table as a library returns it.
    """
    added = _list_index_columns(frame)
    flat = frame.reset_index(drop=True)
    if flat.columns.nlevels == 2:
        flat = _stack_symbols(flat)
    if flat.columns.nlevels > 1:  # not of prices and tickers
        flat.columns = flat.columns.to_flat_index()
    for name, values in added.items():
        flat[name] = values.take(flat.index.to_numpy())
    for position, dtype in enumerate(flat.dtypes):
        if isinstance(dtype, pd.PeriodDtype):
            dates = flat.iloc[:, position].dt.to_timestamp()
            flat = flat.assign(**{str(flat.columns[position]): dates})
    return flat


def _list_index_columns(frame: pd.DataFrame) -> dict[str, pd.Index]:
    """Return the levels of the index that a table needs: its dates and its symbols, by name.

    Numbers count as dates only if nothing else does: else they number the rows.
    """
    labels = [part for label in frame.columns for part in _split_label(label)]
    roles = {find_role(label) for label in labels}
    columns: dict[str, pd.Index] = {}
    levels = [frame.index.get_level_values(level) for level in range(frame.index.nlevels)]
    for values in sorted(levels, key=_is_number):
        role = "" if values.name is None else find_role(values.name)
        is_other = role not in COLUMN_ROLES and len(levels) > 1 and _is_text(values)
        if role == "symbol" or is_other:
            if "symbol" not in roles:
                columns.setdefault(SYMBOL, values)
        elif not isinstance(values, pd.RangeIndex) and not roles & set(TIMES):
            columns.setdefault(DATE if role not in TIMES else str(values.name), values)
            roles.add("date")
    return columns


def _split_label(label: object) -> tuple[object, ...]:
    return label if isinstance(label, tuple) else (label,)


def _count_prices(labels: pd.Index) -> int:
    """Return the number of different prices among labels; tickers such as LOW may be among them."""
    return len({find_role(label) for label in labels} & set(PRICES))


def _is_number(values: pd.Index) -> bool:
    return bool(pd.api.types.is_numeric_dtype(values))


def _is_text(values: pd.Index) -> bool:
    """Return whether an index has text that is no date."""
    if isinstance(values.dtype, pd.CategoricalDtype):
        values = pd.Index(values.categories)  # type: ignore[attr-defined]
    first = values[:1].astype(str)
    is_text = pd.api.types.is_string_dtype(values) or values.dtype == object
    return bool(is_text and pd.isna(pd.to_datetime(first, errors="coerce")).all())


def _stack_symbols(frame: pd.DataFrame) -> pd.DataFrame:
    """Convert a header of prices and symbols to one row per symbol and bar.

    Empty bars of a symbol are dropped. A column without a symbol belongs to all of them.
    """
    levels = [frame.columns.get_level_values(level) for level in (0, 1)]
    fields = max(levels, key=_count_prices)
    if not _count_prices(fields):
        return frame
    symbols = levels[1] if fields is levels[0] else levels[0]
    # An index that became a column has its name on the first level, and nothing on the second.
    is_shared = np.asarray((levels[1].astype(str) == "") | levels[1].isna())
    shared = frame.loc[:, is_shared]
    shared.columns = levels[0][is_shared]
    parts = []
    for symbol in dict.fromkeys(symbols[~is_shared]):
        is_own = np.asarray(symbols == symbol) & ~is_shared
        part = frame.loc[:, is_own]
        part.columns = fields[is_own]
        part = part.dropna(how="all")
        parts.append(part.join(shared).assign(**{SYMBOL: str(symbol)}))
    stacked: pd.DataFrame = pd.concat(parts) if parts else shared
    return stacked
