"""The kind of a term, and what is unlike in it: derived bottom-up and kept on the term."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from dsl.terms.operator import Slot
from dsl.terms.terms import Argument, Number, Parameter, Term
from dsl.types.kinds import BOOL, INF, LEVEL, Inference, Kind, scalar
from dsl.types.rules import infer_comparison


def infer(term: Term) -> Inference:
    """The kind of a term and, where it mixes unlike kinds itself, a complaint."""
    if term.inference is None:
        term.inference = _infer(term)
    return term.inference


def infer_kind(term: Term) -> Kind:
    """The kind of a term."""
    return infer(term).kind


def find_mismatch(slot: Slot, given: Kind, others: Sequence[Kind] = ()) -> str:
    """Why a value of a kind does not belong in a slot; empty if it does.

    Whether it can compute there at all is `computes`.

    Args:
        slot: the slot.
        given: the kind of what stands there.
        others: the kinds of the arguments before it, for a slot that must be like one of them.
    """
    wanted = slot.kind
    if slot.like is not None and slot.like < len(others):
        return infer_comparison(others[slot.like], given).error
    if wanted is None or wanted.family in ("bool", "window"):
        return ""
    if wanted.is_scale_free and given.is_scale_free:
        return ""
    if wanted.dimension == given.dimension and {wanted.family, given.family} != {"level", "diff"}:
        return ""
    return f"`{slot.name}` expects {wanted}, not {given}"


def is_computable(slot: Slot, given: Kind) -> bool:
    """Whether a value of a kind can be computed with in a slot: conditions and numbers apart."""
    wants_condition = slot.kind is not None and slot.kind.family == "bool"
    return wants_condition == (given.family == "bool")


def list_mismatches(term: Term) -> Iterator[str]:
    """Everything in a term that mixes unlike kinds; nothing for a strictly typed term."""
    for part in term.walk():
        if infer(part).error:
            yield infer(part).error
        if part.operator is not None:
            kinds = [infer_kind(arg) for arg in part.args]
            for index, kind in enumerate(kinds):
                reason = find_mismatch(part.operator.slot(index), kind, kinds)
                if reason:
                    yield reason


def _infer(term: Term) -> Inference:
    match term.leaf:
        case Number(value=value):
            return Inference(scalar(value))
        case bool():
            return Inference(BOOL)
        case Parameter() as param:
            if param.low is None or param.high is None:
                return Inference(scalar(param.value))
            return Inference(Kind("scalar", low=param.low, high=param.high))
        case Argument(kind=kind):
            if kind is not None and kind.family == "window":
                return Inference(Kind("scalar", low=1.0, high=INF))
            return Inference(kind or LEVEL)
    assert term.operator is not None
    operator = term.operator
    kinds = [infer_kind(arg) for arg in term.args]
    if operator.is_variadic and len(kinds) > 2:
        inference = operator.infer(kinds[0], kinds[1])
        for kind in kinds[2:]:
            step = operator.infer(inference.kind, kind)
            inference = Inference(step.kind, inference.error or step.error, step.sampled)
        return inference
    return operator.infer(*kinds)
