"""Text files of prices with a date column, open, high, low and close, and optional columns."""

from __future__ import annotations

import re
from collections.abc import Sequence
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

from evolve.data.files import fetch_files
from evolve.data.source import FetchedBars, Source, Spec
from evolve.errors import EvolveError

if TYPE_CHECKING:
    import pandas as pd

    from evolve.data.tables.text_layout import TextLayout
    from evolve.notices import NoticeLog

EXTENSIONS = (".csv", ".csv.gz", ".txt")
MISSING = (
    "", "#N/A", "#N/A N/A", "#NA", "-1.#IND", "-1.#QNAN", "-NaN", "-nan", "1.#IND", "1.#QNAN",
    "<NA>", "N/A", "NA", "NULL", "NaN", "None", "n/a", "nan",
)  # fmt: skip
NO_BAR = "null"  # Yahoo writes it in each cell of a day without trading
TOO_LONG = re.compile(r"Expected (\d+) fields in line (\d+), saw (\d+)")


def fetch(spec: Spec, notices: NoticeLog) -> FetchedBars:
    """Read CSV files; the symbol is the file name, or in the symbol column."""
    return fetch_files(spec, "CSV", EXTENSIONS, read, _name_line, notices)


def read(path: Path, origin: str) -> pd.DataFrame:
    """Read the table of a CSV file; the index is the number of the line.

    Symbols are text: `0700` and `NA` are symbols, not a number and a missing value. If a number has
    separators, all numbers are text too: `1.200` beside `12,50` is not 1.2.

    Args:
        path: the file.
        origin: its name for messages.

    Raises:
        EvolveError: if the file is empty or not a CSV file.
    """
    import pandas as pd

    from evolve.data.tables.file_text import read_utf8
    from evolve.data.tables.header_levels import name_levels
    from evolve.data.tables.raw_table import NUMBERS, PRICES, assign_roles
    from evolve.data.tables.text_layout import END_LABEL, find_layout

    content = read_utf8(path, origin)
    layout = find_layout(content, origin)
    frame = _parse(content, layout, origin)
    roles = assign_roles(frame.columns)
    numbers = [str(roles[name]) for name in NUMBERS if name in roles]
    texts = [str(roles["symbol"])] if "symbol" in roles else []
    if any(_has_separators(frame[label]) for label in numbers):
        texts = list(dict.fromkeys([*texts, *numbers]))
    if texts:
        text = _parse(content, layout, origin, texts)
        frame[texts] = text[texts].where(text[texts] != "")
    frame.index = pd.RangeIndex(layout.first_line, layout.first_line + len(frame))
    if END_LABEL in frame and (ends := frame[END_LABEL].dropna()).size:
        raise EvolveError(
            f"{origin}, line {ends.index[0]}: expected {len(layout.labels) - 1} cells, found more",
            "correct the row, or name the last column",
        )
    frame = _drop_empty_rows(frame, [str(roles[name]) for name in PRICES if name in roles])
    return name_levels(frame, layout.above)


def _parse(
    content: bytes, layout: TextLayout, origin: str, texts: Sequence[str] | None = None
) -> pd.DataFrame:
    """Parse the rows of a text; only some columns, as text, if they are given."""
    import pandas as pd

    stream = BytesIO(content)
    if layout.stop < len(content):
        stream = BytesIO(content[: layout.stop])
    stream.seek(layout.start)
    options: dict[str, Any] = {
        "sep": layout.delimiter, "header": None, "names": list(layout.labels),
        "skip_blank_lines": False, "keep_default_na": False, "low_memory": False,
    }  # fmt: skip
    if texts is None:
        options["na_values"] = MISSING
    else:
        options |= {"usecols": list(texts), "dtype": str}
    try:
        frame: pd.DataFrame = pd.read_csv(stream, **options)
    except pd.errors.EmptyDataError:
        return pd.DataFrame(columns=list(layout.labels))
    except (pd.errors.ParserError, ValueError, OverflowError) as error:
        reason = str(error).strip().split("\n")[0].rpartition("C error: ")[2]
        if match := TOO_LONG.search(reason):
            expected, line, found = map(int, match.groups())
            line += layout.first_line - 1
            reason = f"line {line}: expected {expected} cells, found {found}"
        raise EvolveError(f"{origin} is not a CSV file: {reason}", "save it as CSV") from None
    return frame


def _has_separators(column: pd.Series) -> bool:
    import pandas as pd

    from evolve.data.tables.numbers import has_separators

    return not pd.api.types.is_numeric_dtype(column) and has_separators(column.astype(str))


def _drop_empty_rows(frame: pd.DataFrame, prices: Sequence[str]) -> pd.DataFrame:
    """Drop blank rows at the end, and rows with `null` for each price."""
    import pandas as pd

    is_written = frame.notna().any(axis=1).to_numpy()
    if is_written.any():
        frame = frame.iloc[: len(is_written) - int(is_written[::-1].argmax())]
    if prices and not any(pd.api.types.is_numeric_dtype(frame[label]) for label in prices):
        frame = frame[~(frame[list(prices)] == NO_BAR).all(axis=1)]
    return frame


def _name_line(row: int) -> str:
    return f"line {row}"


SOURCE = Source("csv", "CSV files", "csv:prices.csv", fetch, EXTENSIONS)
