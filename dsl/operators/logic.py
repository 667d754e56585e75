"""Conditions. A comparison with an unknown value is false, `!=` included.

`not` is pushed down to the comparisons, whose `complement` it becomes, so an unknown value
never triggers an order either way.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dsl.operators.declaration import Declaration, pointwise
from dsl.operators.rounding import exceeds, same
from dsl.types import rules
from dsl.types.kinds import BOOL, Inference, Kind

if TYPE_CHECKING:
    from dsl.operators.declaration import Condition, Series


def _loosely(x: Kind, y: Kind) -> Inference:
    return rules.infer_comparison(x, y)._replace(sampled=False)


@pointwise(
    "less(x: number, y: number)", "less than", "close < open", infer=rules.infer_comparison,
    complement=">=", symbol="<",
)  # fmt: skip
def less(x: Series, y: Series, out: Condition) -> None:
    for i in range(len(out)):
        out[i] = exceeds(y[i], x[i])


@pointwise(
    "at_most(x: number, y: number)",
    "at most",
    "close <= open",
    infer=_loosely,
    complement=">",
    symbol="<=",
)
def at_most(x: Series, y: Series, out: Condition) -> None:
    for i in range(len(out)):
        out[i] = (x[i] <= y[i]) | same(x[i], y[i])


@pointwise(
    "greater(x: number, y: number)", "greater than", "close > open", infer=rules.infer_comparison,
    complement="<=", symbol=">",
)  # fmt: skip
def greater(x: Series, y: Series, out: Condition) -> None:
    for i in range(len(out)):
        out[i] = exceeds(x[i], y[i])


@pointwise(
    "at_least(x: number, y: number)",
    "at least",
    "close >= open",
    infer=_loosely,
    complement="<",
    symbol=">=",
)
def at_least(x: Series, y: Series, out: Condition) -> None:
    for i in range(len(out)):
        out[i] = (x[i] >= y[i]) | same(x[i], y[i])


@pointwise(
    "equal(x: number, y: number)",
    "equal",
    "close == high",
    infer=_loosely,
    complement="!=",
    symbol="==",
)
def equal(x: Series, y: Series, out: Condition) -> None:
    for i in range(len(out)):
        out[i] = (x[i] == y[i]) | same(x[i], y[i])


@pointwise(
    "unequal(x: number, y: number)",
    "unequal",
    "close != high",
    infer=_loosely,
    complement="==",
    symbol="!=",
)
def unequal(x: Series, y: Series, out: Condition) -> None:
    for i in range(len(out)):
        out[i] = exceeds(x[i], y[i]) | exceeds(y[i], x[i])


@pointwise(
    "both(x: bool, y: bool) -> bool", "both hold", "close > open and close > close[1]",
    symbol="and",     is_variadic=True,
)  # fmt: skip
def both(x: Condition, y: Condition, out: Condition) -> None:
    for i in range(len(out)):
        out[i] = x[i] & y[i]


@pointwise(
    "either(x: bool, y: bool) -> bool", "one or both hold", "close > open or close > close[1]",
    symbol="or",     is_variadic=True,
)  # fmt: skip
def either(x: Condition, y: Condition, out: Condition) -> None:
    for i in range(len(out)):
        out[i] = x[i] | y[i]


NOT = Declaration(
    None,
    "negation(x: bool) -> bool",
    "does not hold; an unknown comparison holds neither way",
    "not (close > open)",
    infer=lambda x: Inference(BOOL, sampled=False),
    symbol="not",
    is_pointwise=True,
)
