"""Running totals of traded volume."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from dsl.operators.declaration import operator
from dsl.operators.rounding import exceeds

if TYPE_CHECKING:
    from dsl.operators.declaration import Series


@operator(
    "obv(x: level = close, v: volume = volume) -> other(0, 1)",
    "on-balance volume: volume added on a rise of x, taken off on a fall, since the first bar",
    "obv()",
    lookback=lambda: 0,
)
def obv(x: Series, v: Series, out: Series) -> None:
    total, before = 0.0, math.nan
    for i in range(len(x)):
        if x[i] != x[i] or v[i] != v[i]:
            out[i] = math.nan
            continue
        rose = before != before or exceeds(x[i], before)
        fell = exceeds(before, x[i])
        total += v[i] if rose else -v[i] if fell else 0.0
        before = x[i]
        out[i] = total
