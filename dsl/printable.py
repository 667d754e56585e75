"""Conversion of text from outside to text that is safe to print."""

from __future__ import annotations

import re

MAX_SHOWN_CHARACTERS = 2000
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


def _escape(match: re.Match[str]) -> str:
    code = ord(match.group())
    if code > 0xFFFF:
        return f"\\U{code:08x}"
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"
