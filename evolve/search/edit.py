"""Places in a strategy's rules, and rules with one of them changed."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

from dsl.analysis.program import Rules
from dsl.generate.productions import (
    HOLD,
    RATIO_OF_PRICE,
    SIZE,
    Constant,
    Domain,
    Window,
    domain_of,
    threshold_domain,
)
from dsl.names import unique_name
from dsl.terms.infer import infer_kind
from dsl.terms.terms import Number, Parameter, Term, call, parameter
from dsl.types.kinds import BOOL, Kind


class Part(NamedTuple):
    """A node of a strategy, and what may stand there.

    Attributes:
        term: what stands there.
        place: the kind of a series or condition, or where a window or literal is drawn from.
        is_series: whether it is a series or a condition, not a window or a literal.
        is_movable: whether it is a constant, or a parameter, with room to move.
    """

    term: Term
    domain: Domain
    is_series: bool
    is_tunable: bool


CACHE_SIZE = 4096


@lru_cache(CACHE_SIZE)
def list_parts(rules: Rules) -> tuple[Part, ...]:
    """Every node of the rules, top-down, in the order of the rules."""
    found: list[Part] = []
    for name, term in rules.named():
        root = _part(term, _domain_of_rule(name, term))
        found += (root, *_parts_below(term)) if root.is_series else (root,)
    return tuple(found)


@lru_cache(CACHE_SIZE)
def series_indices(rules: Rules) -> tuple[int, ...]:
    """The indices of the parts where a series or a condition stands."""
    return tuple([at for at, part in enumerate(list_parts(rules)) if part.is_series])


@lru_cache(CACHE_SIZE)
def tunable_indices(rules: Rules) -> tuple[int, ...]:
    """The indices of the parts that are constants with room to move."""
    return tuple([at for at, part in enumerate(list_parts(rules)) if part.is_tunable])


@lru_cache(CACHE_SIZE)
def group_series(rules: Rules) -> dict[Domain, list[Term]]:
    """The series and conditions of the rules, by their kind."""
    grouped: dict[Domain, list[Term]] = {}
    for part in list_parts(rules):
        if part.is_series:
            grouped.setdefault(part.domain, []).append(part.term)
    return grouped


def list_replacements(part: Part) -> list[Term]:
    """The parts below one that may stand in its place."""
    return [each.term for each in _parts_below(part.term) if each.domain == part.domain]


def replace_part(rules: Rules, at: int, new: Term) -> Rules:
    """The rules with another term in place of a part, given by its index among the parts."""
    for index, term in enumerate(rules):
        if term is None:
            continue
        size = 1 + len(_parts_below(term))
        if at < size:
            return Rules._make([*rules[:index], _replace(term, at, new), *rules[index + 1 :]])
        at -= size
    raise IndexError("there are not as many parts")


def replace_parameter(rules: Rules, old: Parameter, new: Parameter) -> Rules:
    """The rules with a parameter changed wherever it stands: it is tied."""
    changed = {name: _swap(term, old, new) for name, term in rules.named()}
    return rules._replace(**changed)


def adopt_parameters(term: Term, host: Rules) -> Term:
    """A term from another strategy with its parameters fit for a host.

    A parameter the host has too, range and all, becomes the host's; one that only shares a name
    is renamed.
    """
    if term.is_plain:
        return term
    known = {each.name: each for each in _parameters(host)}
    for own in {each: None for part in term.walk() if isinstance(each := part.leaf, Parameter)}:
        other = known.get(own.name)
        if other is None or other == own:
            continue
        if (other.low, other.high, other.step) == (own.low, own.high, own.step):
            term = _swap(term, own, other)
            continue
        name = unique_name(own.name, known.__contains__, "_")
        renamed = Parameter(name, own.value, own.low, own.high, own.step, own.percent)
        term = _swap(term, own, renamed)
    return term


def _parameters(rules: Rules) -> Iterator[Parameter]:
    for _, term in rules.named():
        for part in term.walk():
            if isinstance(part.leaf, Parameter):
                yield part.leaf


def _domain_of_rule(name: str, term: Term) -> Domain:
    if name == "hold":
        return HOLD
    if name == "size":
        return SIZE if term.operator is None else infer_kind(term)
    if name in ("stop", "trail", "target") and term.operator is None:
        return RATIO_OF_PRICE
    return infer_kind(term)


@lru_cache(4 * CACHE_SIZE)
def _parts_below(term: Term) -> tuple[Part, ...]:
    """Every node below a series or a condition, top-down; what a window is made of is none."""
    found: list[Part] = []
    for index, arg in enumerate(term.args):
        part = _part(arg, _literal_domain(term, index) or _domain_of_arg(term, index, arg))
        found += (part, *_parts_below(arg)) if part.is_series else (part,)
    return tuple(found)


def _part(term: Term, place: Domain) -> Part:
    leaf = term.leaf
    is_movable = (
        leaf.is_tunable
        if isinstance(leaf, Parameter)
        else isinstance(leaf, Number) and not isinstance(place, Kind) and place.low < place.high
    )
    return Part(term, place, isinstance(place, Kind), is_movable)


def _literal_domain(term: Term, index: int) -> Window | Constant | None:
    """Where an argument is drawn from if it is a window or a literal by its slot."""
    assert term.operator is not None
    return domain_of(term.operator.slot(index))


def _domain_of_arg(term: Term, index: int, arg: Term) -> Domain:
    """A series by its kind; a literal by what it is compared with, else by its own size."""
    if arg.operator is not None or isinstance(arg.leaf, bool):
        return infer_kind(arg)
    if len(term.args) == 2 and infer_kind(term) == BOOL:
        threshold = threshold_domain(infer_kind(term.args[1 - index]))
        if threshold is not None:
            return threshold
    value = abs(arg.value or 0.0)
    return Constant(value / 4, value * 4) if value else Constant(0.0, 0.0)


def _replace(term: Term, at: int, new: Term) -> Term:
    if at == 0:
        return new
    assert term.operator is not None
    args, at = list(term.args), at - 1
    for index, arg in enumerate(args):
        size = 1 if _literal_domain(term, index) else 1 + len(_parts_below(arg))
        if at < size:
            args[index] = _replace(arg, at, new)
            break
        at -= size
    return call(term.operator, *args)


def _swap(term: Term, old: Parameter, new: Parameter) -> Term:
    if term.leaf == old:
        return parameter(new)
    if term.operator is None or not term.args:
        return term
    args = tuple(_swap(arg, old, new) for arg in term.args)
    return term if args == term.args else call(term.operator, *args)
