"""Lark's refusals, said in the language's own words."""

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
_ITEMS = {word.upper() for word in ITEMS}
_STARTS = {word.upper() for word in STATEMENTS} | {f"_{word.upper()}" for word in STATEMENTS}


def describe(error: UnexpectedInput, source: Source, accepted: Set[str]) -> Diagnostic:
    """One syntax error as a diagnostic: what was found, what was expected, how to mend it.

    Args:
        error: what the parser raised.
        source: the text.
        accepted: the terminals that could have stood there.
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
    message = f"expected {_list(set(accepted))}, found `{found}`"
    return Diagnostic("E101", message, span, _hint(found, start, source, accepted), source)


def _at_end(source: Source, accepted: Set[str]) -> Diagnostic:
    end = len(source.text.rstrip())
    hint = "close it with `}`" if "RBRACE" in accepted else ""
    if "RPAR" in accepted:
        hint = "close it with `)`"
    message = f"the text ends where {_list(set(accepted))} was expected"
    return Diagnostic("E102", message, Span(max(0, end - 1), max(1, end)), hint, source)


def _hint(found: str, start: int, source: Source, accepted: Set[str]) -> str:
    """How to mend it: a habit of another language, an unfinished part, or a near keyword."""
    is_file = bool(accepted & _ITEMS)
    is_statement = bool(accepted & _STARTS)
    where: Where = "file" if is_file else "statement" if is_statement else "expression"
    keywords = [word for word in RESERVED if accepted & {word.upper(), f"_{word.upper()}"}]
    near = did_you_mean(found, keywords) if found not in keywords else ""
    if found == "strategy" and is_statement and source.text[start : start + 9] != "strategy.":
        names = re.findall(r"\bstrategy\s+(\w+)", source.text[:start])
        return f"close strategy `{names[-1]}` with `}}` first" if names else ""
    advice = suggest_at(source.text, start, where) or near
    if advice or is_file:
        return advice or FILE
    if found == ")":
        return "there is no `(` for it: one `)` too many"
    if found not in RESERVED:
        return ""
    if accepted & {"RPAR", "RSQB"} and not accepted & _VALUES:
        return "close the bracket before it with `)`"
    if accepted & _VALUES and found in STATEMENTS:
        return "the expression before it is not finished"
    return f"`{found}` is a reserved word" if accepted & _VALUES else ""


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
    if expected & _ITEMS:
        parts.append(" or ".join(f"`{word}`" for word in ITEMS))
    for terminal in sorted(expected - _STARTS - _ITEMS):
        parts.append(_WORDS.get(terminal, f"`{terminal.strip('_').lower()}`"))
    return " or ".join(dict.fromkeys(parts)) or "nothing more"
