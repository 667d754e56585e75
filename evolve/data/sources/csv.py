"""CSV files with a date column, open, high, low and close, and optional volume and Adj Close."""

from __future__ import annotations

import gzip
import zlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

from evolve.data.files import fetch_files
from evolve.data.source import FetchedBars, Source, Spec
from evolve.errors import EvolveError

if TYPE_CHECKING:
    import pandas as pd

    from evolve.notices import NoticeLog

GZIP_ERRORS = (OSError, EOFError, zlib.error)
EXTENSIONS = (".csv", ".csv.gz", ".txt")
DELIMITERS = ",;\t|"
HEADER_BYTES = 4096


def fetch(spec: Spec, notices: NoticeLog) -> FetchedBars:
    """Read CSV files; the symbol is the file name, or in the symbol column."""
    return fetch_files(spec, "CSV", EXTENSIONS, read, _name_line, notices)


def read(path: Path, origin: str) -> pd.DataFrame:
    """Read the table of a CSV file, without blank lines at its end.

    Args:
        path: the file.
        origin: its name for messages.

    Raises:
        EvolveError: if the file is empty or not a CSV file.
    """
    import pandas as pd

    if path.stat().st_size == 0:
        raise EvolveError(f"{origin} is empty", "expected a header and one row per bar")
    is_gzip = path.name.lower().endswith(".gz")
    try:
        delimiter, symbols = _read_header(path, is_gzip)
        options: dict[str, Any] = {
            "encoding": "utf-8-sig", "skip_blank_lines": False, "sep": delimiter,
            "compression": "gzip" if is_gzip else None,
        }  # fmt: skip
        frame: pd.DataFrame = pd.read_csv(path, low_memory=False, **options)
        for label in symbols:
            if label in frame.columns:
                text = pd.read_csv(
                    path, usecols=[label], dtype=str, keep_default_na=False, **options
                )
                frame[label] = text[label].where(text[label] != "")
    except (UnicodeError, pd.errors.ParserError, pd.errors.EmptyDataError, *GZIP_ERRORS) as error:
        reason = str(error).strip().split("\n")[0].rpartition("C error: ")[2]
        raise EvolveError(f"{origin} is not a CSV file: {reason}", "save it as CSV") from None
    frame = _fix_header(frame)
    is_written = frame.notna().any(axis=1).to_numpy()
    if is_written.any():
        frame = frame.iloc[: len(is_written) - int(is_written[::-1].argmax())]
    frame.attrs["delimiter"] = delimiter  # with semicolons, a comma may be a decimal point
    return _stack_symbols(frame) if _is_yfinance_table(frame) else frame


def _fix_header(frame: pd.DataFrame) -> pd.DataFrame:
    """Align the header with the rows if each row has more cells than the header.

    Pandas uses the extra first cells as the index. They are row numbers; or they are dates, if the
    last cells are empty because each row ends with a comma.
    """
    import pandas as pd

    if frame.columns.empty or frame.index.equals(pd.RangeIndex(len(frame))):
        return frame
    if frame.index.nlevels > 1 or not frame.iloc[:, -1].isna().all():
        return frame.reset_index(drop=True)
    shifted = frame.reset_index().iloc[:, :-1]
    shifted.columns = frame.columns
    return shifted


def _read_header(path: Path, is_gzip: bool) -> tuple[str, list[str]]:
    """Return the delimiter, and the labels of symbol columns.

    Symbol columns are read as text: `0700` and `NA` are symbols, not a number and a missing value.
    """
    from evolve.data.raw_table import find_role

    with gzip.open(path) if is_gzip else path.open("rb") as file:
        header = file.read(HEADER_BYTES).split(b"\n")[0].decode("utf-8-sig", "replace").strip()
    delimiter = max(DELIMITERS, key=header.count)
    labels = [label.strip('"') for label in header.split(delimiter)]
    return delimiter, [label for label in labels if find_role(label) == "symbol"]


def _is_yfinance_table(frame: pd.DataFrame) -> bool:
    """Return whether `yfinance.download(...).to_csv()` wrote the table, with three header rows."""
    return (
        len(frame) > 2
        and len(frame.columns) > 1
        and str(frame.columns[0]) == "Price"
        and str(frame.iloc[0, 0]) == "Ticker"
        and str(frame.iloc[1, 0]) in ("Date", "Datetime")
    )


def _stack_symbols(frame: pd.DataFrame) -> pd.DataFrame:
    """Convert a yfinance table to one row per symbol and bar; drop the empty bars of a symbol."""
    import pandas as pd

    tickers, rows = frame.iloc[0, 1:], frame.iloc[2:]
    parts = []
    for ticker in tickers.unique():
        part = rows[tickers.index[tickers == ticker]]
        part = part.rename(columns=lambda label: str(label).partition(".")[0])
        part = part.dropna(how="all")
        parts.append(part.assign(Date=rows.iloc[:, 0].loc[part.index], Symbol=ticker))
    stacked: pd.DataFrame = pd.concat(parts)
    return stacked


def _name_line(row: int) -> str:
    return f"line {row + 2}"


SOURCE = Source("csv", "CSV files", "csv:prices.csv", fetch, EXTENSIONS)
