"""Parquet files with the columns of `csv:`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from evolve.data.files import fetch_files
from evolve.data.source import Fetched, Source, Spec
from evolve.errors import EvolveError

if TYPE_CHECKING:
    import pandas as pd

    from evolve.notices import NoticeLog

EXTENSIONS = (".parquet",)


def fetch(spec: Spec, notices: NoticeLog) -> Fetched:
    """Read the bars of Parquet files; a symbol is called by its file or by a column."""
    return fetch_files(spec, "Parquet", EXTENSIONS, read, _row)


def read(path: Path, origin: str) -> pd.DataFrame:
    """The table of a Parquet file."""
    import pandas as pd

    try:
        frame = pd.read_parquet(path)
    except Exception as error:
        reason = str(error).strip().split("\n")[0]
        hint = "give a Parquet file, or csv:PATH for a CSV file"
        raise EvolveError(f"{origin} is not a Parquet file: {reason}", hint) from None
    is_counted = pd.api.types.is_integer_dtype(frame.index)
    return frame.reset_index(drop=True) if is_counted else frame


def _row(row: int) -> str:
    return f"row {row + 1}"


SOURCE = Source("parquet", "Parquet files", "parquet:prices.parquet", fetch, EXTENSIONS)
