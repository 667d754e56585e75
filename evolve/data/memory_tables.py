"""Bars from tables in memory, such as those of pandas, by the same door as files."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from dsl.bars import Bars
from dsl.printable import make_printable
from evolve.data.dataset import check_bias, combine
from evolve.data.source import FetchedBars
from evolve.data.tradability import describe_closes_only, mark_closes_only
from evolve.errors import EvolveError

if TYPE_CHECKING:
    import pandas as pd

    from evolve.notices import NoticeLog

HINT = "expected one row per bar, with open, high, low, close and a date column or index"


def load_table(frame: pd.DataFrame, symbol: str, notices: NoticeLog) -> Bars:
    """Build bars from a table of one or more symbols.

    Args:
        frame: as in `evolve.data.tables.frames.bars_from_frame`, or as yfinance returns it, with
            prices and tickers in a header of two levels. It does not change.
        symbol: the symbol if the table names none.
        notices: receives what a person should know.

    Raises:
        EvolveError: for the first error, with row and column.
    """
    return _finish([_read(frame, symbol, "the table", notices)], notices)


def load_tables(frames: Mapping[str, pd.DataFrame], notices: NoticeLog) -> Bars:
    """Build bars from one table per symbol, aligned on the union of their times.

    Args:
        frames: the tables by symbol; see `load_table`.
        notices: receives what a person should know.

    Raises:
        EvolveError: if there is no table, or for the first error, with symbol, row and column.
    """
    if not frames:
        raise EvolveError("expected a table for each symbol, found none")
    parts = []
    for name, frame in frames.items():
        symbol = make_printable(name)
        bars = _read(frame, symbol, f"the table of {symbol}", notices)
        if len(bars.symbols) > 1:
            found = make_printable(", ".join(bars.symbols))
            raise EvolveError(
                f"the table of {symbol}: expected one symbol, found {found}",
                "give a table of several symbols without a name",
            )
        parts.append(replace(bars, symbols=(symbol,)))
    return _finish(parts, notices)


def _finish(parts: list[Bars], notices: NoticeLog) -> Bars:
    """Align, complete and mark bars, as those of a data spec."""
    fetched = [FetchedBars(each) for each in parts]
    bars, gains = mark_closes_only(combine(fetched, notices))
    check_bias(bars, fetched, notices)
    for text in describe_closes_only(bars, gains):
        notices.notice(text)
    return bars


def _read(frame: pd.DataFrame, symbol: str, origin: str, notices: NoticeLog) -> Bars:
    from evolve.data.tables.flatten import flatten_table
    from evolve.data.tables.frames import bars_from_frame

    try:
        flat = flatten_table(frame)
        return bars_from_frame(flat, symbol, origin, _name_rows(frame), notices)
    except EvolveError:
        raise
    except Exception as error:  # pandas raises many kinds on cells of unusual types
        reason = f"{error}".strip().split("\n")[0] or type(error).__name__
        raise EvolveError(f"{origin} cannot be read: {reason}", HINT) from None


def _name_rows(frame: pd.DataFrame) -> Callable[[int], str]:
    """Return a function that names a row for messages by its label, such as `row 2020-01-31`."""

    def name_row(row: int) -> str:
        label = frame.index[row]
        parts = label if isinstance(label, tuple) else (label,)
        texts = [str(each).removesuffix(" 00:00:00") for each in parts]
        return make_printable(f"row {', '.join(texts)}")

    return name_row
