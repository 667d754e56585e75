"""CSV files: a header, a date column, open, high, low, close and perhaps volume and Adj Close."""

from __future__ import annotations

import gzip
import zlib
from pathlib import Path
from typing import TYPE_CHECKING

from evolve.data.files import fetch_files
from evolve.data.source import Fetched, Notify, Source, Spec
from evolve.errors import EvolveError

if TYPE_CHECKING:
    import pandas as pd

BROKEN = (OSError, EOFError, zlib.error)  # what a damaged .gz raises
ENDINGS = (".csv", ".csv.gz", ".txt")
DELIMITERS = ",;\t|"
BYTES_OF_HEADER = 4096


def fetch(spec: Spec, notify: Notify) -> Fetched:
    """Read the bars of CSV files; a symbol is called by its file or by a column."""
    return fetch_files(spec, "CSV", ENDINGS, read, _line)


def read(path: Path, origin: str) -> pd.DataFrame:
    """The table of a CSV file, without blank lines at its end."""
    import pandas as pd

    if path.stat().st_size == 0:
        raise EvolveError(f"{origin} is empty", "it needs a header and one row a bar")
    try:
        frame: pd.DataFrame = pd.read_csv(
            path, encoding="utf-8-sig", skip_blank_lines=False, low_memory=False,
            sep=_delimiter(path),
        )  # fmt: skip
    except (UnicodeError, pd.errors.ParserError, pd.errors.EmptyDataError, *BROKEN) as error:
        reason = str(error).strip().split("\n")[0].rpartition("C error: ")[2]
        raise EvolveError(f"{origin} is not a CSV file: {reason}", "save it as CSV") from None
    written = frame.notna().any(axis=1).to_numpy()
    frame = frame.iloc[: len(written) - int(written[::-1].argmax())] if written.any() else frame
    return _stacked(frame) if _is_downloaded(frame) else frame


def _delimiter(path: Path) -> str:
    """What stands between the columns: what the header holds most of."""
    with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as file:
        header = file.read(BYTES_OF_HEADER).split(b"\n")[0].decode("utf-8", "replace")
    return max(DELIMITERS, key=header.count)


def _is_downloaded(frame: pd.DataFrame) -> bool:
    """Whether it is a table as `yfinance.download(...).to_csv()` writes it, with three headers."""
    return (
        len(frame) > 2
        and len(frame.columns) > 1
        and str(frame.columns[0]) == "Price"
        and [str(cell) for cell in frame.iloc[:2, 0]] == ["Ticker", "Date"]
    )


def _stacked(frame: pd.DataFrame) -> pd.DataFrame:
    """Such a table with a row for each symbol and bar; bars that a symbol has not left out."""
    import pandas as pd

    tickers, rows = frame.iloc[0, 1:], frame.iloc[2:]
    parts = []
    for ticker in tickers.unique():
        own = rows[tickers.index[tickers == ticker]]
        own = own.rename(columns=lambda label: str(label).partition(".")[0])
        parts.append(own.assign(Date=rows.iloc[:, 0], Symbol=ticker).dropna(subset=["Close"]))
    stacked: pd.DataFrame = pd.concat(parts)
    return stacked


def _line(row: int) -> str:
    return f"line {row + 2}"


SOURCE = Source("csv", "CSV files", "csv:prices.csv", fetch, ENDINGS)
