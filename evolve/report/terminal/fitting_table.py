"""Table that becomes a list on a terminal too narrow for its columns."""

from __future__ import annotations

from collections.abc import Iterable

from rich import console as rich_console
from rich.box import SIMPLE_HEAD
from rich.measure import Measurement
from rich.table import Column, Table
from rich.text import Text

from evolve.report.terminal.hanging import Hanging

MIN_NAME_CHARACTERS = 11  # of a column that wraps; a narrower one is hard to read


def blank_table(title: str = "", gap: int = 2) -> Table:
    """Build a table without rows, as narrow as its cells allow.

    Args:
        title: the line above the table, after a blank line; empty for none.
        gap: characters between columns.
    """
    return FittingTable(
        title=f"\n{title}" if title else None, title_justify="left", title_style="bold",
        box=SIMPLE_HEAD, padding=(0, gap - 1, 0, 0), pad_edge=False, show_edge=False,
    )  # fmt: skip


def format_text(text: str) -> Hanging:
    """Format text from outside, such as a symbol, so that a terminal shows it as it is."""
    return Hanging(text)


class FittingTable(Table):
    """Table whose rows become lines `name: heading figure, heading figure` if it does not fit."""

    def __rich_console__(
        self, console: rich_console.Console, options: rich_console.ConsoleOptions
    ) -> rich_console.RenderResult:
        """Yield the table, or the lines."""
        gap = self.padding[1] + 1  # the box has a blank between columns
        widths = [self._measure(console, options, each) for each in self.columns]
        if sum(widths) + gap * (len(widths) - 1) <= options.max_width:
            yield from super().__rich_console__(console, options)
            return
        if isinstance(self.title, str):
            yield Text(self.title, str(self.title_style))
        headings = [str(each.header) for each in self.columns]
        for cells in zip(*[each.cells for each in self.columns], strict=True):
            yield Hanging(_join(headings, [str(each) for each in cells]))

    def _measure(
        self, console: rich_console.Console, options: rich_console.ConsoleOptions, column: Column
    ) -> int:
        """Return the least width of a column."""
        wide = options.update(width=max(options.max_width, 1000))
        sizes = [Measurement.get(console, wide, each) for each in (column.header, *column.cells)]
        if column.no_wrap:
            return max(each.maximum for each in sizes)
        return min(max(each.minimum for each in sizes), MIN_NAME_CHARACTERS)


def _join(headings: Iterable[str], cells: list[str]) -> str:
    named = [
        f"{heading.replace(chr(10), ' ').strip()} {cell.strip()}".strip()
        for heading, cell in zip(headings, cells, strict=True)
        if cell.strip()
    ]
    name, rest = cells[0].rstrip(), named[1:] if cells[0].strip() else named
    return f"{name}: {', '.join(rest)}" if name.strip() and rest else name or ", ".join(rest)
