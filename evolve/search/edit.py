"""Places in a strategy's rules, and rules with one of them changed."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

from dsl.judge import kind_of
from dsl.kinds import BOOL, Kind
from dsl.productions import (
    HOLD,
    RATIO_OF_PRICE,
    SIZE,
    Constant,
    Place,
    place_of,
    threshold_of,
)
from dsl.program import Rules
from dsl.terms import Parameter, Term, call, parameter


class Position(NamedTuple):
    """One node of a strategy: the rule it is in, the way to it, and what may stand there.

    `place` is the kind of a series or condition, or where a window or literal is drawn from.
    """

    rule: str
    path: tuple[int, ...]
    term: Term
    place: Place


REMEMBERED = 4096


@lru_cache(REMEMBERED)
def positions(rules: Rules) -> tuple[Position, ...]:
    """Every node of the rules, top-down, in the order of the rules."""
    found: list[Position] = []
    for name, term in rules.named():
        _collect(name, (), term, _place_of_rule(name, term), found)
    return tuple(found)


@lru_cache(REMEMBERED)
def series_positions(rules: Rules) -> tuple[Position, ...]:
    """The nodes where a series or a condition stands, not a window or a literal."""
    return tuple(each for each in positions(rules) if isinstance(each.place, Kind))


@lru_cache(REMEMBERED)
def positions_by_kind(rules: Rules) -> dict[Place, list[Position]]:
    """The nodes where a series or a condition stands, by its kind."""
    grouped: dict[Place, list[Position]] = {}
    for each in series_positions(rules):
        grouped.setdefault(each.place, []).append(each)
    return grouped


def replaced(rules: Rules, position: Position, term: Term) -> Rules:
    """The rules with another term at a position."""
    whole = getattr(rules, position.rule)
    changed = _replace(whole, position.path, term)
    return rules._replace(**{position.rule: changed})


def with_parameter(rules: Rules, old: Parameter, new: Parameter) -> Rules:
    """The rules with a parameter changed wherever it stands: it is tied."""
    changed = {name: _swap(term, old, new) for name, term in rules.named()}
    return rules._replace(**changed)


def adopted(term: Term, host: Rules) -> Term:
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
        suffix = 2
        while f"{own.name}_{suffix}" in known:
            suffix += 1
        renamed = Parameter(
            f"{own.name}_{suffix}", own.value, own.low, own.high, own.step, own.percent
        )
        term = _swap(term, own, renamed)
    return term


def _parameters(rules: Rules) -> Iterator[Parameter]:
    for _, term in rules.named():
        for part in term.walk():
            if isinstance(part.leaf, Parameter):
                yield part.leaf


def _place_of_rule(name: str, term: Term) -> Place:
    if name == "hold":
        return HOLD
    if name == "size":
        return SIZE if term.operator is None else kind_of(term)
    if name in ("stop", "trail", "target") and term.operator is None:
        return RATIO_OF_PRICE
    return kind_of(term)


def _collect(
    rule: str, path: tuple[int, ...], term: Term, place: Place, found: list[Position]
) -> None:
    found.append(Position(rule, path, term, place))
    operator = term.operator
    if operator is None or not term.args or not isinstance(place, Kind):
        return
    for index, arg in enumerate(term.args):
        drawn = place_of(operator.slot(index)) or _place_of_arg(term, index, arg)
        _collect(rule, (*path, index), arg, drawn, found)


def _place_of_arg(term: Term, index: int, arg: Term) -> Place:
    """A series by its kind; a literal by what it is compared with, else by its own size."""
    if arg.operator is not None or isinstance(arg.leaf, bool):
        return kind_of(arg)
    if len(term.args) == 2 and kind_of(term) == BOOL:
        threshold = threshold_of(kind_of(term.args[1 - index]))
        if threshold is not None:
            return threshold
    value = abs(arg.value or 0.0)
    return Constant(value / 4, value * 4) if value else Constant(0.0, 0.0)


def _replace(term: Term, path: tuple[int, ...], new: Term) -> Term:
    if not path:
        return new
    assert term.operator is not None
    args = list(term.args)
    args[path[0]] = _replace(args[path[0]], path[1:], new)
    return call(term.operator, *args)


def _swap(term: Term, old: Parameter, new: Parameter) -> Term:
    if term.leaf == old:
        return parameter(new)
    if term.operator is None or not term.args:
        return term
    args = tuple(_swap(arg, old, new) for arg in term.args)
    return term if args == term.args else call(term.operator, *args)
