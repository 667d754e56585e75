"""Type rules: the kinds of results of arithmetic and comparisons.

One table has the rules of `+ - * /`. The first row that matches applies; rows of `+` and `*` match
in either order of operands.

| word          | matches                                                                 |
|---------------|-------------------------------------------------------------------------|
| a family      | a kind of that family                                                   |
| `flow`        | a signed volume                                                         |
| `number`      | a literal or a param                                                    |
| `0`, `1`, `-1`| a literal or a param of that value                                      |
| `free`        | any kind without a dimension                                            |
| `same`        | the kind of the other operand, including its range                      |
| `alike`       | a kind with the dimension of the other operand                          |
| `any`         | any kind                                                                |

The result is a family, `left` or `right` (the kind of that operand), `spread` (a distance between
values of the left kind) or `dimension` (from the exponents of price and volume). Interval
arithmetic gives its range. The search may write **strictly** typed results; **loosely** typed ones
are valid, but only people write them. If no row matches, the result is valid with a warning.
"""

from __future__ import annotations

import math
from dataclasses import replace
from functools import lru_cache
from typing import NamedTuple

from dsl.types.kinds import (
    BOOL,
    CHANGE,
    DIFF,
    INF,
    LEVEL,
    RATIO,
    SIGNED_VOLUME,
    VOLUME,
    Inference,
    Kind,
)

TYPE_RULES = """
    level       +   diff      level      strictly
    level       -   diff      level      strictly
    level       -   level     diff       strictly
    level       +   level     level      loosely
    volume      -   volume    flow       strictly
    volume      +   flow      volume     strictly
    volume      -   flow      volume     strictly
    ratio       -   1         change     strictly
    ratio       +   -1        change     strictly
    change      +   1         ratio      loosely
    change      -   1         ratio      loosely
    1           -   change    ratio      loosely
    oscillator  -   same      spread     strictly
    number      +   number    number     loosely
    number      -   number    number     loosely
    number      -   free      right      loosely
    free        +   number    left       loosely
    free        -   number    left       loosely
    any         +   same      left       strictly
    any         -   same      left       strictly
    free        +   free      other      loosely
    free        -   free      other      loosely
    any         +   alike     left       loosely
    any         -   alike     left       loosely
    any         +   0         left       loosely
    any         -   0         left       loosely
    0           -   any       right      loosely

    number      *   number    number     loosely
    level       *   number    level      strictly
    diff        *   number    diff       strictly
    volume      *   number    volume     strictly
    any         *   number    left       loosely
    any         *   ratio     left       loosely
    level       *   free      diff       loosely
    diff        *   free      diff       loosely
    any         *   any       dimension  loosely

    number      /   number    number     loosely
    level       /   number    level      strictly
    diff        /   number    diff       strictly
    volume      /   number    volume     strictly
    any         /   number    left       loosely
    level       /   level     ratio      strictly
    volume      /   volume    ratio      strictly
    diff        /   diff      ratio      strictly
    diff        /   level     change     strictly
    flow        /   volume    change     strictly
    number      /   free      other      loosely
    free        /   free      ratio      loosely
    other       /   same      ratio      strictly
    level       /   free      level      loosely
    volume      /   free      volume     loosely
    any         /   alike     ratio      loosely
    any         /   any       dimension  loosely
"""


class TypeRule(NamedTuple):
    """Row of the table of type rules."""

    left: str
    symbol: str
    right: str
    gives: str
    is_strict: bool


TABLE = tuple(
    TypeRule(left, symbol, right, gives, how == "strictly")
    for left, symbol, right, gives, how in filter(None, map(str.split, TYPE_RULES.splitlines()))
)
FIXED = {"level": LEVEL, "diff": DIFF, "volume": VOLUME, "flow": SIGNED_VOLUME}


@lru_cache(8192)
def infer_arithmetic(symbol: str, x: Kind, y: Kind) -> Inference:
    """Infer the kind of `x + y`, `x - y`, `x * y` or `x / y`, by the first rule that matches."""
    orders = [(x, y), (y, x)] if symbol in "+*" else [(x, y)]
    low, high = _infer_range(symbol, x, y)
    for rule in TABLE:
        if rule.symbol != symbol:
            continue
        for left, right in orders:
            if _matches(rule.left, left, right) and _matches(rule.right, right, left):
                kind = _build_result(rule.gives, symbol, left, right, low, high)
                return Inference(kind, sampled=_is_sampled(rule, kind, left))
    complaint = f"adds {y} to {x}" if symbol == "+" else f"subtracts {y} from {x}"
    return Inference(y if x.family == "scalar" else x, complaint, sampled=False)


def infer_sum(x: Kind, y: Kind) -> Inference:
    """Infer the kind of `x + y`."""
    return infer_arithmetic("+", x, y)


def infer_difference(x: Kind, y: Kind) -> Inference:
    """Infer the kind of `x - y`."""
    return infer_arithmetic("-", x, y)


def infer_product(x: Kind, y: Kind) -> Inference:
    """Infer the kind of `x * y`."""
    return infer_arithmetic("*", x, y)


def infer_quotient(x: Kind, y: Kind) -> Inference:
    """Infer the kind of `x / y`."""
    return infer_arithmetic("/", x, y)


def infer_comparison(x: Kind, y: Kind) -> Inference:
    """Infer the kind of a comparison, which is sound between values of one kind.

    A literal may be compared with a kind without a dimension, and 0 with a price distance. A
    literal beside a price or a volume is a complaint: later dividends change adjusted prices.
    """
    if "scalar" in (x.family, y.family):
        other, literal = (x, y) if y.family == "scalar" else (y, x)
        is_zero = literal.low == literal.high == 0 and other.family not in ("level", "volume")
        is_sound = other.is_scale_free or is_zero
        complaint = "" if is_sound else f"compares {other} with {literal}"
        return Inference(BOOL, complaint, sampled=other.family != "scalar")
    is_unlike = x.dimension != y.dimension or {x.family, y.family} in (
        {"level", "diff"},
        {"volume", "other"},
    )
    scales_differ = "oscillator" in (x.family, y.family) and x != y
    if is_unlike or (scales_differ and not {"other", "change"} & {x.family, y.family}):
        return Inference(BOOL, f"compares {x} with {y}")
    return Inference(BOOL, sampled=x == y)


def infer_join(x: Kind, y: Kind) -> Inference:
    """Infer the kind of `min`, `max` or `where` from two operands or branches."""
    if x == y:
        return Inference(x)
    low, high = min(x.low, y.low), max(x.high, y.high)
    literal, other = (x, y) if x.family == "scalar" else (y, x)
    if literal.family == "scalar":
        if other.is_scale_free or literal.low == literal.high == 0:
            return Inference(replace(other, low=low, high=high), sampled=False)
        return Inference(other, f"mixes {other} with {literal}")
    if x.dimension != y.dimension or {x.family, y.family} == {"level", "diff"}:
        return Inference(x, f"mixes {x} with {y}")
    return Inference(replace(x, low=low, high=high), sampled=False)


def infer_distance(x: Kind) -> Kind:
    """Return the kind of a distance between values of `x`, such as `stdev(x, n)`."""
    if x.family in ("level", "diff"):
        return DIFF
    if x.family in ("volume", "other"):
        return Kind("other", x.price, x.volume)
    if x.family == "oscillator" and math.isfinite(x.high - x.low):
        width = x.high - x.low
        return Kind("change", low=-width, high=width, typical=(-width / 4, width / 4))
    if x.family == "oscillator" and x.typical:
        width = x.typical[1] - x.typical[0]
        return Kind("change", typical=(-width / 4, width / 4))
    return x if x.family == "change" else CHANGE


def _matches(word: str, kind: Kind, other: Kind) -> bool:
    match word:
        case "any":
            return True
        case "flow":
            return kind.family == "other" and kind.dimension == (0, 1)
        case "number":
            return kind.family == "scalar"
        case "0" | "1" | "-1":
            return kind.family == "scalar" and kind.low == kind.high == float(word)
        case "free":
            return kind.is_scale_free
        case "same":
            return kind == other
        case "alike":
            return kind.dimension == other.dimension
    return kind.family == word


def _build_result(
    gives: str, symbol: str, left: Kind, right: Kind, low: float, high: float
) -> Kind:
    if gives in FIXED:
        return FIXED[gives]
    if gives == "dimension":
        sign = 1 if symbol == "*" else -1
        price, volume = left.price + sign * right.price, left.volume + sign * right.volume
        return DIFF if (price, volume) == (1, 0) else Kind("other", price, volume, low, high)
    if gives == "spread":
        return infer_distance(left)
    kind = right if gives == "right" else left
    if gives in ("left", "right"):
        factor = right.low if right.family == "scalar" else 1.0
        return replace(kind, low=low, high=high, typical=_scale(kind, symbol, factor))
    named = {"ratio": RATIO, "change": CHANGE, "other": Kind("other"), "number": Kind("scalar")}
    return replace(named[gives], low=low, high=high)


def _scale(kind: Kind, symbol: str, factor: float) -> tuple[float, float] | None:
    """Return the typical range of a kind that is multiplied or divided by a number."""
    if kind.typical is None or symbol in "+-" or factor == 0 or not math.isfinite(factor):
        return kind.typical
    by = factor if symbol == "*" else 1 / factor
    low, high = sorted(by * end for end in kind.typical)
    return low, high


def _is_sampled(rule: TypeRule, kind: Kind, left: Kind) -> bool:
    """Return whether a rule is strict and, if its result is the left kind, preserves the range."""
    return rule.is_strict and (rule.gives != "left" or kind == left)


def _infer_range(symbol: str, x: Kind, y: Kind) -> tuple[float, float]:
    """Return the lowest and highest value of a result, by interval arithmetic."""
    if symbol == "+":
        low, high = x.low + y.low, x.high + y.high
    elif symbol == "-":
        low, high = x.low - y.high, x.high - y.low
    elif symbol == "*" or y.low > 0 or y.high < 0 or (y.low == 0 and x.low >= 0):
        others = (y.low, y.high) if symbol == "*" else (_inverse(y.high), _inverse(y.low))
        ends = [_times(a, b) for a in (x.low, x.high) for b in others]
        low, high = min(ends), max(ends)
    else:
        low, high = -INF, INF
    return (-INF if math.isnan(low) else low), (INF if math.isnan(high) else high)


def _inverse(bound: float) -> float:
    return 1 / bound if bound else INF


def _times(a: float, b: float) -> float:
    return 0.0 if a == 0 or b == 0 else a * b
