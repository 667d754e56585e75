"""Text of terms, with symbols, parentheses and calls."""

from __future__ import annotations

from functools import cache
from typing import cast

from dsl.syntax.precedence import ATOM, Fragment, write_call, write_number
from dsl.terms.operator import Operator
from dsl.terms.terms import Number, Term


def format_term(term: Term) -> str:
    """Return a term as text on one line, which `dsl.syntax.parser` parses."""
    return write_term(term).text


def write_term(term: Term) -> Fragment:
    """Return the text and precedence of a term, which the term caches."""
    if term.fragment is None:
        term.fragment = _write_term(term)
    return cast(Fragment, term.fragment)


def _write_term(term: Term) -> Fragment:
    operator, leaf = term.operator, term.leaf
    if operator is None:
        if isinstance(leaf, bool):
            return Fragment(str(leaf).lower(), ATOM)
        if isinstance(leaf, Number):
            return write_number(str(leaf))
        return Fragment(leaf.name if leaf else "", ATOM)
    if operator.series:
        return Fragment(operator.name, ATOM)
    return write_call(operator.name, [write_term(arg) for arg in list_written_args(term)])


def format_for_message(term: Term) -> str:
    """Return a canonical term as text for messages, with `-highest(-x, n)` as `lowest(x, n)`."""
    return write_for_message(term).text


def write_for_message(term: Term) -> Fragment:
    """Return the text and precedence of `message_text`."""
    operator = term.operator
    if operator is None or not term.args:
        return write_term(term)
    name, args = operator.name, list_written_args(term)
    if name == "negate":
        inner, *_ = args
        is_mirrored = inner.operator is not None and inner.operator.mirror != ""
        if is_mirrored and inner.args[0].operator is operator:
            assert inner.operator is not None
            name, args = inner.operator.mirror, (inner.args[0].args[0], *inner.args[1:])
    return write_call(name, [write_for_message(arg) for arg in args])


def list_written_args(term: Term) -> tuple[Term, ...]:
    """Return the arguments of a term without trailing default series: `obv()`."""
    operator, count = term.operator, len(term.args)
    assert operator is not None
    if not _has_series_default(operator):
        return term.args
    while count and term.args[count - 1] is operator.slot(count - 1).default:
        if term.args[count - 1].operator is None:
            break
        count -= 1
    return term.args[:count]


@cache
def _has_series_default(operator: Operator) -> bool:
    defaults = [slot.default for slot in operator.slots]
    return any(each is not None and each.operator is not None for each in defaults)
