"""The kind of a term, and what is unlike in it: derived bottom-up and kept on the term."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from dsl.terms.operator import Slot
from dsl.terms.terms import Argument, Number, Parameter, Term
from dsl.types.kinds import BOOL, INF, LEVEL, Judgement, Kind, scalar
from dsl.types.rules import comparison_of


def judge(term: Term) -> Judgement:
    """The kind of a term and, where it mixes unlike kinds itself, a complaint."""
    if term.judgement is None:
        term.judgement = _judge(term)
    return term.judgement


def kind_of(term: Term) -> Kind:
    """The kind of a term."""
    return judge(term).kind


def misfit(slot: Slot, given: Kind, others: Sequence[Kind] = ()) -> str:
    """Why a value of a kind does not belong in a slot; empty if it does.

    Whether it can compute there at all is `computes`.

    Args:
        slot: the slot.
        given: the kind of what stands there.
        others: the kinds of the arguments before it, for a slot that must be like one of them.
    """
    wanted = slot.kind
    if slot.like is not None and slot.like < len(others):
        return comparison_of(others[slot.like], given).complaint
    if wanted is None or wanted.family in ("bool", "window"):
        return ""
    if wanted.is_scale_free and given.is_scale_free:
        return ""
    if wanted.dimension == given.dimension and {wanted.family, given.family} != {"level", "diff"}:
        return ""
    return f"`{slot.name}` expects {wanted}, not {given}"


def computes(slot: Slot, given: Kind) -> bool:
    """Whether a value of a kind can be computed with in a slot: conditions and numbers apart."""
    wants_condition = slot.kind is not None and slot.kind.family == "bool"
    return wants_condition == (given.family == "bool")


def complaints(term: Term) -> Iterator[str]:
    """Everything in a term that mixes unlike kinds; nothing for a strictly typed term."""
    for part in term.walk():
        if judge(part).complaint:
            yield judge(part).complaint
        if part.operator is not None:
            kinds = [kind_of(arg) for arg in part.args]
            for index, kind in enumerate(kinds):
                reason = misfit(part.operator.slot(index), kind, kinds)
                if reason:
                    yield reason


def _judge(term: Term) -> Judgement:
    match term.leaf:
        case Number(value=value):
            return Judgement(scalar(value))
        case bool():
            return Judgement(BOOL)
        case Parameter() as param:
            if param.low is None or param.high is None:
                return Judgement(scalar(param.value))
            return Judgement(Kind("scalar", low=param.low, high=param.high))
        case Argument(kind=kind):
            if kind is not None and kind.family == "window":
                return Judgement(Kind("scalar", low=1.0, high=INF))
            return Judgement(kind or LEVEL)
    assert term.operator is not None
    operator = term.operator
    kinds = [kind_of(arg) for arg in term.args]
    if operator.is_variadic and len(kinds) > 2:
        judgement = operator.judge(kinds[0], kinds[1])
        for kind in kinds[2:]:
            step = operator.judge(judgement.kind, kind)
            judgement = Judgement(step.kind, judgement.complaint or step.complaint, step.sampled)
        return judgement
    return operator.judge(*kinds)
