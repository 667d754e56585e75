"""Extremes and order of the last n bars."""

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


@operator(
    "highest_bar(x: number, n: window 2..200 = 20) -> count",
    "how many bars ago the largest of the last n values stood; 0 is now, the newest of equals",
    "highest_bar(high, 20)",
    aliases=("bars_since_highest",),
    lookback=lambda n: n - 1,
)
def highest_bar(x: Series, n: int, out: Series) -> None:
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
                if x[j] >= x[best]:
                    best = j
        elif x[i] >= x[best]:
            best = i
        out[i] = i - best


@operator(
    "lowest_bar(x: number, n: window 2..200 = 20) -> count",
    "how many bars ago the smallest of the last n values stood; 0 is now, the newest of equals",
    "lowest_bar(low, 20)",
    aliases=("bars_since_lowest",),
    lookback=lambda n: n - 1,
)
def lowest_bar(x: Series, n: int, out: Series) -> None:
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
        out[i] = i - best


@operator(
    "percentrank(x: number, n: window 5..250 = 60) -> oscillator 0..1 typical 0.05..0.95",
    "rank of the value among the last n, (rank - 1) / (n - 1): 0 the lowest, 1 the highest; "
    "equals share their mean rank",
    "percentrank(close, 60)",
    aliases=("ts_rank", "percent_rank"),
    lookback=lambda n: n - 1,
)
def percentrank(x: Series, n: int, out: Series) -> None:
    unknown = -1
    for i in range(len(x)):
        if x[i] != x[i]:
            unknown = i
        first = i - n + 1
        if first < 0 or unknown >= first or n < 2:
            out[i] = math.nan
            continue
        below, equal = 0, 0
        for j in range(first, i):
            below += x[j] < x[i]
            equal += x[j] == x[i]
        out[i] = (below + 0.5 * equal) / (n - 1)


@operator(
    "quantile(x: number, n: window 3..200 = 20, q: ratio 0..1 = 0.5) -> like x",
    "the value below which a share q of the last n values lies, interpolated between two",
    "quantile(close, 20, 0.8)",
    aliases=("ts_quantile", "percentile"),
    lookback=lambda n: n - 1,
)
def quantile(x: Series, n: int, q: Series, out: Series) -> None:
    window = [0.0] * n  # the known values since the last unknown one, at most n, in order
    known = 0
    for i in range(len(x)):
        out[i] = math.nan
        if x[i] != x[i]:
            known = 0
            continue
        if known == n:  # the place of the value that leaves
            at, above = 0, n - 1
            while at < above:
                middle = (at + above) // 2
                if window[middle] < x[i - n]:
                    at = middle + 1
                else:
                    above = middle
        else:
            at = known
            known += 1
        while at + 1 < known and window[at + 1] < x[i]:
            window[at] = window[at + 1]
            at += 1
        while at > 0 and window[at - 1] > x[i]:
            window[at] = window[at - 1]
            at -= 1
        window[at] = x[i]
        if known == n and 0.0 <= q[i] <= 1.0:
            place = q[i] * (n - 1)
            below = min(int(place), n - 1)
            above = min(below + 1, n - 1)
            out[i] = window[below] + (place - below) * (window[above] - window[below])
