"""CSV files: a header, a date column, open, high, low, close and perhaps volume and Adj Close."""

from __future__ import annotations

import zlib

from evolve.data.source import Fetched, Notify, Source, Spec
from evolve.errors import EvolveError

BROKEN = (OSError, EOFError, zlib.error)  # what a damaged .gz raises


def fetch(spec: Spec, notify: Notify) -> Fetched:
    """Read the bars of a CSV file; the symbol is the file's name."""
    import pandas as pd

    from evolve.data.frames import bars_from_frame

    spec.only()
    path = spec.file("CSV")
    if path.stat().st_size == 0:
        raise EvolveError(f"{spec.name} is empty", "it needs a header and one row a bar")
    try:
        frame = pd.read_csv(path, encoding="utf-8-sig", skip_blank_lines=False, low_memory=False)
    except (UnicodeError, pd.errors.ParserError, pd.errors.EmptyDataError, *BROKEN) as error:
        reason = str(error).strip().split("\n")[0]
        raise EvolveError(f"{spec.name} is not a CSV file: {reason}") from None
    written = frame.notna().any(axis=1).to_numpy()
    frame = frame.iloc[: len(written) - int(written[::-1].argmax())] if written.any() else frame
    return Fetched(bars_from_frame(frame, path.name.split(".")[0], spec.name, _line))


def _line(row: int) -> str:
    return f"line {row + 2}"


SOURCE = Source("csv", "a CSV file", "csv:prices.csv", fetch)
