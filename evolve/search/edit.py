"""Parts of a strategy's rules: their domains, and rules with one of them replaced."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from functools import lru_cache
from random import Random
from typing import NamedTuple

from dsl.analysis.program import Rules
from dsl.generate.productions import (
    DISTANCE_FACTOR,
    Constant,
    Domain,
    Window,
    domain_of,
    threshold_domain,
)
from dsl.names import unique_name
from dsl.syntax.vocabulary import DISTANCES, SERIES_SETTINGS
from dsl.terms.infer import infer_kind
from dsl.terms.terms import Number, Parameter, Term, call, number, parameter
from dsl.types.kinds import BOOL, Kind
from evolve.search.space import SETTING_DOMAINS, VOLATILITIES


class Part(NamedTuple):
    """Node of a strategy, with its domain.

    Attributes:
        term: the term at the node.
        domain: the kind of a series or condition, or the domain of a window or literal.
        is_series: whether it is a series or a condition, not a window or a literal.
        is_tunable: whether it is a constant or a parameter whose domain has other values.
    """

    term: Term
    domain: Domain
    is_series: bool
    is_tunable: bool


CACHE_SIZE = 4096


@lru_cache(CACHE_SIZE)
def list_parts(rules: Rules) -> tuple[Part, ...]:
    """Return all nodes of the rules in preorder, those of a tied condition once.

    The series of a stop, trail or target count as no series: only its constants may change, so that
    `2 * atr(14)` does not become an arbitrary difference.
    """
    parts: list[Part] = []
    for name, term in rules.written.named():
        root = _build_part(term, _find_rule_domain(name, term))
        rule = (root, *_list_inner_parts(term)) if root.is_series else (root,)
        is_fixed = name in DISTANCES
        parts += [each._replace(is_series=False) for each in rule] if is_fixed else rule
    return tuple(parts)


@lru_cache(CACHE_SIZE)
def series_indices(rules: Rules) -> tuple[int, ...]:
    """Return the indices of the parts that are series or conditions."""
    return tuple([index for index, part in enumerate(list_parts(rules)) if part.is_series])


def choose_series(rules: Rules, rng: Random) -> int | None:
    """Return the index of a random part that is a series or a condition; None if none is."""
    indices = series_indices(rules)
    return rng.choice(indices) if indices else None


@lru_cache(CACHE_SIZE)
def tunable_indices(rules: Rules) -> tuple[int, ...]:
    """Return the indices of the parts that are tunable constants."""
    return tuple([index for index, part in enumerate(list_parts(rules)) if part.is_tunable])


@lru_cache(CACHE_SIZE)
def group_series(rules: Rules) -> dict[Domain, list[Term]]:
    """Group the series and conditions of the rules by kind."""
    grouped: dict[Domain, list[Term]] = {}
    for part in list_parts(rules):
        if part.is_series:
            grouped.setdefault(part.domain, []).append(part.term)
    return grouped


def list_replacements(part: Part) -> list[Term]:
    """Return the terms below a part that have its domain."""
    return [each.term for each in _list_inner_parts(part.term) if each.domain == part.domain]


def replace_part(rules: Rules, index: int, new: Term) -> Rules:
    """Return the rules with one part replaced; a tied side remains tied.

    Args:
        rules: the rules.
        index: index of the part in `list_parts`.
        new: the term that replaces it.

    Raises:
        IndexError: if the rules have fewer parts.
    """
    for name, term in rules.written.named():
        size = 1 + len(_list_inner_parts(term))
        if index < size:
            return rules.replace_rule(name, _replace(term, index, new))
        index -= size
    raise IndexError("part index out of range")


def replace_parameter(rules: Rules, old: Parameter, new: Parameter) -> Rules:
    """Return the rules with every occurrence of a parameter replaced."""
    changed = {name: _substitute(term, old, parameter(new)) for name, term in rules.named()}
    return rules._replace(**changed)


def adopt_parameters(term: Term, host: Rules) -> Term:
    """Return a term of another strategy with its parameters adapted to a host.

    A parameter with the name and range of one of the host's becomes that one. A parameter that
    shares only the name is renamed.
    """
    if term.is_plain:
        return term
    known = {each.name: each for each in _iterate_parameters(host)}
    own = {each: None for part in term.walk() if isinstance(each := part.leaf, Parameter)}
    taken = {*known, *(each.name for each in own)}
    for old in own:
        other = known.get(old.name)
        if other is None or other == old:
            continue
        if (other.low, other.high, other.step) == (old.low, old.high, old.step):
            term = _substitute(term, old, parameter(other))
            continue
        name = unique_name(old.name, taken.__contains__, "_")
        taken.add(name)
        renamed = Parameter(name, old.value, old.low, old.high, old.step, old.percent)
        term = _substitute(term, old, parameter(renamed))
    return term


def inline_parameters(term: Term, names: Collection[str]) -> Term:
    """Return a term with numbers in place of its parameters of some names."""
    if term.is_plain:
        return term
    for leaf in dict.fromkeys(part.leaf for part in term.walk()):
        if isinstance(leaf, Parameter) and leaf.name in names:
            term = _substitute(term, leaf, number(leaf.value, leaf.percent))
    return term


def _iterate_parameters(rules: Rules) -> Iterator[Parameter]:
    for _, term in rules.named():
        for part in term.walk():
            if isinstance(part.leaf, Parameter):
                yield part.leaf


def _find_rule_domain(name: str, term: Term) -> Domain:
    is_series = term.operator is not None and name in SERIES_SETTINGS
    return infer_kind(term) if is_series or name not in SETTING_DOMAINS else SETTING_DOMAINS[name]


@lru_cache(4 * CACHE_SIZE)
def _list_inner_parts(term: Term) -> tuple[Part, ...]:
    """Return all nodes below a series or a condition in preorder; a window is one node."""
    parts: list[Part] = []
    for index, arg in enumerate(term.args):
        domain = _find_literal_domain(term, index) or _find_arg_domain(term, index, arg)
        part = _build_part(arg, domain)
        parts += (part, *_list_inner_parts(arg)) if part.is_series else (part,)
    return tuple(parts)


def _build_part(term: Term, domain: Domain) -> Part:
    leaf = term.leaf
    is_tunable = (
        leaf.is_tunable
        if isinstance(leaf, Parameter)
        else isinstance(leaf, Number) and not isinstance(domain, Kind) and domain.low < domain.high
    )
    return Part(term, domain, isinstance(domain, Kind), is_tunable)


def _find_literal_domain(term: Term, index: int) -> Window | Constant | None:
    """Return the domain of a window or literal argument; None for a series or condition."""
    assert term.operator is not None
    return domain_of(term.operator.slot(index))


def _find_arg_domain(term: Term, index: int, arg: Term) -> Domain:
    """Return the domain of an argument whose slot takes a series or condition.

    The domain of a literal follows from the series it is compared with, else from its value.
    """
    if arg.operator is not None or isinstance(arg.leaf, bool):
        return infer_kind(arg)
    if len(term.args) == 2 and infer_kind(term) == BOOL:
        threshold = threshold_domain(infer_kind(term.args[1 - index]))
        if threshold is not None:
            return threshold
    if term.head == "*" and term.args[1 - index].head in VOLATILITIES:
        return DISTANCE_FACTOR
    value = abs(arg.value or 0.0)
    return Constant(value / 4, value * 4) if value else Constant(0.0, 0.0)


def _replace(term: Term, index: int, new: Term) -> Term:
    """Return a term with the part at an index replaced; the term itself is part 0."""
    if index == 0:
        return new
    assert term.operator is not None
    args, index = list(term.args), index - 1
    for slot, arg in enumerate(args):
        size = 1 if _find_literal_domain(term, slot) else 1 + len(_list_inner_parts(arg))
        if index < size:
            args[slot] = _replace(arg, index, new)
            break
        index -= size
    return call(term.operator, *args)


def _substitute(term: Term, old: Parameter, new: Term) -> Term:
    if term.leaf == old:
        return new
    if term.operator is None or not term.args:
        return term
    args = tuple(_substitute(arg, old, new) for arg in term.args)
    return term if args == term.args else call(term.operator, *args)
