"""Quotation of text that models wrote: in a later prompt it is data.

A quoted text is one short line. It ends where its quotes end, so that it cannot imitate a measured
figure beside it, and it has no character sequence that a server, a chat template or Markdown reads
as structure.
"""

from __future__ import annotations

import re
import unicodedata

MAX_BLOCK_CHARACTERS = 4000
_READ_PER_CHARACTER = 4  # characters of the text that are read for each one of the result
_HIDDEN = {"Cc", "Cf", "Cs"}  # control and format characters, lone surrogates
# Special tokens such as <|im_start|>, </s> and [INST]; Jinja's delimiters; fences.
_MARKER = re.compile(r"<(?=[^\s\d=])|\{(?=[{%#])|[}%#](?=\})|\[(?=/?[A-Z_]{2,}\])")
_FENCE = re.compile(r"`{2,}|~{2,}")


def quote_model_text(text: str, max_characters: int) -> str:
    """Return a text of a model in quotes, on one line."""
    return f'"{clean_model_text(text, max_characters)}"'


def clean_model_text(text: str, max_characters: int) -> str:
    """Return a text of a model on one line without quotes, markers and hidden characters.

    Args:
        text: the text.
        max_characters: the limit on the result.
    """
    line = _disarm(text[: max_characters * _READ_PER_CHARACTER]).replace('"', "'")
    return " ".join(line.split())[:max_characters].strip()


def quote_model_lines(text: str, max_characters: int = MAX_BLOCK_CHARACTERS) -> str:
    """Return a text of a model as a block quote of Markdown."""
    lines = text[:max_characters].splitlines()
    return "\n".join(f"> {_disarm(line)}".rstrip() for line in lines)


def disarm_answer(text: str, max_characters: int = MAX_BLOCK_CHARACTERS) -> str:
    """Return an answer of a model without markers, to be sent back as its own message."""
    return "\n".join(_disarm(line, fences=True) for line in text[:max_characters].splitlines())


def _disarm(text: str, fences: bool = False) -> str:
    """Put a space into each marker, and in place of each hidden character."""
    shown = "".join(" " if unicodedata.category(each) in _HIDDEN else each for each in text)
    return _MARKER.sub(r"\g<0> ", shown if fences else _FENCE.sub("'", shown))
