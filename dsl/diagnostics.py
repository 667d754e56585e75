"""What is wrong with a text, said so that a person or a model can mend it."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

Severity = Literal["error", "warning"]


class Span(NamedTuple):
    """A stretch of source text: offsets of its first character and of the one after its last."""

    start: int
    end: int


class Position(NamedTuple):
    """A place as people count it: line and column, both from 1."""

    line: int
    column: int


@dataclass(frozen=True)
class Source:
    """A text and the name it goes by in messages (a path, or `<text>`)."""

    text: str
    name: str = "<text>"

    def position(self, offset: int) -> Position:
        """Line and column of a character offset."""
        before = self.text[:offset]
        return Position(before.count("\n") + 1, offset - (before.rfind("\n") + 1) + 1)

    def line(self, number: int) -> str:
        """The text of one line, counted from 1, without its end."""
        lines = self.text.split("\n")
        return lines[number - 1].rstrip("\r") if number <= len(lines) else ""


@dataclass(frozen=True)
class Diagnostic:
    """One finding: a stable code, where it is, what was found, and how to mend it."""

    code: str
    message: str
    span: Span
    hint: str = ""
    source: Source = field(default_factory=lambda: Source(""), compare=False)

    @property
    def severity(self) -> Severity:
        """Codes that begin with E are errors, with W warnings."""
        return "error" if self.code.startswith("E") else "warning"

    def render(self) -> str:
        """The finding as text: code, place, the line with a caret under the span, the fix."""
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
        """The finding as plain data, for `--json`."""
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
    """A text that is not a valid program; carries every finding of the text at once."""

    def __init__(self, diagnostics: Sequence[Diagnostic]) -> None:
        self.diagnostics = tuple(diagnostics)
        super().__init__("\n\n".join(each.render() for each in self.diagnostics))


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """A suggestion among known names for a mistyped one, or an empty string."""
    close = difflib.get_close_matches(name.lower(), list(known), n=2, cutoff=0.6)
    return "did you mean " + " or ".join(f"`{each}`" for each in close) + "?" if close else ""


def _window(length: int, column: int, width: int = 100) -> tuple[int, int]:
    """The part of a long line to show around a column."""
    if length <= width:
        return 0, length
    start = max(0, min(column - width // 2, length - width))
    return start, start + width
