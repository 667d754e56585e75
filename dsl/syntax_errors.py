"""Lark's refusals, said in the language's own words."""

from __future__ import annotations

import re

from lark.exceptions import UnexpectedCharacters, UnexpectedInput, UnexpectedToken

from dsl.errors import Diagnostic, Source, Span, did_you_mean

STATEMENTS = [
    "about",
    "param",
    "let",
    "buy",
    "sell",
    "short",
    "cover",
    "size",
    "stop",
    "trail",
    "target",
    "hold",
]
_WORDS = {
    "NUMBER": "a number",
    "SIGNED": "a number",
    "NAME": "a name",
    "STRING": 'a text in "double quotes"',
    "KIND": "a kind such as `number` or `window`",
    "COMPARE": "a comparison",
    "LPAR": "`(`",
    "RPAR": "`)`",
    "LBRACE": "`{`",
    "RBRACE": "`}`",
    "LSQB": "`[`",
    "RSQB": "`]`",
    "COMMA": "`,`",
    "COLON": "`:`",
    "EQUAL": "`=`",
    "MINUS": "`-`",
    "PLUS": "`+`",
    "TIMES": "`*`",
    "OVER": "`/`",
    "__ANON_0": "`->`",
    "__ANON_1": "`..`",
    "$END": "the end of the file",
}
_OPERATORS = {"COMPARE", "PLUS", "MINUS", "TIMES", "OVER", "AND", "OR", "LSQB"}
_VALUES = {"NUMBER", "NAME", "TRUE", "FALSE", "NOT", "MINUS", "LPAR"}
_STARTS = {word.upper() for word in STATEMENTS} | {f"_{word.upper()}" for word in STATEMENTS}
_FOREIGN = {
    "=": "write `==` to compare",
    "&": "write `and`",
    "|": "write `or`",
    "!": "write `not`",
    "^": "there is no power operator; write the product",
    "%": "a percentage is a literal such as `6%`",
    ";": "statements need no separator",
    "'": 'texts stand in "double quotes"',
    "\u201c": 'use the plain quote "',
    "\u201d": 'use the plain quote "',
    '"': "texts stand on one line, and only after `about`",
    ":": "a strategy is `strategy name { … }`",
    "?": "write `where(condition, a, b)`",
}


def describe(error: UnexpectedInput, source: Source) -> Diagnostic:
    """One syntax error as a diagnostic: what was found, what was expected, how to mend it."""
    if isinstance(error, UnexpectedToken) and error.token.type != "$END":
        found = str(error.token)
        start = error.token.start_pos or 0
        expected = set(error.accepts or error.expected)
    elif isinstance(error, UnexpectedCharacters):
        start = error.pos_in_stream or 0
        match = re.match(r"[A-Za-z0-9_.]+|\S", source.text[start:])
        found = match.group() if match else source.text[start : start + 1]
        expected = set(error.allowed or ())
    else:
        return _at_end(error, source)
    span = Span(start, start + max(1, len(found)))
    message = f"expected {_list(expected)}, found `{found}`"
    return Diagnostic("E101", message, span, _hint(found, expected), source)


def _at_end(error: UnexpectedInput, source: Source) -> Diagnostic:
    end = len(source.text.rstrip())
    expected = set(getattr(error, "expected", ()))
    hint = "close it with `}`" if "RBRACE" in expected else ""
    message = f"the text ends where {_list(expected)} was expected"
    return Diagnostic("E102", message, Span(max(0, end - 1), max(1, end)), hint, source)


def _hint(found: str, expected: set[str]) -> str:
    if found in _FOREIGN:
        return _FOREIGN[found]
    if found in STATEMENTS and expected & _VALUES:
        return "the expression before it is not finished"
    if found in ("and", "or", "not", "when", "in", "step") or found in STATEMENTS:
        return f"`{found}` is a reserved word" if expected & _VALUES else ""
    keywords = [
        word
        for word in [*STATEMENTS, "when", "strategy", "define", "in", "and", "or"]
        if expected & {word.upper(), f"_{word.upper()}"}
    ]
    return did_you_mean(found, keywords)


def _list(expected: set[str]) -> str:
    """What could have stood there, grouped as people think of it."""
    parts = []
    if expected | {"NOT", "TRUE", "FALSE"} >= _VALUES and "NAME" in expected:
        parts.append("an expression")
        expected = expected - _VALUES
    if expected & _STARTS:
        parts.append("a statement (`buy when …`, `let …`)")
    if len(expected & _OPERATORS) > 2:
        parts.append("an operator")
        expected = expected - _OPERATORS
    if expected & {"STRATEGY", "DEFINE"}:
        parts.append("`strategy` or `define`")
    known = _STARTS | {"STRATEGY", "DEFINE"}
    for terminal in sorted(expected - known):
        parts.append(_WORDS.get(terminal, f"`{terminal.strip('_').lower()}`"))
    return " or ".join(dict.fromkeys(parts)) or "nothing more"
