"""Diagnostics of a text: errors and warnings with position, message and fix."""

from __future__ import annotations

import difflib
import re
import unicodedata
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import islice
from typing import Literal, NamedTuple

from dsl.printable import make_printable

Severity = Literal["error", "warning"]

SHOWN_CHARACTERS = 100  # of a source line
MAX_COMPARED_NAMES, MAX_COMPARED_CHARACTERS = 2_000, 60  # in a search for a mistyped name


class Span(NamedTuple):
    """Span of source text, from the offset `start` up to but not including `end`."""

    start: int
    end: int


class Position(NamedTuple):
    """Position in a text: line and column, both counted from 1."""

    line: int
    column: int


@dataclass(frozen=True)
class Source:
    """Text, and its name in messages: a path, or `<text>`."""

    text: str
    name: str = "<text>"

    @cached_property
    def _line_starts(self) -> list[int]:
        """Offsets at which lines begin, in ascending order."""
        return [0, *[match.end() for match in re.finditer("\n", self.text)]]

    def position(self, offset: int) -> Position:
        """Return the line and column of a character offset."""
        offset = min(offset, len(self.text))
        line = bisect_right(self._line_starts, offset)
        return Position(line, offset - self._line_starts[line - 1] + 1)

    def line(self, number: int) -> str:
        """Return the text of a line, counted from 1, without its line end."""
        starts = self._line_starts
        if number > len(starts):
            return ""
        end = starts[number] - 1 if number < len(starts) else len(self.text)
        return self.text[starts[number - 1] : end].rstrip("\r")


@dataclass(frozen=True)
class Diagnostic:
    """Error or warning at a span of a source.

    Attributes:
        code: stable code, such as E101 or W404.
        message: what is wrong.
        span: characters that the message is about.
        hint: how to fix it; may be empty.
        source: the text that the span refers to.
    """

    code: str
    message: str
    span: Span
    hint: str = ""
    source: Source = field(default_factory=lambda: Source(""), compare=False)

    @property
    def severity(self) -> Severity:
        """Severity, by the first letter of the code."""
        return "error" if self.code.startswith("E") else "warning"

    def render(self) -> str:
        """Return the diagnostic as text: message, position, source line with carets, and fix."""
        line, column = self.source.position(self.span.start)
        text = self.source.line(line)
        start, stop = _window(len(text), column - 1)
        marked_end = min(column - 1 + max(1, self.span.end - self.span.start), stop)
        before = _show(text[start : column - 1])
        marked = _show(text[column - 1 : marked_end])
        after = _show(text[marked_end:stop])
        gutter = " " * len(str(line))
        parts = [
            f"{self.severity}[{self.code}]: {make_printable(self.message)}",
            f"{gutter}--> {make_printable(self.source.name)}:{line}:{column}",
            f"{gutter} |",
            f"{line} | {before}{marked}{after}",
            f"{gutter} | {' ' * _measure_width(before)}{'^' * max(1, _measure_width(marked))}",
        ]
        if self.hint:
            parts.append(f"{gutter} = {make_printable(self.hint)}")
        return "\n".join(part.rstrip() for part in parts)

    def as_json(self) -> dict[str, object]:
        """Return the diagnostic as plain data, for `--json`."""
        line, column = self.source.position(self.span.start)
        return {
            "severity": self.severity,
            "code": self.code,
            "message": make_printable(self.message),
            "hint": make_printable(self.hint),
            "file": self.source.name,
            "line": line,
            "column": column,
            "length": self.span.end - self.span.start,
        }


class LanguageError(Exception):
    """Error of an invalid text; `diagnostics` has everything that is wrong with it."""

    def __init__(self, diagnostics: Sequence[Diagnostic]) -> None:
        self.diagnostics = tuple(diagnostics)
        super().__init__("\n\n".join(each.render() for each in self.diagnostics))


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return a hint with the known names closest to a mistyped one; empty if none is close.

    Long names, and names after the first `MAX_COMPARED_NAMES`, are not compared.
    """
    if len(name) > MAX_COMPARED_CHARACTERS:
        return ""
    compared = [
        each for each in islice(known, MAX_COMPARED_NAMES) if len(each) <= MAX_COMPARED_CHARACTERS
    ]
    close = difflib.get_close_matches(name.lower(), compared, n=2, cutoff=0.6)
    return "did you mean " + " or ".join(f"`{each}`" for each in close) + "?" if close else ""


def _window(length: int, column: int) -> tuple[int, int]:
    """Return the slice of a long line to show around a column."""
    if length <= SHOWN_CHARACTERS:
        return 0, length
    start = max(0, min(column - SHOWN_CHARACTERS // 2, length - SHOWN_CHARACTERS))
    return start, start + SHOWN_CHARACTERS


def _show(text: str) -> str:
    """Return a part of a source line as it is printed."""
    return make_printable(text.replace("\t", " "))


def _measure_width(text: str) -> int:
    """Return the number of columns that a text takes on a terminal."""
    if text.isascii():
        return len(text)
    wide = sum(unicodedata.east_asian_width(each) in "WF" for each in text)
    return len(text) + wide - sum(unicodedata.combining(each) > 0 for each in text)
