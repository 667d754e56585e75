"""Parquet files with the columns of `csv:`."""

from __future__ import annotations

from evolve.data.source import Fetched, Notify, Source, Spec
from evolve.errors import EvolveError


def fetch(spec: Spec, notify: Notify) -> Fetched:
    """Read the bars of a Parquet file; the symbol is the file's name."""
    import pandas as pd

    from evolve.data.frames import bars_from_frame

    spec.only()
    path = spec.file("Parquet")
    try:
        frame = pd.read_parquet(path)
    except Exception as error:
        reason = str(error).strip().split("\n")[0]
        raise EvolveError(f"{spec.name} is not a Parquet file: {reason}") from None
    return Fetched(bars_from_frame(frame, path.name.split(".")[0], spec.name, _row))


def _row(row: int) -> str:
    return f"row {row + 1}"


SOURCE = Source("parquet", "a Parquet file", "parquet:prices.parquet", fetch)
