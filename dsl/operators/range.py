"""Extremes of the last n bars."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from dsl.operators.declaration import operator

if TYPE_CHECKING:
    from dsl.operators.declaration import Series


@operator(
    "highest(x: number, n: window 2..200 = 20) -> like x",
    "the largest of the last n values",
    "highest(high, 20)",
    aliases=("ts_max", "hhv"),
    lookback=lambda n: n - 1,
)
def highest(x: Series, n: int, out: Series) -> None:
    best, unknown = -1, -1  # where the extreme stands, and the last unknown value
    for i in range(len(x)):
        if x[i] != x[i]:
            unknown = i
        first = i - n + 1
        if first < 0 or unknown >= first:
            out[i] = math.nan
            continue
        if best < first:
            best = first
            for j in range(first + 1, i + 1):
                if x[j] >= x[best]:
                    best = j
        elif x[i] >= x[best]:
            best = i
        out[i] = x[best]


@operator(
    "lowest(x: number, n: window 2..200 = 20) -> like x",
    "the smallest of the last n values",
    "lowest(low, 20)",
    aliases=("ts_min", "llv"),
    lookback=lambda n: n - 1,
)
def lowest(x: Series, n: int, out: Series) -> None:
    best, unknown = -1, -1
    for i in range(len(x)):
        if x[i] != x[i]:
            unknown = i
        first = i - n + 1
        if first < 0 or unknown >= first:
            out[i] = math.nan
            continue
        if best < first:
            best = first
            for j in range(first + 1, i + 1):
                if x[j] <= x[best]:
                    best = j
        elif x[i] <= x[best]:
            best = i
        out[i] = x[best]
