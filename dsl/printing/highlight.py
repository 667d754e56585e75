"""Classes of the tokens of a source text, for colours in pages and terminals."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from itertools import groupby
from typing import Literal, NamedTuple

from dsl.analysis.catalog import catalog
from dsl.syntax.parser import keywords, read_patterns
from dsl.syntax.vocabulary import RESERVED

TokenClass = Literal["keyword", "name", "operator", "number", "string", "comment", ""]
"""Class of a token: `name` is an operator or a bar series; parameters and lets have no class."""

SYMBOLS = ("COMPARE", "PLUS", "MINUS", "TIMES", "OVER")


class Token(NamedTuple):
    """Part of a source text.

    Attributes:
        kind: its class; empty for white space, brackets and names that a strategy declares.
        text: its characters.
    """

    kind: TokenClass
    text: str


def tokenize(source: str) -> tuple[Token, ...]:
    """Split a text into tokens, valid or not; the texts of the tokens joined are the source."""
    classes = groupby(_classify(source), key=lambda token: token.kind)
    return tuple(Token(kind, "".join(each.text for each in tokens)) for kind, tokens in classes)


def _classify(source: str) -> Iterator[Token]:
    """Yield the class and text of each lexical unit."""
    depth, is_signature, previous = 0, False, ""
    for match in _scanner().finditer(source):
        text, group = match.group(), match.lastgroup or ""
        if group == "word":
            is_called = source[match.end() :].lstrip(" \t")[:1] == "("
            is_signature_word = is_signature and previous != "define"
            yield Token(_classify_word(text, is_called, is_signature_word), text)
        else:
            yield Token(_GROUPS.get(group, ""), text)
        depth += (text == "(") - (text == ")")
        if text == "define":
            depth, is_signature = 0, True
        elif group == "string" or text == "{" or (text == "=" and depth == 0):
            is_signature = False
        previous = text if text.strip() else previous


def _classify_word(word: str, is_called: bool, is_signature: bool) -> TokenClass:
    if word in RESERVED or (is_signature and word in keywords()):
        return "keyword"
    if is_signature and word == "inf":
        return "number"
    return "name" if is_called or catalog().find(word) is not None else ""


_GROUPS: dict[str, TokenClass] = {
    "comment": "comment",
    "string": "string",
    "number": "number",
    "symbol": "operator",
}


@cache
def _scanner() -> re.Pattern[str]:
    """Build the pattern of one lexical unit from the terminals of the grammar."""
    patterns = read_patterns()
    symbols = "|".join(patterns[name] for name in SYMBOLS)
    return re.compile(
        f"(?P<comment>{patterns['COMMENT']})|(?P<string>{patterns['STRING']})|"
        f"(?P<number>{patterns['NUMBER']})|"
        r"(?P<word>[A-Za-z_][A-Za-z0-9_]*(?:\.[A-Za-z_][A-Za-z0-9_]*)*)|"
        f"(?P<symbol>->|{symbols})|(?P<other>\\.\\.|\\s+|.)",
        re.DOTALL,
    )
