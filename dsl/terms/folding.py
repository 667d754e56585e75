"""Values of constant expressions: literals and params under pointwise operators."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal, NamedTuple

from dsl.terms.operator import Operator
from dsl.terms.terms import Parameter, Term

End = Literal["value", "low", "high"]


class Decided(NamedTuple):
    """Constant condition; if it is unknown, it neither holds nor fails."""

    holds: bool
    fails: bool


Constant = float | Decided


def fold(term: Term, end: End = "value") -> float | None:
    """Return the value of a constant expression of literals and params; None for other terms.

    Args:
        term: a number.
        end: the attribute of each param to use; without a range, its value.
    """
    if term.operator is None:
        return _read(term, end)
    value = _fold(term, end, {})
    return None if isinstance(value, Decided) else value


def fold_at_ends(term: Term) -> list[float]:
    """Return the values of a constant with every param at its low end, then at its high end."""
    ends = (fold(term, "low"), fold(term, "high"))
    return [value for value in ends if value is not None]


def apply_kernel(operator: Operator, values: Sequence[float]) -> float:
    """Return the value of a pointwise operator applied to numbers; a variadic one in pairs."""
    if not operator.is_variadic:
        return _run(operator, values)
    result, *others = values
    for other in others:
        result = _run(operator, (result, other))
    return result


def _read(term: Term, end: End) -> float | None:
    if end == "value" or not isinstance(term.leaf, Parameter):
        return term.value
    found: float | None = getattr(term.leaf, end)
    return term.leaf.value if found is None else found


def _fold(term: Term, end: End, known: dict[Term, Constant | None]) -> Constant | None:
    """Return the value of a term, each distinct part of which is computed once."""
    operator = term.operator
    if isinstance(term.leaf, bool):
        return Decided(term.leaf, not term.leaf)
    if operator is None:
        return _read(term, end)
    if not operator.is_pointwise or operator.series:
        return None
    if term not in known:
        args: list[Constant] = []
        for arg in term.args:
            value = _fold(arg, end, known)
            if value is None:
                break
            args.append(value)
        known[term] = _apply(operator, args) if len(args) == len(term.args) else None
    return known[term]


def _apply(operator: Operator, args: Sequence[Constant]) -> Constant:
    """Return the value of a pointwise operator applied to constants."""
    conditions = [each for each in args if isinstance(each, Decided)]
    numbers = [each for each in args if not isinstance(each, Decided)]
    if operator.name == "not":
        return Decided(conditions[0].fails, conditions[0].holds)
    if operator.name == "and":
        return Decided(all(x.holds for x in conditions), any(x.fails for x in conditions))
    if operator.name == "or":
        return Decided(any(x.holds for x in conditions), all(x.fails for x in conditions))
    if operator.complement:
        holds = bool(apply_kernel(operator, numbers))
        return Decided(holds, not holds and not any(map(math.isnan, numbers)))
    if conditions:
        return _run(operator, [*conditions[0], *numbers])
    return apply_kernel(operator, numbers)


def _run(operator: Operator, operands: Sequence[float]) -> float:
    """Return the result of one call of a kernel on one bar."""
    assert operator.kernel is not None
    out = [math.nan]
    operator.kernel(*([each] for each in operands), out)
    return float(out[0])
