"""Type inference of terms: their kinds and the mismatches in them, cached on each term."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from dsl.terms.operator import Slot
from dsl.terms.terms import Argument, Number, Parameter, Term
from dsl.types.kinds import BOOL, INF, LEVEL, Inference, Kind, scalar
from dsl.types.rules import infer_comparison


def infer(term: Term) -> Inference:
    """Return the kind of a term and, if its operator mixes unlike kinds, the error."""
    if term.inference is None:
        term.inference = _infer(term)
    return term.inference


def infer_kind(term: Term) -> Kind:
    """Return the kind of a term."""
    return infer(term).kind


def find_mismatch(slot: Slot, kind: Kind, others: Sequence[Kind] = ()) -> str:
    """Return why a kind does not match a slot; empty if it does.

    `is_computable` is the weaker test of whether the slot can compute with the kind.

    Args:
        slot: slot of an operator.
        kind: kind of the argument.
        others: kinds of all arguments, for a slot that must be like another.
    """
    wanted = slot.kind
    if slot.like is not None and slot.like < len(others):
        return infer_comparison(others[slot.like], kind).error
    if wanted is None or wanted.family in ("bool", "window"):
        return ""
    if wanted.is_scale_free and kind.is_scale_free:
        return ""
    if wanted.dimension == kind.dimension and {wanted.family, kind.family} != {"level", "diff"}:
        return ""
    return f"`{slot.name}` expects {wanted}, found {kind}"


def is_computable(slot: Slot, kind: Kind) -> bool:
    """Return whether slot and argument are both conditions or both numbers."""
    wants_condition = slot.kind is not None and slot.kind.family == "bool"
    return wants_condition == (kind.family == "bool")


def list_mismatches(term: Term) -> Iterator[str]:
    """Yield every mismatch of kinds in a term; nothing for a strictly typed term."""
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
            following = operator.infer(inference.kind, kind)
            error = inference.error or following.error
            inference = Inference(following.kind, error, following.sampled)
        return inference
    return operator.infer(*kinds)
