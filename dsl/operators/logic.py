"""Conditions. A comparison with an unknown value is false, `!=` included.

The canonical form replaces `not` by the `complement` of the comparisons. An unknown value therefore
triggers an order neither with `not` nor without it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dsl.operators.declaration import Declaration, pointwise
from dsl.operators.rounding import exceeds, same
from dsl.types import rules
from dsl.types.kinds import BOOL, Inference, Kind

if TYPE_CHECKING:
    from dsl.operators.declaration import Condition, Series


def _infer_unsampled(x: Kind, y: Kind) -> Inference:
    return rules.infer_comparison(x, y)._replace(sampled=False)


@pointwise(
    "less(x: number, y: number)", "x is less than y", "close < open",
    infer=rules.infer_comparison, complement=">=", symbol="<",
    phrase="{x} is below {y}",
)  # fmt: skip
def less(x: Series, y: Series, out: Condition) -> None:
    for i in range(len(out)):
        out[i] = exceeds(y[i], x[i])


@pointwise(
    "at_most(x: number, y: number)",
    "x is less than or equal to y",
    "close <= open",
    infer=_infer_unsampled,
    complement=">",
    symbol="<=",
    phrase="{x} is at most {y}",
)
def at_most(x: Series, y: Series, out: Condition) -> None:
    for i in range(len(out)):
        out[i] = (x[i] <= y[i]) | same(x[i], y[i])


@pointwise(
    "greater(x: number, y: number)", "x is greater than y", "close > open",
    infer=rules.infer_comparison, complement="<=", symbol=">",
    phrase="{x} is above {y}",
)  # fmt: skip
def greater(x: Series, y: Series, out: Condition) -> None:
    for i in range(len(out)):
        out[i] = exceeds(x[i], y[i])


@pointwise(
    "at_least(x: number, y: number)",
    "x is greater than or equal to y",
    "close >= open",
    infer=_infer_unsampled,
    complement="<",
    symbol=">=",
    phrase="{x} is at least {y}",
)
def at_least(x: Series, y: Series, out: Condition) -> None:
    for i in range(len(out)):
        out[i] = (x[i] >= y[i]) | same(x[i], y[i])


@pointwise(
    "equal(x: number, y: number)",
    "x equals y, up to rounding",
    "close == high",
    infer=_infer_unsampled,
    complement="!=",
    symbol="==",
    phrase="{x} is equal to {y}",
)
def equal(x: Series, y: Series, out: Condition) -> None:
    for i in range(len(out)):
        out[i] = (x[i] == y[i]) | same(x[i], y[i])


@pointwise(
    "unequal(x: number, y: number)",
    "x differs from y by more than rounding",
    "close != high",
    infer=_infer_unsampled,
    complement="==",
    symbol="!=",
    phrase="{x} is not equal to {y}",
)
def unequal(x: Series, y: Series, out: Condition) -> None:
    for i in range(len(out)):
        out[i] = exceeds(x[i], y[i]) | exceeds(y[i], x[i])


@pointwise(
    "both(x: bool, y: bool) -> bool", "all conditions hold", "close > open and close > close[1]",
    symbol="and", is_variadic=True,
    phrase="{x} and {y}",
)  # fmt: skip
def both(x: Condition, y: Condition, out: Condition) -> None:
    for i in range(len(out)):
        out[i] = x[i] & y[i]


@pointwise(
    "either(x: bool, y: bool) -> bool", "at least one condition holds",
    "close > open or close > close[1]", symbol="or", is_variadic=True,
    phrase="{x} or {y}",
)  # fmt: skip
def either(x: Condition, y: Condition, out: Condition) -> None:
    for i in range(len(out)):
        out[i] = x[i] | y[i]


NOT = Declaration(
    None,
    "negation(x: bool) -> bool",
    "the condition is known not to hold",
    "not (close > open)",
    "it is not true that {x}",
    infer=lambda x: Inference(BOOL, sampled=False),
    symbol="not",
    is_pointwise=True,
)
