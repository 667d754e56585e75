"""Position and columns of the table in a text file: delimiter, header, first and last row."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from evolve.data.tables.dialects import DELIMITERS, NUMBER, find_dialect, split_cells
from evolve.data.tables.raw_table import PRICES, TIMES, assign_roles
from evolve.errors import EvolveError

HEADER_BYTES = 65_536
FOOTER_BYTES = 4096  # of one line
MAX_FOOTER_LINES = 20
MAX_COLUMNS = 10_000
MAX_INDEX_CELLS = 2  # of a row before those that the header names
MAX_PREAMBLE_LINES = 40
SAMPLE_ROWS = 100
END_LABEL = "unnamed at the end"  # of the empty cells after a comma at the end of each row
MIN_SPARSE_CELLS = 10_000_000
NAMES_OF_DAYS = "mon|tue|wed|thu|fri|sat|sun"
NAMES_OF_MONTHS = "jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec"
LIKE_A_DATE = re.compile(rf"\W*(?:(?:{NAMES_OF_DAYS}|{NAMES_OF_MONTHS})[a-z]*\W*)*\d", re.I)


@dataclass(frozen=True)
class TextLayout:
    """Layout of a table in a text.

    Attributes:
        delimiter: the character between cells.
        labels: the labels of the columns, without duplicates.
        start: the offset of the first row in bytes.
        stop: the offset after the last row in bytes.
        first_line: the number of the line of the first row, from 1.
        above: the cells of the line above the header; empty if there is none.
    """

    delimiter: str
    labels: tuple[str, ...]
    start: int
    stop: int
    first_line: int
    above: tuple[str, ...] = ()


def find_layout(content: bytes, origin: str) -> TextLayout:
    """Return the layout of the table in a text.

    Lines above the header, such as a web address, and notes below the last row are no rows.

    Args:
        content: the file as UTF-8.
        origin: its name for messages.

    Raises:
        EvolveError: if the header is too long, or if rows without a header have no known layout.
    """
    lines = _split_head(content, origin)
    number, delimiter, labels = _find_header(lines)
    roles = assign_roles(labels)
    written = [line for line in lines[:SAMPLE_ROWS] if line.strip()]
    if not roles and written and (found := find_dialect(written, origin)):
        dialect, delimiter = found
        labels = list(dialect.labels)
        number = next(index for index, line in enumerate(lines) if line.strip()) - 1
    elif not roles and sum(map(_is_number, labels)) >= len(PRICES):
        raise EvolveError(
            f"{origin}: missing column `close`: line {number + 1} is a row, not a header",
            "write a header such as Date,Open,High,Low,Close,Volume",
        )
    _check_preamble(lines[: max(number, 0)], delimiter, origin)
    start = sum(len(line.encode()) + 1 for line in lines[: number + 1])
    first_row = next((line for line in lines[number + 1 :] if line.strip()), "")
    cells = split_cells(first_row, delimiter)
    if max(len(labels), len(cells)) > MAX_COLUMNS:
        raise EvolveError(
            f"{origin}: expected at most {MAX_COLUMNS:,} columns, found {len(labels):,}",
            "write one row per symbol and bar",
        )
    if len(cells) > len(labels) + MAX_INDEX_CELLS:
        raise EvolveError(
            f"{origin}: expected {len(labels)} cells as in the header, found {len(cells)}",
            "write decimals with a point, or separate cells with semicolons",
        )
    labels = _fit_labels(labels, cells)
    stop = _find_end(content, start, delimiter, labels)
    above = tuple(split_cells(lines[number - 1], delimiter)) if number > 0 else ()
    layout = TextLayout(delimiter, tuple(labels), min(start, stop), stop, number + 2, above)
    _check_size(content, layout, origin)
    return layout


def _split_head(content: bytes, origin: str) -> list[str]:
    """Return the complete lines in the first HEADER_BYTES."""
    head = content[:HEADER_BYTES]
    if len(content) > len(head):
        head, newline, _ = head.rpartition(b"\n")
        if not newline:
            raise EvolveError(
                f"{origin} is not a CSV file: line 1 is longer than {HEADER_BYTES:,} bytes",
                "expected a header and one row per bar",
            )
    return head.decode().split("\n")


def _find_header(lines: Sequence[str]) -> tuple[int, str, list[str]]:
    """Return the index, delimiter and labels of the line with the most roles, or of the first."""
    best: tuple[int, str, list[str]] | None = None
    most = (False, 0)
    for index, line in enumerate(lines[:MAX_PREAMBLE_LINES]):
        for delimiter in DELIMITERS:
            if delimiter in line:
                labels = split_cells(line.strip("\r"), delimiter)
                roles = assign_roles(labels)
                count = (set(PRICES) <= set(roles), len(roles))
                if count > most:
                    best, most = (index, delimiter, labels), count
    if best:
        return best
    delimiter = max(DELIMITERS, key=lines[0].count)
    return 0, delimiter, split_cells(lines[0].strip("\r"), delimiter)


def _check_preamble(lines: Sequence[str], delimiter: str, origin: str) -> None:
    """Raise EvolveError if a line above the header has prices."""
    for number, line in enumerate(lines, 1):
        if sum(map(_is_number, split_cells(line, delimiter))) >= len(PRICES):
            raise EvolveError(
                f"{origin}: line {number} is a row above the header in line {len(lines) + 1}",
                "move the header to the first line",
            )


def _fit_labels(labels: Sequence[str], row: Sequence[str]) -> list[str]:
    """Return labels for each cell of a row, without duplicates.

    A row may have more cells than the header: an empty one after a comma at its end, or row numbers
    before the others.
    """
    more = ["" for _ in range(len(row) - len(labels))]
    if len(more) == 1 and not row[-1].strip():
        labels = [*labels, END_LABEL]
    else:
        labels = [*(f"unnamed before {each}" for each, _ in enumerate(more)), *labels]
    unique: dict[str, None] = {}
    copies: Counter[str] = Counter()
    for index, label in enumerate(labels):
        candidate = name = label or f"Unnamed: {index}"
        while candidate in unique:
            copies[name] += 1
            candidate = f"{name}.{copies[name]}"
        unique[candidate] = None
    return list(unique)


def _find_end(content: bytes, start: int, delimiter: str, labels: Sequence[str]) -> int:
    """Return the offset after the last row, before blank lines and notes."""
    roles = assign_roles(labels)
    times = [labels.index(roles[name]) for name in TIMES if name in roles]
    prices = [labels.index(roles[name]) for name in PRICES if name in roles]
    end = stop = _skip_blanks(content, start, len(content))
    if not times or len(prices) < len(PRICES):
        return stop
    for _ in range(MAX_FOOTER_LINES):
        line_start = content.rfind(b"\n", max(start - 1, stop - FOOTER_BYTES), stop) + 1
        if stop <= start or line_start < start:
            break
        cells = split_cells(content[line_start:stop].decode(), delimiter)
        if not _is_note(cells, times[0], prices):
            break
        stop = _skip_blanks(content, start, line_start)
    is_whole = stop == end and len(content) - end < FOOTER_BYTES
    return len(content) if is_whole else stop  # a whole content needs no copy


def _skip_blanks(content: bytes, start: int, stop: int) -> int:
    """Return the offset after the last character that is not blank."""
    while stop > start:
        chunk = content[max(start, stop - FOOTER_BYTES) : stop]
        rest = len(chunk.rstrip())
        if rest:
            return stop - len(chunk) + rest
        stop -= len(chunk)
    return stop


def _is_note(cells: Sequence[str], time: int, prices: Sequence[int]) -> bool:
    """Return whether a line at the end has neither a date nor prices."""
    if not cells:
        return False
    date = cells[time] if time < len(cells) else cells[0]
    written = [cells[column] for column in prices if column < len(cells)]
    return not LIKE_A_DATE.match(date) and sum(map(_is_number, written)) < 2


def _check_size(content: bytes, layout: TextLayout, origin: str) -> None:
    """Raise EvolveError if most rows are shorter than the header, so that memory has no bound."""
    width = len(layout.labels)
    cells = width * content.count(b"\n", layout.start, layout.stop)
    if cells > max(len(content), MIN_SPARSE_CELLS):
        raise EvolveError(
            f"{origin}: most rows have fewer cells than the {width:,} columns of the header",
            "write one row per symbol and bar",
        )


def _is_number(cell: str) -> bool:
    return re.fullmatch(NUMBER, cell.strip().lstrip("$").replace(",", "")) is not None
