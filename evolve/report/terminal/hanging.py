"""Text whose further lines are indented, so that one long name is not read as several."""

from __future__ import annotations

from collections.abc import Iterator

from rich import console as rich_console
from rich.measure import Measurement
from rich.text import Text

from dsl.printable import make_printable

INDENT = 2
MIN_TEXT_WIDTH = 8  # below it there is no indent, which would leave too little room


class Hanging:
    """Text that wraps at words, and within a word only if it is longer than a line.

    Attributes:
        text: the text.
        label: what precedes it on its first line; empty for nothing.
        indent: spaces before its further lines.
    """

    def __init__(self, text: str | Text, label: Text | None = None) -> None:
        """
        Args:
            text: the text; control characters of a string are escaped.
            label: what precedes it on its first line, as wide as the indent; None for nothing.
        """
        self.text = Text(make_printable(text)) if isinstance(text, str) else text
        self.label = label or Text()
        spaces = len(self.text.plain) - len(self.text.plain.lstrip(" "))
        self.indent = self.label.cell_len or INDENT + spaces

    def __str__(self) -> str:
        return self.label.plain + self.text.plain

    def __rich_console__(
        self, console: rich_console.Console, options: rich_console.ConsoleOptions
    ) -> Iterator[Text]:
        """Yield its lines."""
        width = options.max_width
        if self.label.cell_len + self.text.cell_len <= width and "\n" not in self.text.plain:
            yield Text.assemble(self.label, self.text)
            return
        indent = self.indent if width - self.indent >= MIN_TEXT_WIDTH else 0
        if self.label and not indent:
            yield self.label
        first = self.label if indent else Text()
        for number, line in enumerate(self.text.wrap(console, width - indent, overflow="fold")):
            line.rstrip()
            yield Text.assemble(" " * indent if number else first, line)

    def __rich_measure__(
        self, console: rich_console.Console, options: rich_console.ConsoleOptions
    ) -> Measurement:
        """Return the widths of its longest word and of its longest line."""
        whole = Text.assemble(self.label, self.text)
        return Measurement.get(console, options, whole)
