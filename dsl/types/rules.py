"""The algebra of kinds: what arithmetic and comparisons make of what values measure.

One table says it for `+ - * /`. The first law that fits holds; `+` and `*` are read both ways.

| word          | fits                                                                    |
|---------------|-------------------------------------------------------------------------|
| a family      | a kind of that family                                                   |
| `flow`        | a signed volume                                                         |
| `number`      | a literal or a param; `0`, `1`, `-1` are those                          |
| `free`        | any kind without a dimension                                            |
| `same`        | the very kind on the left, range and all                                |
| `alike`       | a kind of the left one's dimension                                      |
| `any`         | any kind                                                                |

The result is a family, `left` or `right` (that side's kind), `spread` (a distance between values
of the left kind) or `dimension` (whatever the exponents of price and volume add up to). Ranges
follow by interval arithmetic. **Strictly** typed results are what the search may write; **loosely**
typed ones compute and are left to people. What no law fits is computed too, with a warning.
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
    """One row of the table."""

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
    """What `x + y`, `x - y`, `x * y` or `x / y` measures, by the first law that fits."""
    orders = [(x, y), (y, x)] if symbol in "+*" else [(x, y)]
    low, high = _infer_range(symbol, x, y)
    for law in TABLE:
        if law.symbol != symbol:
            continue
        for left, right in orders:
            if _fits(law.left, left, right) and _fits(law.right, right, left):
                kind = _result(law.gives, symbol, left, right, low, high)
                return Inference(kind, sampled=_is_sampled(law, kind, left))
    verb = f"adds {y} to {x}" if symbol == "+" else f"takes {y} from {x}"
    return Inference(y if x.family == "scalar" else x, verb, sampled=False)


def infer_sum(x: Kind, y: Kind) -> Inference:
    """`x + y`."""
    return infer_arithmetic("+", x, y)


def infer_difference(x: Kind, y: Kind) -> Inference:
    """`x - y`."""
    return infer_arithmetic("-", x, y)


def infer_product(x: Kind, y: Kind) -> Inference:
    """`x * y`."""
    return infer_arithmetic("*", x, y)


def infer_quotient(x: Kind, y: Kind) -> Inference:
    """`x / y`."""
    return infer_arithmetic("/", x, y)


def infer_comparison(x: Kind, y: Kind) -> Inference:
    """`x < y` and its like: sound between values of one kind, or with a literal threshold.

    A number may stand beside a kind without a dimension, and 0 beside a price distance; beside a
    price or a volume it is complained about, as adjusted prices change with later dividends.
    """
    if "scalar" in (x.family, y.family):
        thing, literal = (x, y) if y.family == "scalar" else (y, x)
        is_zero = literal.low == literal.high == 0 and thing.family not in ("level", "volume")
        sound = thing.is_scale_free or is_zero
        complaint = "" if sound else f"compares {thing} with {literal}"
        return Inference(BOOL, complaint, sampled=thing.family != "scalar")
    unlike = x.dimension != y.dimension or {x.family, y.family} in (
        {"level", "diff"},
        {"volume", "other"},
    )
    on_scales = "oscillator" in (x.family, y.family) and x != y
    if unlike or (on_scales and not {"other", "change"} & {x.family, y.family}):
        return Inference(BOOL, f"compares {x} with {y}")
    return Inference(BOOL, sampled=x == y)


def infer_join(x: Kind, y: Kind) -> Inference:
    """`min`, `max` and the branches of `where`: one kind, or a literal beside it."""
    if x == y:
        return Inference(x)
    low, high = min(x.low, y.low), max(x.high, y.high)
    literal, thing = (x, y) if x.family == "scalar" else (y, x)
    if literal.family == "scalar":
        if thing.is_scale_free or literal.low == literal.high == 0:
            return Inference(replace(thing, low=low, high=high), sampled=False)
        return Inference(thing, f"mixes {thing} with {literal}")
    if x.dimension != y.dimension or {x.family, y.family} == {"level", "diff"}:
        return Inference(x, f"mixes {x} with {y}")
    return Inference(replace(x, low=low, high=high), sampled=False)


def infer_distance(x: Kind) -> Kind:
    """The kind of a spread of `x`: what `stdev(x, n)` or `change(x, n)` measures."""
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


def _fits(word: str, kind: Kind, other: Kind) -> bool:
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


def _result(gives: str, symbol: str, left: Kind, right: Kind, low: float, high: float) -> Kind:
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
    """The typical range of a kind multiplied or divided by a number."""
    if kind.typical is None or symbol in "+-" or factor == 0 or not math.isfinite(factor):
        return kind.typical
    by = factor if symbol == "*" else 1 / factor
    low, high = sorted(by * end for end in kind.typical)
    return low, high


def _is_sampled(law: TypeRule, kind: Kind, left: Kind) -> bool:
    """A strict law; where it keeps a kind, the range must be kept too."""
    return law.is_strict and (law.gives != "left" or kind == left)


def _infer_range(symbol: str, x: Kind, y: Kind) -> tuple[float, float]:
    """Interval arithmetic: the least and the largest value there can be."""
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
