"""Diagnostics of syntax errors, from the exceptions of Lark."""

from __future__ import annotations

import re
from collections.abc import Set

from lark.exceptions import UnexpectedCharacters, UnexpectedInput, UnexpectedToken

from dsl.diagnostics import Diagnostic, Source, Span, did_you_mean
from dsl.syntax.idioms import FILE, Where, suggest_at
from dsl.syntax.vocabulary import ITEMS, RESERVED, STATEMENTS

_WORDS = {
    "NUMBER": "a number",
    "SIGNED": "a number",
    "NAME": "a name",
    "STRING": 'a text in "double quotes"',
    "FREQUENCY": "`usual`, `rare` or `exotic`",
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
    "$END": "the end of the text",
}
_OPERATORS = {"COMPARE", "PLUS", "MINUS", "TIMES", "OVER", "AND", "OR", "LSQB"}
_VALUES = {"NUMBER", "NAME", "TRUE", "FALSE", "NOT", "MINUS", "LPAR"}
_ITEMS = {word.upper() for word in ITEMS}
_STARTS = {word.upper() for word in STATEMENTS} | {f"_{word.upper()}" for word in STATEMENTS}


def describe(error: UnexpectedInput, source: Source, accepted: Set[str]) -> Diagnostic:
    """Build the diagnostic of a syntax error: what was expected, what was found, how to fix it.

    Args:
        error: the exception of the parser.
        source: the text.
        accepted: the terminals that the parser accepts at the error.
    """
    if isinstance(error, UnexpectedToken) and error.token.type != "$END":
        start = error.token.start_pos or 0
    elif isinstance(error, UnexpectedCharacters):
        start = error.pos_in_stream or 0
    else:
        return _at_end(source, accepted)
    match = re.match(r"[A-Za-z0-9_.]+|`+|\S", source.text[start:])
    found = match.group() if match else source.text[start : start + 1]
    span = Span(start, start + max(1, len(found)))
    message = f"expected {_list_expected(set(accepted))}, found `{found}`"
    return Diagnostic("E101", message, span, _hint(found, start, source, accepted), source)


def _at_end(source: Source, accepted: Set[str]) -> Diagnostic:
    end = len(source.text.rstrip())
    closing = next((each for each in ("RPAR", "RSQB", "RBRACE") if each in accepted), "")
    hint = f"close it with {_WORDS[closing]}" if closing else ""
    message = f"expected {_list_expected(set(accepted))}, found the end of the text"
    return Diagnostic("E102", message, Span(max(0, end - 1), max(1, end)), hint, source)


def _hint(found: str, start: int, source: Source, accepted: Set[str]) -> str:
    """Return a fix: for an idiom, for an unfinished expression, or the nearest keyword."""
    is_file = bool(accepted & _ITEMS)
    is_statement = bool(accepted & _STARTS)
    where: Where = "file" if is_file else "statement" if is_statement else "expression"
    keywords = [word for word in RESERVED if accepted & {word.upper(), f"_{word.upper()}"}]
    near = did_you_mean(found, keywords) if found not in keywords else ""
    if found == "strategy" and is_statement and source.text[start : start + 9] != "strategy.":
        names = re.findall(r"\bstrategy\s+(\w+)", source.text[:start])
        return f"close strategy `{names[-1]}` with `}}` first" if names else ""
    suggestion = suggest_at(source.text, start, where) or near
    if suggestion or is_file:
        return suggestion or FILE
    if found == ")":
        return "unmatched `)`: remove it"
    if found not in RESERVED:
        return ""
    if accepted & {"RPAR", "RSQB"} and not accepted & _VALUES:
        closing = "RPAR" if "RPAR" in accepted else "RSQB"
        return f"close the bracket before it with {_WORDS[closing]}"
    if accepted & _VALUES and found in STATEMENTS:
        return "the expression before it is incomplete"
    return f"`{found}` is a reserved word" if accepted & _VALUES else ""


def _list_expected(expected: set[str]) -> str:
    """Return the expected terminals in words; statements, operators and expressions as one each."""
    parts = []
    if expected | {"NOT", "TRUE", "FALSE"} >= _VALUES and "NAME" in expected:
        parts.append("an expression")
        expected = expected - _VALUES
    if expected & _STARTS:
        parts.append("a statement (`buy when …`, `let …`)")
    if len(expected & _OPERATORS) > 2:
        parts.append("an operator")
        expected = expected - _OPERATORS
    if expected & _ITEMS:
        parts.extend(f"`{word}`" for word in ITEMS)
    for terminal in sorted(expected - _STARTS - _ITEMS):
        parts.append(_WORDS.get(terminal, f"`{terminal.strip('_').lower()}`"))
    *others, last = dict.fromkeys(parts) or ["the end of the text"]
    return f"{', '.join(others)} or {last}" if others else last
