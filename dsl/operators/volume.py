"""Cumulative volume."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from dsl.operators.declaration import operator
from dsl.operators.rounding import exceeds

if TYPE_CHECKING:
    from dsl.operators.declaration import Series


@operator(
    "obv(x: level = close, v: volume = volume) -> other(0, 1)",
    "on-balance volume: cumulative volume, added if x rises and subtracted if x falls",
    "obv()",
    lookback=lambda: 0,
    usage="rare",
    phrase="the on-balance volume[ of {x}][ with {v}]",
)
def obv(x: Series, v: Series, out: Series) -> None:
    total, previous = 0.0, math.nan
    for i in range(len(x)):
        if x[i] != x[i] or v[i] != v[i]:
            out[i] = math.nan
            continue
        rose = previous != previous or exceeds(x[i], previous)
        fell = exceeds(previous, x[i])
        total += v[i] if rose else -v[i] if fell else 0.0
        previous = x[i]
        out[i] = total
