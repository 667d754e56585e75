"""Point mutation: one operator or series is replaced by another of the same kind."""

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
from evolve.search.edit import choose_series, list_parts, replace_part
from evolve.search.grow import grow_in
from evolve.search.prior import Choices
from evolve.search.proposer import Proposer
from evolve.search.space import Space


def propose(parents: Sequence[Rules], space: Space, rng: Random) -> Rules | None:
    """Return the parent with one operator replaced; arguments that fit the new one remain."""
    rules = parents[0]
    index = choose_series(rules, rng)
    if index is None:
        return None
    term, kind = list_parts(rules)[index][:2]
    if term.head in ("and", "or"):
        other = space.catalog.operator("or" if term.head == "and" else "and")
        return replace_part(rules, index, call(other, *term.args))
    if not isinstance(kind, Kind):
        return None
    candidates = _list_alternatives(kind, term.operator, _list_series_kinds(term), space)
    if not candidates.items:
        return None
    operator, domains = candidates.draw(rng)
    args = [
        term.args[slot] if slot < len(term.args) and _is_in_domain(term, slot, domain) else
        grow_in(domain, 1, space, rng)
        for slot, domain in enumerate(domains)
    ]  # fmt: skip
    return replace_part(rules, index, call(operator, *args))


@cache
def _list_alternatives(
    kind: Kind, current: Operator | None, series: tuple[Kind, ...], space: Space
) -> Choices[tuple[Operator, tuple[Domain, ...]]]:
    """Return the productions of a kind by other operators over series of the same kinds.

    Each has the weight of its operator.
    """
    productions = [
        production
        for group in space.productions.get(kind, ())
        for production in group
        if production.operator is not current
        and tuple(each for each in production.domains if isinstance(each, Kind)) == series
    ]
    prior = space.prior
    weights = [
        prior.weigh_operator(each.operator) * prior.weigh_symbol(each.operator)
        for each in productions
    ]
    return Choices([(each.operator, each.domains) for each in productions], weights)


def _list_series_kinds(term: Term) -> tuple[Kind, ...]:
    operator = term.operator
    if operator is None:
        return ()
    return tuple(
        infer_kind(arg)
        for index, arg in enumerate(term.args)
        if domain_of(operator.slot(index)) is None and infer_kind(arg).family != "scalar"
    )


def _is_in_domain(term: Term, slot: int, domain: Domain) -> bool:
    """Return whether an argument of a term lies in another domain."""
    arg = term.args[slot]
    if isinstance(domain, Kind):
        return infer_kind(arg) == domain
    value = arg.value
    if value is None:
        return False
    is_window = term.operator is not None and term.operator.slot(slot).is_window
    return domain.low <= value <= domain.high and isinstance(domain, Window) == is_window


PROPOSER = Proposer("point", "replaces one operator or series", 1, 2.0, propose)
