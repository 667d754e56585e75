"""Diagnostics of a text: errors and warnings with position, message and fix."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

Severity = Literal["error", "warning"]


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

    def position(self, offset: int) -> Position:
        """Return the line and column of a character offset."""
        before = self.text[:offset]
        return Position(before.count("\n") + 1, offset - (before.rfind("\n") + 1) + 1)

    def line(self, number: int) -> str:
        """Return the text of a line, counted from 1, without its line end."""
        lines = self.text.split("\n")
        return lines[number - 1].rstrip("\r") if number <= len(lines) else ""


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
        shown = self.source.line(line).replace("\t", " ")
        start, stop = _window(len(shown), column - 1)
        width = max(1, min(self.span.end - self.span.start, len(shown) - column + 1))
        gutter = " " * len(str(line))
        parts = [
            f"{self.severity}[{self.code}]: {self.message}",
            f"{gutter}--> {self.source.name}:{line}:{column}",
            f"{gutter} |",
            f"{line} | {shown[start:stop]}",
            f"{gutter} | {' ' * (column - 1 - start)}{'^' * min(width, stop - column + 1 or 1)}",
        ]
        if self.hint:
            parts.append(f"{gutter} = {self.hint}")
        return "\n".join(part.rstrip() for part in parts)

    def as_json(self) -> dict[str, object]:
        """Return the diagnostic as plain data, for `--json`."""
        line, column = self.source.position(self.span.start)
        return {
            "severity": self.severity,
            "code": self.code,
            "message": self.message,
            "hint": self.hint,
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
    """Return a hint with the known names closest to a mistyped one; empty if none is close."""
    close = difflib.get_close_matches(name.lower(), list(known), n=2, cutoff=0.6)
    return "did you mean " + " or ".join(f"`{each}`" for each in close) + "?" if close else ""


def _window(length: int, column: int, width: int = 100) -> tuple[int, int]:
    """Return the slice of a long line to show around a column."""
    if length <= width:
        return 0, length
    start = max(0, min(column - width // 2, length - width))
    return start, start + width
