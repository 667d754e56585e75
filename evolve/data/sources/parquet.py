"""Parquet files with the same columns as CSV files."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from evolve.data.files import fetch_files
from evolve.data.source import FetchedBars, Source, Spec
from evolve.errors import EvolveError

if TYPE_CHECKING:
    import pandas as pd

    from evolve.notices import NoticeLog

EXTENSIONS = (".parquet",)


def fetch(spec: Spec, notices: NoticeLog) -> FetchedBars:
    """Read Parquet files; the symbol is the file name, or in the symbol column."""
    return fetch_files(spec, "Parquet", EXTENSIONS, read, _name_row)


def read(path: Path, origin: str) -> pd.DataFrame:
    """Read the table of a Parquet file.

    Args:
        path: the file.
        origin: its name for messages.

    Raises:
        EvolveError: if the file is not a Parquet file.
    """
    import pandas as pd

    try:
        frame = pd.read_parquet(path)
    except Exception as error:
        reason = str(error).strip().split("\n")[0]
        hint = "give a Parquet file, or csv:PATH for a CSV file"
        raise EvolveError(f"{origin} is not a Parquet file: {reason}", hint) from None
    has_row_numbers = pd.api.types.is_integer_dtype(frame.index)
    return frame.reset_index(drop=True) if has_row_numbers else frame


def _name_row(row: int) -> str:
    return f"row {row + 1}"


SOURCE = Source("parquet", "Parquet files", "parquet:prices.parquet", fetch, EXTENSIONS)
