"""Arithmetic, bar by bar. What has no value (x / 0, the root or log of a negative) is unknown."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from dsl.operators.declaration import pointwise
from dsl.operators.rounding import MIN_DIVISOR, difference, same
from dsl.types import kinds, rules
from dsl.types.kinds import Inference, Kind

if TYPE_CHECKING:
    from dsl.operators.declaration import Condition, Series


def _negated(x: Kind) -> Inference:
    return rules.infer_product(kinds.scalar(-1.0), x)._replace(sampled=False)


LARGEST_LOG = 709.0


def _raised(x: Kind, y: Kind) -> Inference:
    """A known whole exponent raises the dimension; any other wants a plain number."""
    if y.low == y.high and float(y.low).is_integer():
        times = int(y.low)
        low = 0.0 if x.low >= 0 or times % 2 == 0 else -math.inf
        return Inference(Kind("other", x.price * times, x.volume * times, low=low), sampled=False)
    complaint = "" if x.is_scale_free else f"raises {x} to a power that is not a whole number"
    return Inference(Kind("other"), complaint, sampled=False)


def _size(x: Kind) -> Inference:
    kind = Kind(x.family, x.price, x.volume, low=0.0, high=max(abs(x.low), abs(x.high)))
    return Inference(kind, sampled=False)


@pointwise(
    "add(x: number, y: number)",
    "sum",
    "close + atr(14)",
    infer=rules.infer_sum,
    symbol="+",
    facts=("keeps_whole",),
)
def add(x: Series, y: Series, out: Series) -> None:
    for i in range(len(out)):
        out[i] = difference(x[i], -y[i])


@pointwise(
    "subtract(x: number, y: number)",
    "difference",
    "high - low",
    infer=rules.infer_difference,
    symbol="-",
    facts=("keeps_whole",),
)
def subtract(x: Series, y: Series, out: Series) -> None:
    for i in range(len(out)):
        out[i] = difference(x[i], y[i])


@pointwise(
    "multiply(x: number, y: number)",
    "product",
    "2 * atr(14)",
    infer=rules.infer_product,
    symbol="*",
    facts=("keeps_whole",),
)
def multiply(x: Series, y: Series, out: Series) -> None:
    for i in range(len(out)):
        out[i] = x[i] * y[i]


@pointwise(
    "divide(x: number, y: number)",
    "quotient; unknown where y is 0",
    "close / sma(close, 50)",
    infer=rules.infer_quotient,
    symbol="/",
)
def divide(x: Series, y: Series, out: Series) -> None:
    for i in range(len(out)):
        out[i] = x[i] / y[i] if abs(y[i]) >= MIN_DIVISOR else math.nan


@pointwise(
    "negate(x: number)",
    "the value with its sign turned",
    "-change(close, 1)",
    infer=_negated,
    facts=("keeps_whole",),
)
def negate(x: Series, out: Series) -> None:
    for i in range(len(out)):
        out[i] = -x[i]


@pointwise(
    "min(x: number, y: number)",
    "the smallest of its arguments",
    "min(open, close)",
    aliases=("smallest",),
    infer=rules.infer_join,
    is_variadic=True,
    facts=("keeps_whole",),
)
def minimum(x: Series, y: Series, out: Series) -> None:
    for i in range(len(out)):
        if x[i] != x[i] or y[i] != y[i]:
            out[i] = math.nan
        else:
            out[i] = x[i] if x[i] < y[i] else y[i]


@pointwise(
    "max(x: number, y: number)",
    "the largest of its arguments",
    "max(open, close)",
    aliases=("largest",),
    infer=rules.infer_join,
    is_variadic=True,
    facts=("keeps_whole",),
)
def maximum(x: Series, y: Series, out: Series) -> None:
    for i in range(len(out)):
        if x[i] != x[i] or y[i] != y[i]:
            out[i] = math.nan
        else:
            out[i] = x[i] if x[i] > y[i] else y[i]


@pointwise(
    "abs(x: number)",
    "the value without its sign",
    "abs(close - open)",
    infer=_size,
    facts=("keeps_whole",),
)
def absolute(x: Series, out: Series) -> None:
    for i in range(len(out)):
        out[i] = abs(x[i])


@pointwise(
    "sign(x: number) -> oscillator -1..1",
    "1 where x is positive, -1 where negative, 0 where zero",
    "sign(change(close, 1))",
    facts=("whole",),
)
def sign(x: Series, out: Series) -> None:
    for i in range(len(out)):
        out[i] = x[i] if x[i] != x[i] or x[i] == 0 else math.copysign(1.0, x[i])


@pointwise(
    "sqrt(x: number)",
    "square root; unknown below 0",
    "sqrt(close / open)",
    infer=lambda x: Inference(Kind("other", x.price // 2, x.volume // 2), sampled=False),
    facts=("nonnegative",),
)
def square_root(x: Series, out: Series) -> None:
    for i in range(len(out)):
        out[i] = math.sqrt(x[i]) if x[i] >= 0 else math.nan


@pointwise(
    "log(x: ratio) -> change",
    "natural logarithm; unknown at 0 and below",
    "log(close / close[1])",
    aliases=("ln",),
)
def logarithm(x: Series, out: Series) -> None:
    for i in range(len(out)):
        if same(x[i], 1.0):
            out[i] = 0.0
        else:
            out[i] = math.log(x[i]) if x[i] > 0 else math.nan


@pointwise(
    "exp(x: change) -> ratio",
    "e to the power of x; unknown where that is beyond the largest number",
    "exp(sum(log(close / close[1]), 20))",
    facts=("nonnegative",),
)
def exponential(x: Series, out: Series) -> None:
    for i in range(len(out)):
        out[i] = math.exp(x[i]) if x[i] <= LARGEST_LOG else math.nan


@pointwise(
    "power(x: number, y: number)",
    "x to the power of y; unknown where that is no real number",
    "power(close / open, 2)",
    aliases=("pow",),
    infer=_raised,
)
def power(x: Series, y: Series, out: Series) -> None:
    for i in range(len(out)):
        base, exponent = x[i], y[i]
        is_real = base > 0 or (base == 0 and exponent >= 0) or (base < 0 and exponent % 1 == 0)
        if base != 0 and is_real:
            is_real = exponent * math.log(abs(base)) <= LARGEST_LOG
        out[i] = math.pow(base, exponent) if is_real else math.nan


@pointwise(
    "floor(x: number)",
    "the largest whole number not above x",
    "floor(close / open)",
    infer=lambda x: Inference(x, sampled=False),
    facts=("whole",),
)
def floor(x: Series, out: Series) -> None:
    for i in range(len(out)):
        if not math.isfinite(x[i]):
            out[i] = x[i]
            continue
        nearest = math.floor(x[i] + 0.5)
        out[i] = nearest if same(x[i], nearest) else math.floor(x[i])


@pointwise(
    "where(condition: bool, x: number, y: number)",
    "x where the condition holds, y where it does not, unknown where that is unknown",
    "where(close > open, volume, 0)",
    aliases=("iff", "if_else"),
    infer=lambda condition, x, y: rules.infer_join(x, y),
)
def where(holds: Condition, fails: Condition, x: Series, y: Series, out: Series) -> None:
    """A kernel that gives numbers gets each condition twice: where it holds and where it fails."""
    for i in range(len(out)):
        if_holds, if_fails = x[i], y[i]
        out[i] = if_holds if holds[i] else if_fails if fails[i] else math.nan
