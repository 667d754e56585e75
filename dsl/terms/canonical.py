"""Canonical form: terms of equal meaning are rewritten to one term.

Params become numbers, defines are expanded, `not` moves down to the comparisons, and the rules
of `dsl.terms.rewrites` apply. Rules see canonical arguments only. One bottom-up pass suffices.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from functools import lru_cache
from itertools import count
from typing import NamedTuple

from dsl.terms.folding import fold
from dsl.terms.operator import Operator
from dsl.terms.rewrites import Build, list_rewrites
from dsl.terms.terms import Argument, Term, call, number, truth
from dsl.terms.text import format_term

MAX_WINDOW_BARS = 5_000
MAX_CANONICAL_NODES = 20_000
MAX_CANONICAL_DEPTH = 120
WHOLE_BARS = frozenset(range(1, MAX_WINDOW_BARS + 1))

Find = Callable[[str], Operator]


class MeaningError(ValueError):
    """Error of a well-formed term without a meaning within the limits.

    Attributes:
        code: E304 for a window that is not a number of bars, E307 for a term that is too large
            after its defines are expanded, E104 for one that is nested too deep.
    """

    def __init__(self, code: str, message: str) -> None:
        self.code = code
        super().__init__(message)


def canonicalize(term: Term, find: Find) -> Term:
    """Return the canonical form of a term, which the term caches.

    Args:
        term: any term.
        find: lookup of operators by name, for rules that introduce another operator.

    Raises:
        MeaningError: if a window does not fold to a whole number of bars within the limits, or
            the term is too large or nested too deep after its defines are expanded.
    """
    if term.is_canonical:
        return term
    if term.canonical is None:
        term.canonical = _rewrite(term, find)
        term.canonical.is_canonical = True
    return term.canonical


def substitute(body: Term, args: tuple[Term, ...]) -> Term:
    """Return the body of a define with its argument leaves replaced."""
    if isinstance(body.leaf, Argument):
        return args[body.leaf.index]
    if body.operator is None or not body.is_open:
        return body
    return call(body.operator, *[substitute(arg, args) for arg in body.args])


def negate(term: Term, find: Find) -> Term:
    """Return the condition that holds where another is known not to hold."""
    operator = term.operator
    if operator is None:
        return call(find("not"), term) if term.is_open else truth(not term.leaf)
    if operator.body is not None:
        return negate(substitute(operator.body, term.args), find)
    if operator.name == "not":
        return term.args[0]
    if operator.name in ("and", "or"):
        other = find("or" if operator.name == "and" else "and")
        return call(other, *[negate(arg, find) for arg in term.args])
    return call(find(operator.complement), *term.args)


def _rewrite(term: Term, find: Find) -> Term:
    operator = term.operator
    if operator is None:
        return number(term.value) if term.value is not None else term
    if operator.name == "not":
        negated = negate(term.args[0], find)
        return term if negated is term else canonicalize(negated, find)
    args = [arg if arg.is_canonical else canonicalize(arg, find) for arg in term.args]
    return _simplify(operator, args, find)


def _simplify(operator: Operator, args: list[Term], find: Find) -> Term:
    """Return the canonical form of an operator applied to canonical arguments."""
    for index in operator.windows:
        window = args[index]
        if not (window.is_canonical and window.value in WHOLE_BARS):
            args[index] = _fold_window(window, operator, index)
    if operator.body is not None:
        return _expand(operator, tuple(args), find)
    for rule in list_rewrites(operator):
        simpler = rule(operator, args, _get_builder(find))
        if simpler is not None:
            simpler.is_canonical = True
            return simpler
    term = call(operator, *args)
    if term.size > MAX_CANONICAL_NODES or term.depth > MAX_CANONICAL_DEPTH:
        raise _build_size_error(term)
    term.is_canonical = True
    return term


def _build_size_error(term: Term) -> MeaningError:
    when = "after lets and defines are expanded"
    if term.size > MAX_CANONICAL_NODES:
        limit = f"{MAX_CANONICAL_NODES:,}"
        message = f"the expression has {term.size:,} nodes {when}; expected at most {limit}"
        return MeaningError("E307", message)
    limit = f"{MAX_CANONICAL_DEPTH}"
    message = f"the expression is nested {term.depth} deep {when}; expected at most {limit}"
    return MeaningError("E104", message)


@lru_cache(64)
def _get_builder(find: Find) -> Build:
    """Return the function with which rules apply an operator to canonical arguments."""

    def build(operator: Operator | str, *args: Term) -> Term:
        if isinstance(operator, str):
            operator = find(operator)
        return _simplify(operator, list(args), find)

    return build


@lru_cache(16_384)
def _expand(operator: Operator, args: tuple[Term, ...], find: Find) -> Term:
    """Return the canonical form of a define applied to canonical arguments."""
    assert operator.body is not None
    body = _unroll(canonicalize(operator.body, find), len(args))
    values = [*args, *body.closed]
    for part, indices in body.calls:
        inputs = [values[index] for index in indices]
        if part.name == "not":
            values.append(canonicalize(call(part, *inputs), find))
        else:
            values.append(_simplify(part, inputs, find))
    expanded = values[body.result]
    head = expanded.operator
    is_condition = head is None or head.complement or head.name in ("and", "or")
    expanded.is_indicator = not is_condition
    return expanded


class _Unrolled(NamedTuple):
    """Body of a define as calls in dependency order, each distinct part once.

    Operands and the result are indices into one list: the arguments of the define, the parts that
    depend on none of them, then the results of the calls.
    """

    closed: tuple[Term, ...]
    calls: tuple[tuple[Operator, tuple[int, ...]], ...]
    result: int


@lru_cache(4096)
def _unroll(body: Term, arity: int) -> _Unrolled:
    indices: dict[Term, int] = {}
    closed, calls = list(dict.fromkeys(_walk_closed_parts(body))), []
    indices.update(zip(closed, count(arity)))

    def add(term: Term) -> int:
        if isinstance(term.leaf, Argument):
            return term.leaf.index
        if term not in indices:
            assert term.operator is not None
            calls.append((term.operator, tuple(map(add, term.args))))
            indices[term] = arity + len(indices)
        return indices[term]

    result = add(body)
    return _Unrolled(tuple(closed), tuple(calls), result)


def _walk_closed_parts(term: Term) -> Iterator[Term]:
    """Yield the largest parts without argument leaves."""
    if not term.is_open:
        yield term
        return
    for arg in term.args:
        yield from _walk_closed_parts(arg)


def _fold_window(term: Term, operator: Operator, index: int) -> Term:
    """Return a window as a whole number of bars; a computed one is rounded down.

    A window that depends on an argument of a define is returned unchanged.
    """
    value = term.value if term.operator is None else fold(term)
    if value is None and term.is_open:
        return term
    low = 0 if operator.name == "lag" else 1
    if value is None or not math.isfinite(value) or not low <= value <= MAX_WINDOW_BARS:
        name = operator.slot(index).name
        found = format_term(term) if value is None else f"{value:g}"
        message = (
            f"`{name}` of `{operator.name}` is {found}; "
            f"expected a whole number from {low} to {MAX_WINDOW_BARS}"
        )
        raise MeaningError("E304", message)
    whole = number(math.floor(value))
    whole.is_canonical = True
    return whole
