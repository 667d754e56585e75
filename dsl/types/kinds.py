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

Beside them stand `bool` and `window`. What an operation makes of kinds is in `dsl.types.rules`: a
`Judgement` holds the kind of the result and, where the operation computes but compares or adds
unlike things, a complaint.
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
    """Makes one object of all that are alike, so that equality is identity."""

    def __call__(cls, *args: Any, **given: Any) -> Any:
        made = super().__call__(*args, **given)
        return _interned.setdefault(tuple(vars(made).values()), made)


_interned: WeakValueDictionary[tuple[Any, ...], Any] = WeakValueDictionary()


@dataclass(frozen=True, eq=False)
class Kind(metaclass=_Interning):
    """What an expression measures.

    `low` and `high` bound its values; `typical` is where they usually lie, and is what the
    search draws thresholds from. Two kinds are alike only if all of this agrees: then they are
    one object.
    """

    family: Family
    price: int = 0
    volume: int = 0
    low: float = -INF
    high: float = INF
    typical: tuple[float, float] | None = None

    def __post_init__(self) -> None:
        for end in ("low", "high"):  # 0.0 and -0.0 are alike, and one of them is said
            object.__setattr__(self, end, getattr(self, end) + 0.0)
        if self.typical is not None:
            low, high = self.typical
            object.__setattr__(self, "typical", (low + 0.0, high + 0.0))

    def __reduce__(self) -> tuple[Any, ...]:
        """Kinds are interned in every process."""
        return Kind, tuple(vars(self).values())

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


@lru_cache(4096)
def scalar(value: float) -> Kind:
    """The kind of a literal: a plain number whose range is its value."""
    return Kind("scalar", low=value, high=value)


class Inference(NamedTuple):
    """The kind an operation gives, a complaint if it mixes unlike kinds, and whether to sample it.

    What is not complained about may still be too loose for the search to write (`high + low`).
    """

    kind: Kind
    error: str = ""
    sampled: bool = True
