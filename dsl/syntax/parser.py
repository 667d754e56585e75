"""Parser of text to syntax tree, by Lark. It reports all syntax errors of a text at once."""

from __future__ import annotations

import re
from collections.abc import Set
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cache, lru_cache
from pathlib import Path
from typing import Any, TypeVar, cast

from lark import Lark, Token
from lark.exceptions import UnexpectedInput

from dsl.budget import Budget
from dsl.diagnostics import Diagnostic, LanguageError, Source, Span
from dsl.syntax import nodes
from dsl.syntax.builder import Builder
from dsl.syntax.comments import attach_comments
from dsl.syntax.errors import describe
from dsl.syntax.expressions import BuildError
from dsl.syntax.invalid_text import find_invalid_text, normalize_text
from dsl.syntax.vocabulary import ITEMS, STATEMENTS

MAX_SYNTAX_ERRORS = 20
MAX_CACHED_TREES, MAX_CACHED_CHARACTERS = 4, 20_000

_T = TypeVar("_T")


@dataclass(frozen=True)
class Parsed:
    """Syntax tree without comments, its source, and the syntax errors skipped on the way."""

    file: nodes.File
    source: Source
    errors: tuple[Diagnostic, ...] = ()
    comments: tuple[Token, ...] = ()

    def with_comments(self) -> nodes.File:
        """Return the tree with each comment attached to the node beside it."""
        return attach_comments(self.file, self.comments, self.source.text)


def parse(text: str, name: str = "<text>") -> nodes.File:
    """Parse a file.

    Raises:
        LanguageError: with all syntax errors of the text.
    """
    parsed = parse_leniently(text, name)
    if parsed.errors:
        raise LanguageError(parsed.errors)
    return parsed.with_comments()


def parse_leniently(text: str, name: str = "<text>", budget: Budget | None = None) -> Parsed:
    """Parse a file; report statements with a syntax error, and omit them from the tree.

    Args:
        text: content of the file.
        name: name of the file in messages.
        budget: work that is left; by default that of one file.
    """
    text = normalize_text(text)
    source = Source(text, name)
    budget = budget or Budget()
    errors = find_invalid_text(source)
    if not errors and not budget.take("characters", len(text)):
        message = f"{len(text):,} characters exceed what is left of the limit on all texts"
        errors = [Diagnostic("E103", message, Span(0, 1), "write fewer and shorter strategies")]
    if errors:
        return Parsed(nodes.File(()), source, tuple(errors))
    remaining = text
    while len(errors) < MAX_SYNTAX_ERRORS:
        try:
            file, comments = _read("file", nodes.File, remaining)
            return Parsed(file, source, tuple(_sort(errors)), comments)
        except BuildError as error:
            diagnostic = error.diagnostic(source)
        except UnexpectedInput as error:
            diagnostic = describe(error, source, _accepted(remaining, "file"))
        if any(diagnostic.span.start == earlier.span.start for earlier in errors):
            break
        errors.append(diagnostic)
        if not budget.take("characters", 2 * diagnostic.span.start):
            break
        remaining = _blank_statement(remaining, diagnostic.span.start)
    return Parsed(nodes.File(()), source, tuple(_sort(errors)))


def parse_expression(text: str, name: str = "<expression>") -> nodes.Expression:
    """Parse one expression; raise LanguageError with its first syntax error."""
    return cast(nodes.Expression, _read_one("alone", object, text, name))


def parse_signature(text: str) -> nodes.Signature:
    """Parse a signature such as `sma(x: number, n: window = 20) -> like x`."""
    return _read_one("signature", nodes.Signature, text, "<signature>")


def _read_one(rule: str, expected: type[_T], text: str, name: str) -> _T:
    text = normalize_text(text)
    source = Source(text, name)
    errors = find_invalid_text(source)
    if errors:
        raise LanguageError([replace(each, source=source) for each in errors])
    try:
        return _read(rule, expected, text)[0]
    except BuildError as error:
        raise LanguageError([error.diagnostic(source)]) from None
    except UnexpectedInput as error:
        raise LanguageError([describe(error, source, _accepted(text, rule))]) from None


def _accepted(text: str, rule: str) -> Set[str]:
    """Return the terminals that the parser accepts at the first syntax error of a text."""
    parser: Any = _reader()[0].parse_interactive(text, start=rule)
    with suppress(UnexpectedInput):
        parser.exhaust_lexer()
    return set(parser.accepts())


def _read(rule: str, expected: type[_T], text: str) -> tuple[_T, tuple[Token, ...]]:
    is_short = len(text) <= MAX_CACHED_CHARACTERS
    tree, comments = (_parse_cached if is_short else _parse)(rule, text)
    return cast(_T, tree), comments


def _parse(rule: str, text: str) -> tuple[object, tuple[Token, ...]]:
    reader, comments = _reader()
    comments.clear()
    return reader.parse(text, start=rule), tuple(comments)


# A text that is checked is often printed as well.
_parse_cached = lru_cache(MAX_CACHED_TREES)(_parse)


@cache
def keywords() -> frozenset[str]:
    """Return the keywords of the grammar."""
    terminals = re.findall(r"^_?[A-Z]+: /\(?([a-z|]+)\)?\\b/", _grammar(), re.MULTILINE)
    return frozenset(word for each in terminals for word in each.split("|"))


@cache
def read_patterns() -> dict[str, str]:
    """Return the regular expression of each terminal of the grammar, by name."""
    return {each.name: each.pattern.to_regexp() for each in _reader()[0].terminals}


@cache
def _grammar() -> str:
    package = Path(__file__).parents[1]
    folders = (package / "grammar", package.parent / "grammar")  # in a wheel, in a checkout
    folder = next((each for each in folders if each.is_dir()), folders[0])
    return (folder / "strategy.lark").read_text("utf-8")


@cache
def _reader() -> tuple[Lark, list[Token]]:
    comments: list[Token] = []

    def collect(token: Token) -> Token:
        comments.append(token)
        return token

    callbacks: dict[str, Any] = {"COMMENT": collect}
    reader = Lark(
        _grammar(),
        parser="lalr",
        start=["file", "alone", "signature"],
        transformer=Builder(),
        lexer_callbacks=callbacks,
        maybe_placeholders=False,
    )
    return reader, comments


_LANDMARK = re.compile(
    r'"[^"\n]*"|#[^\n]*|'
    rf"(?P<statement>\b(?:{'|'.join(STATEMENTS)})\b)|"
    rf"(?P<item>\b(?:{'|'.join(ITEMS)})\b)|"
    r"(?P<brace>\})"
)


def _blank_statement(text: str, offset: int) -> str:
    """Return the text with the statement around an error replaced by spaces.

    A statement extends from its keyword to the next keyword or closing brace. If the error lies in
    the head of a strategy or a define, all of that item is blanked.
    """
    marks = [match for match in _LANDMARK.finditer(text) if match.lastgroup]
    keywords = [match for match in marks if match.lastgroup != "brace"]
    before = [match for match in keywords if match.start() < offset]
    before = before or [match for match in keywords if match.start() == offset]
    if not before:
        return text
    begin = before[-1]
    start = begin.start()
    ends = [match.start() for match in marks]
    if begin.lastgroup == "item":
        if "{" in text[start:offset]:
            start = offset
        else:
            ends = [match.start() for match in marks if match.lastgroup == "item"]
    end = min((each for each in ends if each >= max(offset, begin.end())), default=len(text))
    return text[:start] + re.sub(r"[^\n]", " ", text[start:end]) + text[end:]


def _sort(errors: list[Diagnostic]) -> list[Diagnostic]:
    return sorted(errors, key=lambda each: each.span)
