"""CSV files: a header, a date column, open, high, low, close and perhaps volume and Adj Close."""

from __future__ import annotations

import gzip
import zlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

from evolve.data.files import fetch_files
from evolve.data.source import Fetched, Source, Spec
from evolve.errors import EvolveError

if TYPE_CHECKING:
    import pandas as pd

    from evolve.notices import NoticeLog

BROKEN = (OSError, EOFError, zlib.error)  # what a damaged .gz raises
EXTENSIONS = (".csv", ".csv.gz", ".txt")
DELIMITERS = ",;\t|"
HEADER_BYTES = 4096


def fetch(spec: Spec, notices: NoticeLog) -> Fetched:
    """Read the bars of CSV files; a symbol is called by its file or by a column."""
    return fetch_files(spec, "CSV", EXTENSIONS, read, _line)


def read(path: Path, origin: str) -> pd.DataFrame:
    """The table of a CSV file, without blank lines at its end."""
    import pandas as pd

    if path.stat().st_size == 0:
        raise EvolveError(f"{origin} is empty", "it needs a header and one row a bar")
    is_packed = path.name.lower().endswith(".gz")
    try:
        delimiter, symbols = _header(path, is_packed)
        form: dict[str, Any] = {
            "encoding": "utf-8-sig", "skip_blank_lines": False, "sep": delimiter,
            "compression": "gzip" if is_packed else None,
        }  # fmt: skip
        frame: pd.DataFrame = pd.read_csv(path, low_memory=False, **form)
        for label in symbols:
            if label in frame.columns:
                text = pd.read_csv(path, usecols=[label], dtype=str, keep_default_na=False, **form)
                frame[label] = text[label].where(text[label] != "")
    except (UnicodeError, pd.errors.ParserError, pd.errors.EmptyDataError, *BROKEN) as error:
        reason = str(error).strip().split("\n")[0].rpartition("C error: ")[2]
        raise EvolveError(f"{origin} is not a CSV file: {reason}", "save it as CSV") from None
    frame = _fix_header(frame)
    written = frame.notna().any(axis=1).to_numpy()
    frame = frame.iloc[: len(written) - int(written[::-1].argmax())] if written.any() else frame
    frame.attrs["delimiter"] = delimiter  # between semicolons a comma may be a decimal point
    return _stack(frame) if _is_downloaded(frame) else frame


def _fix_header(frame: pd.DataFrame) -> pd.DataFrame:
    """The table under its own header, where every row has a cell more than that has.

    Pandas takes the first cells for an index: they are numbers of rows, or dates if it is the last
    cells, after a comma at the end of each row, that say nothing.
    """
    import pandas as pd

    if frame.columns.empty or frame.index.equals(pd.RangeIndex(len(frame))):
        return frame
    if frame.index.nlevels > 1 or not frame.iloc[:, -1].isna().all():
        return frame.reset_index(drop=True)
    shifted = frame.reset_index().iloc[:, :-1]
    shifted.columns = frame.columns
    return shifted


def _header(path: Path, is_packed: bool) -> tuple[str, list[str]]:
    """What stands between the columns, and those that hold symbols: `0700` and `NA` are names."""
    from evolve.data.raw_table import column_role

    with gzip.open(path) if is_packed else path.open("rb") as file:
        header = file.read(HEADER_BYTES).split(b"\n")[0].decode("utf-8-sig", "replace").strip()
    delimiter = max(DELIMITERS, key=header.count)
    labels = [label.strip('"') for label in header.split(delimiter)]
    return delimiter, [label for label in labels if column_role(label) == "symbol"]


def _is_downloaded(frame: pd.DataFrame) -> bool:
    """Whether it is a table as `yfinance.download(...).to_csv()` writes it, with three headers."""
    return (
        len(frame) > 2
        and len(frame.columns) > 1
        and str(frame.columns[0]) == "Price"
        and str(frame.iloc[0, 0]) == "Ticker"
        and str(frame.iloc[1, 0]) in ("Date", "Datetime")
    )


def _stack(frame: pd.DataFrame) -> pd.DataFrame:
    """Such a table with a row for each symbol and bar; bars that a symbol has not left out."""
    import pandas as pd

    tickers, rows = frame.iloc[0, 1:], frame.iloc[2:]
    parts = []
    for ticker in tickers.unique():
        own = rows[tickers.index[tickers == ticker]]
        own = own.rename(columns=lambda label: str(label).partition(".")[0])
        own = own.dropna(how="all")
        parts.append(own.assign(Date=rows.iloc[:, 0].loc[own.index], Symbol=ticker))
    stacked: pd.DataFrame = pd.concat(parts)
    return stacked


def _line(row: int) -> str:
    return f"line {row + 2}"


SOURCE = Source("csv", "CSV files", "csv:prices.csv", fetch, EXTENSIONS)
