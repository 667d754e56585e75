"""Pointwise arithmetic. Undefined results (x / 0, the root or log of a negative) are unknown."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from dsl.operators.declaration import pointwise
from dsl.operators.rounding import MIN_DIVISOR, difference, same
from dsl.types import kinds, rules
from dsl.types.kinds import Inference, Kind

if TYPE_CHECKING:
    from dsl.operators.declaration import Condition, Series


def _infer_negation(x: Kind) -> Inference:
    return rules.infer_product(kinds.scalar(-1.0), x)._replace(sampled=False)


LARGEST_LOG = 709.0
MAX_EXPONENT = 99  # of price and volume in the kind of a power


def _infer_power(x: Kind, y: Kind) -> Inference:
    """Infer the kind of a power; only a constant whole exponent may raise a dimension."""
    if y.low == y.high and float(y.low).is_integer():
        low = 0.0 if x.low >= 0 or y.low % 2 == 0 else -math.inf
        price, volume = x.price * y.low, x.volume * y.low
        if max(abs(price), abs(volume)) <= MAX_EXPONENT:
            return Inference(Kind("other", int(price), int(volume), low=low), sampled=False)
        return Inference(Kind("other", low=low), f"raises {x} to a high power", sampled=False)
    error = "" if x.is_scale_free else f"raises {x} to a power that is not a whole number"
    return Inference(Kind("other"), error, sampled=False)


def _infer_absolute(x: Kind) -> Inference:
    kind = Kind(x.family, x.price, x.volume, low=0.0, high=max(abs(x.low), abs(x.high)))
    return Inference(kind, sampled=False)


@pointwise(
    "add(x: number, y: number)",
    "sum",
    "close + atr(14)",
    infer=rules.infer_sum,
    symbol="+",
    facts=("keeps_whole",),
    phrase="{x} plus {y}",
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
    phrase="{x} minus {y}",
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
    phrase="{x} × {y}",
)
def multiply(x: Series, y: Series, out: Series) -> None:
    for i in range(len(out)):
        out[i] = x[i] * y[i]


@pointwise(
    "divide(x: number, y: number)",
    "quotient; unknown if y is 0",
    "close / sma(close, 50)",
    infer=rules.infer_quotient,
    symbol="/",
    phrase="{x} divided by {y}",
)
def divide(x: Series, y: Series, out: Series) -> None:
    for i in range(len(out)):
        out[i] = x[i] / y[i] if abs(y[i]) >= MIN_DIVISOR else math.nan


@pointwise(
    "negate(x: number)",
    "negation: minus x",
    "-change(close, 1)",
    infer=_infer_negation,
    facts=("keeps_whole",),
    phrase="minus {x}",
)
def negate(x: Series, out: Series) -> None:
    for i in range(len(out)):
        out[i] = -x[i]


@pointwise(
    "min(x: number, y: number)",
    "minimum of the arguments",
    "min(open, close)",
    aliases=("smallest",),
    infer=rules.infer_join,
    is_variadic=True,
    facts=("keeps_whole",),
    phrase="the smallest of ({x}, {y})",
)
def minimum(x: Series, y: Series, out: Series) -> None:
    for i in range(len(out)):
        if x[i] != x[i] or y[i] != y[i]:
            out[i] = math.nan
        else:
            out[i] = x[i] if x[i] < y[i] else y[i]


@pointwise(
    "max(x: number, y: number)",
    "maximum of the arguments",
    "max(open, close)",
    aliases=("largest",),
    infer=rules.infer_join,
    is_variadic=True,
    facts=("keeps_whole",),
    phrase="the largest of ({x}, {y})",
)
def maximum(x: Series, y: Series, out: Series) -> None:
    for i in range(len(out)):
        if x[i] != x[i] or y[i] != y[i]:
            out[i] = math.nan
        else:
            out[i] = x[i] if x[i] > y[i] else y[i]


@pointwise(
    "abs(x: number)",
    "absolute value",
    "abs(close - open)",
    infer=_infer_absolute,
    facts=("keeps_whole",),
    phrase="the absolute value of {x}",
)
def absolute(x: Series, out: Series) -> None:
    for i in range(len(out)):
        out[i] = abs(x[i])


@pointwise(
    "sign(x: number) -> oscillator -1..1",
    "sign: 1 if x is positive, -1 if x is negative, 0 if x is 0",
    "sign(change(close, 1))",
    facts=("whole",),
    usage="rare",
    phrase="the sign of {x}",
)
def sign(x: Series, out: Series) -> None:
    for i in range(len(out)):
        out[i] = x[i] if x[i] != x[i] or x[i] == 0 else math.copysign(1.0, x[i])


@pointwise(
    "sqrt(x: number)",
    "square root; unknown if x is negative",
    "sqrt(close / open)",
    infer=lambda x: Inference(Kind("other", x.price // 2, x.volume // 2), sampled=False),
    facts=("nonnegative",),
    phrase="the square root of {x}",
)
def square_root(x: Series, out: Series) -> None:
    for i in range(len(out)):
        out[i] = math.sqrt(x[i]) if x[i] >= 0 else math.nan


@pointwise(
    "log(x: ratio) -> change",
    "natural logarithm; unknown if x is 0 or negative",
    "log(close / close[1])",
    aliases=("ln",),
    usage="rare",
    phrase="the natural logarithm of {x}",
)
def logarithm(x: Series, out: Series) -> None:
    for i in range(len(out)):
        if same(x[i], 1.0):
            out[i] = 0.0
        else:
            out[i] = math.log(x[i]) if x[i] > 0 else math.nan


@pointwise(
    "exp(x: change) -> ratio",
    "exponential: e to the power of x; unknown if it overflows",
    "exp(sum(log(close / close[1]), 20))",
    facts=("nonnegative",),
    usage="rare",
    phrase="e to the power of {x}",
)
def exponential(x: Series, out: Series) -> None:
    for i in range(len(out)):
        out[i] = math.exp(x[i]) if x[i] <= LARGEST_LOG else math.nan


@pointwise(
    "power(x: number, y: number)",
    "x to the power of y; unknown if it is not a real number or overflows",
    "power(close / open, 2)",
    aliases=("pow",),
    infer=_infer_power,
    phrase="{x} to the power of {y}",
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
    "floor: largest whole number that is not above x",
    "floor(close / open)",
    infer=lambda x: Inference(x, sampled=False),
    facts=("whole",),
    usage="rare",
    phrase="the whole part of {x}",
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
    "x if the condition holds, y if it fails; unknown if the condition is unknown",
    "where(close > open, volume, 0)",
    aliases=("iff", "if_else"),
    infer=lambda condition, x, y: rules.infer_join(x, y),
    phrase="({x} if {condition}, else {y})",
)
def where(holds: Condition, fails: Condition, x: Series, y: Series, out: Series) -> None:
    """Choose between two values; `holds` and `fails` are both false for an unknown condition."""
    for i in range(len(out)):
        true_value, false_value = x[i], y[i]
        out[i] = true_value if holds[i] else false_value if fails[i] else math.nan
