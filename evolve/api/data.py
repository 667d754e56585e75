"""Bars from tables, paths and data specs."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from dsl.bars import Bars
from evolve.errors import EvolveError

if TYPE_CHECKING:
    import pandas as pd

Tables: TypeAlias = "pd.DataFrame | Mapping[str, pd.DataFrame]"
DataLike: TypeAlias = "str | Path | Sequence[str | Path] | Tables | Bars"
SYMBOL = "PRICES"  # of a table that names no symbol
HINT = "give a table of pandas, a dict of tables by symbol, a path, a data spec such as yahoo:SPY"


def bars(data: DataLike) -> Bars:
    """Build bars from data of any form, with the checks of files.

    What a person should know about the data goes to the logger `evolve`, as a warning.

    Args:
        data: a table with one row per bar, such as one of yfinance; a dict of tables by symbol,
            which are aligned on the union of their times; the path of a file or a folder; a data
            spec such as `sample:sp500`, or a list of them; or bars. A table does not change.

    Raises:
        EvolveError: if the data cannot be loaded, or for the first error in them, with its place.

    >>> import pandas as pd
    >>> from evolve.api import bars
    >>> days = pd.date_range("2024-01-01", periods=3)
    >>> prices = pd.DataFrame({name: [10.0, 11.0, 12.0] for name in "ohlc"}, index=days)
    >>> bars({"ME": prices}).close
    array([[10., 11., 12.]])
    """
    from evolve.data.bar_checks import check_bars

    if isinstance(data, Bars):
        check_bars(data)
        return data
    if isinstance(data, str | Path):
        return _load([data])
    if isinstance(data, Mapping):
        return _load_mapping(data)
    import pandas as pd

    from evolve.data.memory_tables import load_table

    if isinstance(data, pd.DataFrame):
        return load_table(data, SYMBOL, Log())
    if isinstance(data, list | tuple) and all(isinstance(each, str | Path) for each in data):
        return _load(data)
    raise EvolveError(f"expected bars, found {describe_type(data)}", HINT)


def describe_type(value: object) -> str:
    """Return what a value of a wrong type is, for messages: `None`, or its type."""
    return "`None`" if value is None else f"a value of type `{type(value).__name__}`"


class Log:
    """Log of notices, by the logger `evolve`."""

    def notice(self, text: str) -> None:
        """Log a notice as a warning."""
        logging.getLogger("evolve").warning("%s", text)


def _load(specs: Sequence[str | Path]) -> Bars:
    from evolve.data import load

    log = Log()
    dataset = load([str(each) for each in specs], log)
    for text in dataset.tradability_notes:
        log.notice(text)
    return dataset.bars


def _load_mapping(tables: Mapping[str, pd.DataFrame]) -> Bars:
    import pandas as pd

    from evolve.data.memory_tables import load_tables

    for name, table in tables.items():
        if not isinstance(name, str) or not name.strip():
            found = repr(name) if isinstance(name, str) else describe_type(name)
            raise EvolveError(f"expected symbols as text, found {found}", HINT)
        if not isinstance(table, pd.DataFrame):
            raise EvolveError(f"{name}: expected a table, found {describe_type(table)}", HINT)
    return load_tables(tables, Log())
