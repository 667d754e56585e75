"""Canonical form: terms with one meaning are rewritten to one term.

Params become numbers, defines are expanded, `not` moves down to the comparisons, and the rules
of `dsl.terms.rewrites` are applied. A rule sees canonical arguments only, so that a term is
walked once, from the leaves up.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from functools import lru_cache
from itertools import count
from typing import NamedTuple

from dsl.terms.operator import Operator
from dsl.terms.rewrites import Build, apply_kernel, list_rules
from dsl.terms.terms import Argument, Parameter, Term, call, number, truth
from dsl.terms.text import format_term

MAX_WINDOW_BARS = 5_000
MAX_CANONICAL_NODES = 20_000
MAX_CANONICAL_DEPTH = 120
WHOLE_BARS = frozenset(range(1, MAX_WINDOW_BARS + 1))

Find = Callable[[str], Operator]


class MeaningError(ValueError):
    """What can be written but means nothing within the limits.

    `code` is E304 for a window that is no number of bars, E307 for a term that is too large
    once its defines are written out, E104 for one that is nested too deep.
    """

    def __init__(self, code: str, message: str) -> None:
        self.code = code
        super().__init__(message)


def canonicalize(term: Term, find: Find) -> Term:
    """The canonical form of a term, computed once and kept on it.

    Args:
        term: any term.
        find: operators by name, for rules that write another operator.

    Raises:
        MeaningError: if a window does not fold to a whole number of bars within the limits, or
            the term is too large or nested too deep once its defines are written out.
    """
    if term.is_canonical:
        return term
    if term.canonical is None:
        term.canonical = _canonical(term, find)
        term.canonical.is_canonical = True
    return term.canonical


def fold(term: Term) -> float | None:
    """The value of a constant expression over literals and params; None if it is not one."""
    if term.value is not None:
        return term.value
    operator = term.operator
    if operator is None or not operator.is_pointwise or operator.kernel is None:
        return None
    values = [fold(arg) for arg in term.args]
    known = [value for value in values if value is not None]
    return apply_kernel(operator, known) if known and len(known) == len(values) else None


def fold_at_ends(term: Term) -> list[float]:
    """Return a constant's value with every param at the low end of its range, and at the high."""
    values = []
    for end in ("low", "high"):
        value = fold(_at_end(term, end))
        if value is not None:
            values.append(value)
    return values


def substitute(body: Term, args: tuple[Term, ...]) -> Term:
    """A define's body with its argument leaves replaced."""
    if isinstance(body.leaf, Argument):
        return args[body.leaf.index]
    if body.operator is None or not body.is_open:
        return body
    return call(body.operator, *[substitute(arg, args) for arg in body.args])


def negate(term: Term, find: Find) -> Term:
    """The condition that holds where another is known not to hold."""
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


def _at_end(term: Term, end: str) -> Term:
    if isinstance(term.leaf, Parameter):
        value = getattr(term.leaf, end)
        return number(term.leaf.value if value is None else value)
    if term.operator is None or not term.args:
        return term
    return call(term.operator, *[_at_end(arg, end) for arg in term.args])


def _canonical(term: Term, find: Find) -> Term:
    operator = term.operator
    if operator is None:
        return number(term.value) if term.value is not None else term
    if operator.name == "not":
        negated = negate(term.args[0], find)
        return term if negated is term else canonicalize(negated, find)
    args = [arg if arg.is_canonical else canonicalize(arg, find) for arg in term.args]
    return _simplify(operator, args, find)


def _simplify(operator: Operator, args: list[Term], find: Find) -> Term:
    """An operator applied to canonical arguments, in canonical form."""
    for index in operator.windows:
        given = args[index]
        if not (given.is_canonical and given.value in WHOLE_BARS):
            args[index] = _window(given, operator, index)
    if operator.body is not None:
        return _expand(operator, tuple(args), find)
    for rule in list_rules(operator):
        simpler = rule(operator, args, _builder(find))
        if simpler is not None:
            simpler.is_canonical = True
            return simpler
    made = call(operator, *args)
    if made.size > MAX_CANONICAL_NODES or made.depth > MAX_CANONICAL_DEPTH:
        raise _too_large(made)
    made.is_canonical = True
    return made


def _too_large(term: Term) -> MeaningError:
    out = "with lets and defines written out"
    if term.size > MAX_CANONICAL_NODES:
        message = f"the expression has {term.size:,} nodes {out}; at most {MAX_CANONICAL_NODES:,}"
        return MeaningError("E307", message)
    message = f"the expression is nested {term.depth} deep {out}; at most {MAX_CANONICAL_DEPTH}"
    return MeaningError("E104", message)


@lru_cache(64)
def _builder(find: Find) -> Build:
    """What rules build with: an operator, or the one of that name, on canonical arguments."""

    def build(operator: Operator | str, *args: Term) -> Term:
        if isinstance(operator, str):
            operator = find(operator)
        return _simplify(operator, list(args), find)

    return build


@lru_cache(16_384)
def _expand(operator: Operator, args: tuple[Term, ...], find: Find) -> Term:
    """The canonical form of a define's body over canonical arguments."""
    assert operator.body is not None
    body = _unroll(canonicalize(operator.body, find), len(args))
    values = [*args, *body.closed]
    for part, places in body.calls:
        given = [values[place] for place in places]
        is_negation = part.name == "not"
        made = (
            canonicalize(call(part, *given), find) if is_negation else _simplify(part, given, find)
        )
        values.append(made)
    expanded = values[body.result]
    head = expanded.operator
    is_condition = head is None or head.complement or head.name in ("and", "or")
    expanded.is_indicator = not is_condition
    return expanded


class _Unrolled(NamedTuple):
    """A define's body as calls, each part of it once, after those that it is made of.

    What a call takes and what the result is are places in a list: the define's arguments, the
    parts that depend on none of them, and then what the calls give.
    """

    closed: tuple[Term, ...]
    calls: tuple[tuple[Operator, tuple[int, ...]], ...]
    result: int


@lru_cache(4096)
def _unroll(body: Term, arity: int) -> _Unrolled:
    places: dict[Term, int] = {}
    closed, calls = list(dict.fromkeys(_closed_parts(body))), []
    places.update(zip(closed, count(arity)))

    def place_of(term: Term) -> int:
        if isinstance(term.leaf, Argument):
            return term.leaf.index
        if term not in places:
            assert term.operator is not None
            calls.append((term.operator, tuple(map(place_of, term.args))))
            places[term] = arity + len(places)
        return places[term]

    result = place_of(body)
    return _Unrolled(tuple(closed), tuple(calls), result)


def _closed_parts(term: Term) -> Iterator[Term]:
    """The largest parts without an argument leaf in them."""
    if not term.is_open:
        yield term
        return
    for arg in term.args:
        yield from _closed_parts(arg)


def _window(term: Term, operator: Operator, index: int) -> Term:
    """A window as a whole number of bars; a computed one is rounded down.

    In the body of a define it may still depend on an argument, and is left as it is.
    """
    value = term.value if term.operator is None else fold(term)
    if value is None and term.is_open:
        return term
    least = 0 if operator.name == "lag" else 1
    if value is None or not math.isfinite(value) or not least <= value <= MAX_WINDOW_BARS:
        name = operator.slot(index).name
        found = format_term(term) if value is None else f"{value:g}"
        message = (
            f"`{name}` of `{operator.name}` is {found}; "
            f"it must be a whole number from {least} to {MAX_WINDOW_BARS}"
        )
        raise MeaningError("E304", message)
    whole = number(math.floor(value))
    whole.is_canonical = True
    return whole
