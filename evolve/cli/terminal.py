"""Console for tables and paragraphs, whose text never controls the terminal."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterable
from contextlib import suppress
from typing import Any

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment
from rich.text import Text

from dsl.printable import make_printable
from evolve.cli.output import is_plain

MAX_SEGMENT_CHARACTERS = 20_000  # a source line may be long


class OutputConsole(Console):
    """Console that interprets no markup, and escapes what it prints.

    Names of files and symbols, and answers of servers, are text from outside.
    """

    def __init__(self, stderr: bool = False, width: int | None = None) -> None:
        """
        Args:
            stderr: whether it prints on stderr.
            width: the length of a line in characters; None for that of the terminal.
        """
        super().__init__(
            stderr=stderr, width=width, highlight=False, markup=False, emoji=False,
            color_system=None if is_plain() else "auto",
        )  # fmt: skip

    @property
    def can_redraw(self) -> bool:
        """Whether it prints on a terminal that may be drawn on in place."""
        with suppress(OSError, ValueError):
            return self.is_terminal and self.file.isatty() and not is_plain()
        return False

    def on_broken_pipe(self) -> None:
        """Raise BrokenPipeError if the reader is gone; rich would exit with status 1."""
        raise BrokenPipeError(errno.EPIPE, os.strerror(errno.EPIPE))

    def render_str(self, text: str, **options: Any) -> Text:
        """Return a text, escaped before its width is measured."""
        return super().render_str(make_printable(text, MAX_SEGMENT_CHARACTERS), **options)

    def render(
        self, renderable: RenderableType, options: ConsoleOptions | None = None
    ) -> Iterable[Segment]:
        """Yield the segments of a renderable, escaped."""
        for each in super().render(renderable, options):
            if each.control:
                yield each
            else:
                yield Segment(make_printable(each.text, MAX_SEGMENT_CHARACTERS), each.style)
