"""Kinds: the types of expressions.

A numeric kind has a dimension, price^a * volume^b, and a family:

| family     | dimension      | meaning                               | example              |
|------------|----------------|---------------------------------------|----------------------|
| level      | price          | a price                               | `close`, `sma(x, n)` |
| diff       | price          | a distance between prices             | `atr(14)`            |
| volume     | volume         | an amount traded                      | `volume`             |
| ratio      | none           | a proportion around 1                 | `close / sma(...)`   |
| change     | none           | a relative move around 0              | `roc`, `zscore`      |
| oscillator | none           | a value on a fixed or usual scale     | `rsi`, `stoch_k`     |
| count      | none           | a number of bars or events            |                      |
| other      | anything else  | e.g. money, or a signed volume        | `obv()`              |
| scalar     | none           | a literal                             | `2`, `6%`            |

Two more kinds are not numeric: `bool` and `window`. `dsl.types.rules` has the kinds of results.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal, NamedTuple
from weakref import WeakValueDictionary

Family = Literal[
    "level", "diff", "volume", "ratio", "change", "oscillator", "count", "other", "scalar",
    "bool", "window",
]  # fmt: skip

INF = math.inf


class _Interning(type):
    """Metaclass that interns instances, so that equality is identity."""

    def __call__(cls, *args: Any, **kwargs: Any) -> Any:
        kind = super().__call__(*args, **kwargs)
        return _interned.setdefault(tuple(vars(kind).values()), kind)


_interned: WeakValueDictionary[tuple[Any, ...], Any] = WeakValueDictionary()


@dataclass(frozen=True, eq=False)
class Kind(metaclass=_Interning):
    """Kind of an expression. Kinds with equal attributes are one object.

    Attributes:
        family: family of the kind; see the module.
        price: exponent of price in the dimension.
        volume: exponent of volume in the dimension.
        low: lower bound of the values.
        high: upper bound of the values.
        typical: range of usual values, from which the search draws thresholds.
    """

    family: Family
    price: int = 0
    volume: int = 0
    low: float = -INF
    high: float = INF
    typical: tuple[float, float] | None = None

    def __post_init__(self) -> None:
        for end in ("low", "high"):  # -0.0 becomes 0.0, so that both are interned as one
            object.__setattr__(self, end, getattr(self, end) + 0.0)
        if self.typical is not None:
            low, high = self.typical
            object.__setattr__(self, "typical", (low + 0.0, high + 0.0))

    def __reduce__(self) -> tuple[Any, ...]:
        """Return the constructor and its arguments, so that unpickling interns the kind."""
        return Kind, tuple(vars(self).values())

    @property
    def dimension(self) -> tuple[int, int]:
        """Exponents of price and volume."""
        return self.price, self.volume

    @property
    def is_numeric(self) -> bool:
        """Whether values of this kind are numbers, one per bar."""
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


@lru_cache(4096)
def scalar(value: float) -> Kind:
    """Return the kind of a literal, whose range is its value."""
    return Kind("scalar", low=value, high=value)


class Inference(NamedTuple):
    """Result of type inference.

    Attributes:
        kind: kind of the result.
        error: complaint about operands of unlike kinds; empty for none.
        sampled: whether the search may write it; `high + low` is valid, but too loose to sample.
    """

    kind: Kind
    error: str = ""
    sampled: bool = True
