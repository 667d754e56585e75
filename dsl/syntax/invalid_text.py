"""Checks of a text before it is parsed: its length, its characters and its words."""

from __future__ import annotations

import re
from itertools import islice

from dsl.diagnostics import Diagnostic, Source, Span

MAX_FILE_CHARACTERS = 2_000_000
MAX_WORD_CHARACTERS = 400  # more than any finite 64-bit float has digits before its point
MAX_INVALID = 20

# Control characters except those of lines and spaces, marks that reorder text, lone surrogates.
_UNPRINTABLE = re.compile(
    "[\x00-\x08\x0b\x0e-\x1f\x7f-\x9f\u061c\u202a-\u202e\u2066-\u2069\ud800-\udfff]"
)
_LONE_RETURN = re.compile(r"\r(?!\n)")
_LONG_WORD = re.compile(rf'"[^"\n]*"|#[^\n]*|(?P<word>[A-Za-z0-9_.]{{{MAX_WORD_CHARACTERS + 1},}})')


def normalize_text(text: str) -> str:
    """Return a text without a byte order mark, and with line feeds for lone carriage returns."""
    return _LONE_RETURN.sub("\n", text.removeprefix("\ufeff"))


def find_invalid_text(source: Source) -> list[Diagnostic]:
    """Return the errors of a text that is not worth parsing."""
    if len(source.text) > MAX_FILE_CHARACTERS:
        message = f"file has {len(source.text):,} characters; the limit is {MAX_FILE_CHARACTERS:,}"
        hint = "split it into several files"
        return [Diagnostic("E103", message, Span(0, 1), hint, source)]
    errors: list[Diagnostic] = []
    for match in islice(_UNPRINTABLE.finditer(source.text), MAX_INVALID):
        name = f"U+{ord(match.group()):04X}"
        message = f"unexpected invisible character {name}"
        errors.append(Diagnostic("E101", message, Span(*match.span()), "remove it", source))
    words = (each for each in _LONG_WORD.finditer(source.text) if each.group("word"))
    for match in islice(words, MAX_INVALID):
        length = len(match.group())
        message = f"name or number of {length:,} characters; the limit is {MAX_WORD_CHARACTERS}"
        span = Span(match.start(), match.start() + 1)
        errors.append(Diagnostic("E113", message, span, "write a shorter one", source))
    return sorted(errors, key=lambda each: each.span)
