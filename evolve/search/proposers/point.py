"""Point mutation: one operator or series becomes another that fits the same place."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from random import Random

from dsl.analysis.program import Rules
from dsl.generate.productions import Domain, Window, domain_of
from dsl.terms.infer import infer_kind
from dsl.terms.operator import Operator
from dsl.terms.terms import Term, call
from dsl.types.kinds import Kind
from evolve.search.edit import list_parts, replace_part, series_indices
from evolve.search.grow import grow_in
from evolve.search.proposer import Proposer
from evolve.search.space import Space


def propose(parents: Sequence[Rules], space: Space, rng: Random) -> Rules | None:
    """The parent with one node exchanged, its arguments kept where they fit."""
    rules = parents[0]
    at = rng.choice(series_indices(rules))
    here = list_parts(rules)[at]
    if here.term.head in ("and", "or"):
        other = space.catalog.operator("or" if here.term.head == "and" else "and")
        return replace_part(rules, at, call(other, *here.term.args))
    if not isinstance(here.domain, Kind):
        return None
    fitting = _exchanges(here.domain, here.term.operator, _series_kinds(here.term), space)
    if not fitting:
        return None
    operator, places = rng.choice(fitting)
    kept = list(here.term.args)
    args = [
        kept[index] if index < len(kept) and _keeps(here.term, index, place) else
        grow_in(place, 1, space, rng)
        for index, place in enumerate(places)
    ]  # fmt: skip
    return replace_part(rules, at, call(operator, *args))


@cache
def _exchanges(
    kind: Kind, own: Operator | None, series: tuple[Kind, ...], space: Space
) -> tuple[tuple[Operator, tuple[Domain, ...]], ...]:
    """Productions of a kind, by other operators, over series of the same kinds."""
    return tuple(
        (production.operator, production.domains)
        for group in space.productions.get(kind, ())
        for production in group
        if production.operator is not own
        and tuple(each for each in production.domains if isinstance(each, Kind)) == series
    )


def _series_kinds(term: Term) -> tuple[Kind, ...]:
    operator = term.operator
    if operator is None:
        return ()
    return tuple(
        infer_kind(arg)
        for index, arg in enumerate(term.args)
        if domain_of(operator.slot(index)) is None and infer_kind(arg).family != "scalar"
    )


def _keeps(term: Term, index: int, place: Domain) -> bool:
    """Whether an argument may stay in a place: a like series, a window within its range."""
    arg = term.args[index]
    if isinstance(place, Kind):
        return infer_kind(arg) == place
    value = arg.value
    if value is None:
        return False
    is_window = term.operator is not None and term.operator.slot(index).is_window
    return place.low <= value <= place.high and isinstance(place, Window) == is_window


PROPOSER = Proposer("point", "one operator or series exchanged", 1, 2.0, propose)
