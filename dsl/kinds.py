"""What a value measures: the kind of every expression, and the algebra of kinds.

A numeric kind has a dimension, price^a * volume^b, and a family:

| family     | dimension      | what it is                            | example              |
|------------|----------------|---------------------------------------|----------------------|
| level      | price          | a price                               | `close`, `sma(x, n)` |
| diff       | price          | a distance between prices             | `atr(14)`            |
| volume     | volume         | an amount traded                      | `volume`             |
| ratio      | none           | a proportion around 1                 | `close / sma(...)`   |
| change     | none           | a relative move around 0              | `roc`, `zscore`      |
| oscillator | none           | a value on a scale of its own         | `rsi`, `stoch_k`     |
| count      | none           | a number of bars or events            |                      |
| other      | anything else  | e.g. money, or a signed volume        | `obv()`              |
| scalar     | none           | a literal                             | `2`, `6%`            |

Beside them stand `bool` and `window`. An operation on kinds gives a `Judgement`: the kind of
the result and, where the operation computes but compares or adds unlike things, a complaint.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Literal, NamedTuple

Family = Literal[
    "level", "diff", "volume", "ratio", "change", "oscillator", "count", "other", "scalar",
    "bool", "window",
]  # fmt: skip

INF = math.inf


@dataclass(frozen=True)
class Kind:
    """What an expression measures.

    `low` and `high` bound its values; `typical` is where they usually lie, and is what the
    search draws thresholds from. Two kinds are alike only if all of this agrees.
    """

    family: Family
    price: int = 0
    volume: int = 0
    low: float = -INF
    high: float = INF
    typical: tuple[float, float] | None = None

    @property
    def dimension(self) -> tuple[int, int]:
        """The exponents of price and volume."""
        return self.price, self.volume

    @property
    def is_numeric(self) -> bool:
        """Whether values of this kind are numbers, one a bar."""
        return self.family not in ("bool", "window")

    @property
    def is_scale_free(self) -> bool:
        """Whether the kind has no dimension, so that a literal may be compared with it."""
        return self.is_numeric and self.dimension == (0, 0)

    def __str__(self) -> str:
        words = {
            "level": "a price",
            "diff": "a price distance",
            "volume": "a volume",
            "ratio": "a ratio",
            "change": "a relative change",
            "oscillator": "an oscillator",
            "count": "a count",
            "scalar": "a plain number",
            "bool": "a condition",
            "window": "a number of bars",
        }
        if self.family == "oscillator" and math.isfinite(self.low) and math.isfinite(self.high):
            return f"an oscillator from {self.low:g} to {self.high:g}"
        if self.family == "other":
            names = {(0, 1): "a signed volume", (1, 1): "an amount of money", (0, 0): "a number"}
            fallback = f"price^{self.price} * volume^{self.volume}"
            return names.get(self.dimension, fallback)
        return words[self.family]


LEVEL = Kind("level", price=1, low=0.0)
DIFF = Kind("diff", price=1)
VOLUME = Kind("volume", volume=1, low=0.0)
RATIO = Kind("ratio", typical=(0.9, 1.1))
CHANGE = Kind("change", typical=(-0.1, 0.1))
COUNT = Kind("count", low=0.0, typical=(0.0, 20.0))
BOOL = Kind("bool")
WINDOW = Kind("window", typical=(2.0, 200.0))
SIGNED_VOLUME = Kind("other", volume=1)
PLAIN = {kind.family: kind for kind in (LEVEL, DIFF, VOLUME, RATIO, CHANGE, COUNT, BOOL, WINDOW)}


def scalar(value: float) -> Kind:
    """The kind of a literal: a plain number whose range is its value."""
    return Kind("scalar", low=value, high=value)


class Judgement(NamedTuple):
    """The kind an operation gives, a complaint if it mixes unlike kinds, and whether to sample it.

    What is not complained about may still be too loose for the search to write (`high + low`).
    """

    kind: Kind
    complaint: str = ""
    sampled: bool = True


def sum_of(x: Kind, y: Kind) -> Judgement:
    """`x + y`."""
    families = {x.family, y.family}
    if families == {"level", "diff"}:
        return Judgement(LEVEL)
    if x == y == LEVEL:
        return Judgement(LEVEL, sampled=False)
    if families == {"volume", "other"} and x.dimension == y.dimension:
        return Judgement(VOLUME)
    return _additive(x, y, +1, f"adds {y} to {x}")


def difference_of(x: Kind, y: Kind) -> Judgement:
    """`x - y`."""
    if (x.family, y.family) == ("level", "level"):
        return Judgement(DIFF)
    if (x.family, y.family) == ("level", "diff"):
        return Judgement(LEVEL)
    if x.family == "volume" and y.dimension == x.dimension:
        return Judgement(SIGNED_VOLUME if y.family == "volume" else VOLUME)
    return _additive(x, y, -1, f"takes {y} from {x}")


def product_of(x: Kind, y: Kind) -> Judgement:
    """`x * y`."""
    if y.family == "scalar":
        x, y = y, x
    if x.family == "scalar":
        return Judgement(_scaled(y, x.low), sampled=y.family in ("diff", "level", "volume"))
    dimension = x.price + y.price, x.volume + y.volume
    if x.is_scale_free != y.is_scale_free:
        factor, thing = (x, y) if x.is_scale_free else (y, x)
        if factor.family == "ratio" or thing.family in ("diff", "other"):
            return Judgement(replace(thing, low=-INF), sampled=False)
        kind = DIFF if thing.family == "level" else _of_dimension(dimension)
        return Judgement(kind, sampled=False)
    return Judgement(_of_dimension(dimension), sampled=False)


def quotient_of(x: Kind, y: Kind) -> Judgement:
    """`x / y`."""
    if y.family == "scalar":
        sampled = x.family in ("diff", "level", "volume")
        return Judgement(_scaled(x, 1 / y.low if y.low else math.nan), sampled=sampled)
    dimension = x.price - y.price, x.volume - y.volume
    if dimension != (0, 0):
        factored = y.is_scale_free and x.family in ("level", "diff", "volume")
        return Judgement(x if factored else _of_dimension(dimension), sampled=False)
    if x.family == "scalar":
        return Judgement(Kind("other"), sampled=False)
    if (x.family, y.family) in (("diff", "level"), ("other", "volume")):
        return Judgement(CHANGE)
    low = 0.0 if x.low >= 0 and y.low >= 0 else -INF
    alike = x.family == y.family and not x.is_scale_free
    return Judgement(replace(RATIO, low=low), sampled=alike)


def comparison_of(x: Kind, y: Kind) -> Judgement:
    """`x < y` and its like: sound between values of one kind, or with a literal threshold."""
    if y.family == "scalar" and x.family != "scalar":
        return _threshold(x, y)
    if x.family == "scalar" and y.family != "scalar":
        return _threshold(y, x)
    if x.dimension != y.dimension:
        return Judgement(BOOL, f"compares {x} with {y}")
    if {x.family, y.family} in ({"level", "diff"}, {"volume", "other"}):
        return Judgement(BOOL, f"compares {x} with {y}")
    if "oscillator" in (x.family, y.family) and x != y and not _both_computed(x, y):
        return Judgement(BOOL, f"compares {x} with {y}")
    return Judgement(BOOL, sampled=x == y)


def distance_of(x: Kind) -> Kind:
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


def join_of(x: Kind, y: Kind) -> Judgement:
    """`min`, `max` and the branches of `where`: one kind, or a literal beside it."""
    if x == y:
        return Judgement(x)
    if x.family == "scalar" and y.family == "scalar":
        low, high = min(x.low, y.low), max(x.high, y.high)
        return Judgement(Kind("scalar", low=low, high=high), sampled=False)
    literal, thing = (x, y) if x.family == "scalar" else (y, x)
    if literal.family == "scalar":
        if thing.is_scale_free or literal.low == literal.high == 0:
            low, high = min(thing.low, literal.low), max(thing.high, literal.high)
            return Judgement(replace(thing, low=low, high=high), sampled=False)
        return Judgement(thing, f"mixes {thing} with {literal}")
    if x.dimension != y.dimension or {x.family, y.family} == {"level", "diff"}:
        return Judgement(x, f"mixes {x} with {y}")
    return Judgement(replace(x, low=min(x.low, y.low), high=max(x.high, y.high)), sampled=False)


def _additive(x: Kind, y: Kind, sign: int, complaint: str) -> Judgement:
    """A sum or difference of kinds that are not told apart above."""
    low = x.low + (y.low if sign > 0 else -y.high)
    high = x.high + (y.high if sign > 0 else -y.low)
    low, high = (-INF if math.isnan(low) else low), (INF if math.isnan(high) else high)
    if x.family == "scalar" and y.family == "scalar":
        return Judgement(Kind("scalar", low=low, high=high), sampled=False)
    if x.is_scale_free and y.is_scale_free:
        thing, literal = (x, y) if y.family == "scalar" else (y, x)
        if literal.family == "scalar" and abs(literal.low) == 1:
            if thing.family == "ratio" and y.family == "scalar" and sign * y.low == -1:
                return Judgement(replace(CHANGE, low=low, high=high))
            if thing.family == "change":
                return Judgement(replace(RATIO, low=low, high=high), sampled=False)
        if x.family == y.family == "oscillator" and sign < 0 and x == y:
            return Judgement(distance_of(x))
        family: Family = thing.family if thing.family == literal.family else "other"
        if literal.family == "scalar":
            family = thing.family
        kind = Kind(family, low=low, high=high, typical=thing.typical)
        return Judgement(kind, sampled=x == y == kind)
    if x.dimension == y.dimension:
        return Judgement(x if x == y else Kind(x.family, *x.dimension), sampled=x == y)
    if "scalar" in (x.family, y.family):
        thing, literal = (x, y) if y.family == "scalar" else (y, x)
        return Judgement(thing, "" if literal.low == 0 else complaint, sampled=False)
    return Judgement(x, complaint, sampled=False)


def _scaled(kind: Kind, factor: float) -> Kind:
    """A kind times a literal: the same family, its range and typical range scaled."""
    ends = sorted((_times(kind.low, factor), _times(kind.high, factor)))
    typical = None
    if kind.typical:
        low, high = sorted(factor * end for end in kind.typical)
        typical = (low, high)
    if kind.family in ("diff", "level", "volume"):
        return replace(kind, low=kind.low if factor >= 0 else -INF)
    return replace(kind, low=ends[0], high=ends[1], typical=typical)


def _times(bound: float, factor: float) -> float:
    return 0.0 if bound == 0 or factor == 0 else bound * factor


def _of_dimension(dimension: tuple[int, int]) -> Kind:
    if dimension == (1, 0):
        return DIFF
    return Kind("other", *dimension)


def _threshold(kind: Kind, literal: Kind) -> Judgement:
    """A comparison with a literal."""
    if kind.is_scale_free:
        return Judgement(BOOL)
    if literal.low == literal.high == 0 and kind.family not in ("level", "volume"):
        return Judgement(BOOL)
    return Judgement(BOOL, f"compares {kind} with {literal}")


def _both_computed(x: Kind, y: Kind) -> bool:
    """Whether neither or only one side has a scale of its own, so that they may be compared."""
    return "other" in (x.family, y.family) or "change" in (x.family, y.family)
