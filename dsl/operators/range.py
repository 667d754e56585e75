"""Extremes and order of the last n bars."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from dsl.operators.declaration import operator
from dsl.operators.rounding import ROUNDING, exceeds

if TYPE_CHECKING:
    from dsl.operators.declaration import Series

TOGETHER_BARS = 128


@operator(
    "highest(x: number, n: window 2..200 = 20) -> like x",
    "the largest of the last n values",
    "highest(high, 20)",
    aliases=("ts_max", "hhv"),
    lookback=lambda n: n - 1,
    facts=("maximum", "monotone", "keeps_sign", "keeps_whole"),
    mirror="lowest",
)
def highest(x: Series, n: int, out: Series) -> None:
    """By blocks of n bars: a window is the end of one and the start of another (van Herk, 1992)."""
    ends = x[:n].copy()  # the largest from each bar of the block before to its end
    for block in range(0, len(x), n):
        start = -math.inf  # the largest since the block began; an unknown value stays
        for i in range(block, min(block + n, len(x))):
            start = start if start > x[i] or start != start else x[i]
            after = i - block + 1
            if after == n:
                out[i] = start
            elif block == 0:
                out[i] = math.nan
            else:
                out[i] = ends[after] if ends[after] > start or ends[after] != ends[after] else start
        end = -math.inf
        for i in range(min(block + n, len(x)) - 1, block - 1, -1):
            end = end if end > x[i] or end != end else x[i]
            ends[i - block] = end


@operator(
    "highest_bar(x: number, n: window 2..200 = 20) -> count",
    "how many bars ago the largest of the last n values stood; 0 is now, the newest of equals",
    "highest_bar(high, 20)",
    aliases=("bars_since_highest",),
    lookback=lambda n: n - 1,
    facts=("whole",),
)
def highest_bar(x: Series, n: int, out: Series) -> None:
    """From a queue of bars, each larger than every one after it."""
    queue = [0] * n
    head, count, unknown = 0, 0, -1
    for i in range(len(x)):
        out[i] = math.nan
        if x[i] != x[i]:
            count, unknown = 0, i
            continue
        if count > 0 and queue[head] <= i - n:
            head, count = head + 1 if head + 1 < n else 0, count - 1
        tail = head + count - 1 if head + count <= n else head + count - 1 - n
        while count > 0 and not exceeds(x[queue[tail]], x[i]):
            tail, count = tail - 1 if tail > 0 else n - 1, count - 1
        queue[tail + 1 if tail + 1 < n else 0] = i
        count += 1
        if i - unknown >= n:
            out[i] = i - queue[head]


@operator(
    "percentrank(x: number, n: window 5..250 = 60) -> oscillator 0..1 typical 0.05..0.95",
    "rank of the value among the last n, (rank - 1) / (n - 1): 0 the lowest, 1 the highest; "
    "equals share their mean rank",
    "percentrank(close, 60)",
    aliases=("ts_rank", "percent_rank"),
    lookback=lambda n: n - 1,
)
def percentrank(x: Series, n: int, out: Series) -> None:
    """Counted for many bars at a time, each against all of its window: quicker than an order."""
    for i in range(len(x)):
        out[i] = 0.0
    lows, highs = x[:TOGETHER_BARS].copy(), x[:TOGETHER_BARS].copy()
    for first in range(n - 1, len(x), TOGETHER_BARS):
        now = x[first : first + TOGETHER_BARS]
        for i in range(len(now)):  # values from low to high equal this one
            lows[i] = now[i] - ROUNDING * abs(now[i])
            highs[i] = now[i] + ROUNDING * abs(now[i])
        below = out[first : first + TOGETHER_BARS]
        for j in range(first - n + 1, first):
            then = x[j : j + TOGETHER_BARS]
            for i in range(len(now)):
                least = 0.5 if then[i] < lows[i] else 0.0
                below[i] += least + (0.5 if then[i] <= highs[i] else 0.0)
        for i in range(len(now)):
            below[i] /= max(n - 1, 1)
    unknown = -1
    for i in range(len(x)):
        if x[i] != x[i]:
            unknown = i
        if i - n < unknown or n < 2:
            out[i] = math.nan


@operator(
    "quantile(x: number, n: window 3..200 = 20, q: ratio 0..1 = 0.5) -> like x",
    "the value below which a share q of the last n values lies, interpolated between two",
    "quantile(close, 20, 0.8)",
    aliases=("ts_quantile", "percentile"),
    lookback=lambda n: n - 1,
    facts=("mean", "monotone", "keeps_sign"),
)
def quantile(x: Series, n: int, q: Series, out: Series) -> None:
    window = x[:n].copy()  # the known values since the last unknown one, at most n, in order
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
