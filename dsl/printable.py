"""Conversion of text from outside to text that is safe to print."""

from __future__ import annotations

import re

MAX_SHOWN_CHARACTERS = 2000
MAX_SHOWN_LINES = 1000
# Control characters except tab and line feed, marks that reorder text, and lone surrogates.
_UNSAFE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb"
    "\ud800-\udfff\U000e0000-\U000e007f]"
)


def make_printable(text: object, max_characters: int = MAX_SHOWN_CHARACTERS) -> str:
    """Return a text without characters that control a terminal, cut in the middle if it is long.

    Args:
        text: text, or a value to convert to text.
        max_characters: the length above which the middle is replaced by `…`.
    """
    escaped = _UNSAFE.sub(_escape, str(text))
    if len(escaped) <= max_characters:
        return escaped
    head = (max_characters * 2) // 3
    return f"{escaped[:head]} … {escaped[len(escaped) - (max_characters - head) :]}"


def make_lines_printable(text: object, max_lines: int | None = MAX_SHOWN_LINES) -> str:
    """Return a text of several lines, each of which is printable and cut if it is long.

    Args:
        text: text, or a value to convert to text.
        max_lines: the number of lines above which those in the middle are replaced by `…`; None for
            no limit.
    """
    lines = str(text).split("\n")
    if max_lines is not None and len(lines) > max_lines:
        head = (max_lines * 2) // 3
        lines = [*lines[:head], "…", *lines[len(lines) - (max_lines - head) :]]
    return "\n".join(map(make_printable, lines))


def _escape(match: re.Match[str]) -> str:
    code = ord(match.group())
    if code > 0xFFFF:
        return f"\\U{code:08x}"
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"
