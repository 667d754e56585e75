"""Extremes and quantiles of the last n bars."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from dsl.operators.declaration import operator
from dsl.operators.rounding import ROUNDING, exceeds

if TYPE_CHECKING:
    from dsl.operators.declaration import Series

BLOCK_BARS = 128


@operator(
    "highest(x: number, n: window 2..200 = 20) -> like x",
    "highest of the last n values",
    "highest(high, 20)",
    aliases=("ts_max", "hhv"),
    lookback=lambda n: n - 1,
    facts=("maximum", "monotone", "keeps_sign", "keeps_whole"),
    mirror="lowest",
    phrase="the highest {~x} in the last {n} bars",
)
def highest(x: Series, n: int, out: Series) -> None:
    """Compute each maximum from parts of two blocks of n bars (van Herk, 1992)."""
    ends = x[:n].copy()  # maximum from each bar of the previous block to its end
    for block in range(0, len(x), n):
        start = -math.inf  # maximum since the block began; an unknown value persists
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
    "bars since the highest of the last n values, 0 if it is this bar; of equals, the newest",
    "highest_bar(high, 20)",
    aliases=("bars_since_highest",),
    lookback=lambda n: n - 1,
    facts=("whole",),
    usage="rare",
    phrase="the number of bars since the highest {~x} in the last {n} bars",
)
def highest_bar(x: Series, n: int, out: Series) -> None:
    """Update a queue of bars with decreasing values."""
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
    "percentile rank of x in the last n values, 0 (lowest) to 1 (highest); ties take the mean rank",
    "percentrank(close, 60)",
    aliases=("ts_rank", "percent_rank"),
    lookback=lambda n: n - 1,
    phrase="the {n}-bar percentile rank of {x}",
)
def percentrank(x: Series, n: int, out: Series) -> None:
    """Count smaller values, block by block; this vectorizes, which a sorted window does not."""
    for i in range(len(x)):
        out[i] = 0.0
    lows, highs = x[:BLOCK_BARS].copy(), x[:BLOCK_BARS].copy()
    for first in range(n - 1, len(x), BLOCK_BARS):
        now = x[first : first + BLOCK_BARS]
        for i in range(len(now)):  # values between `lows` and `highs` equal this value
            lows[i] = now[i] - ROUNDING * abs(now[i])
            highs[i] = now[i] + ROUNDING * abs(now[i])
        below = out[first : first + BLOCK_BARS]
        for j in range(first - n + 1, first):
            then = x[j : j + BLOCK_BARS]
            for i in range(len(now)):
                strictly = 0.5 if then[i] < lows[i] else 0.0
                below[i] += strictly + (0.5 if then[i] <= highs[i] else 0.0)
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
    "q-quantile of the last n values, with linear interpolation",
    "quantile(close, 20, 0.8)",
    aliases=("ts_quantile", "percentile"),
    lookback=lambda n: n - 1,
    facts=("mean", "monotone", "keeps_sign"),
    usage="rare",
    phrase="the {n}-bar {q}-quantile of {x}",
)
def quantile(x: Series, n: int, q: Series, out: Series) -> None:
    window = x[:n].copy()  # up to n values since the last unknown one, sorted
    known = 0
    for i in range(len(x)):
        out[i] = math.nan
        if x[i] != x[i]:
            known = 0
            continue
        if known == n:  # find the value that leaves the window
            index, above = 0, n - 1
            while index < above:
                middle = (index + above) // 2
                if window[middle] < x[i - n]:
                    index = middle + 1
                else:
                    above = middle
        else:
            index = known
            known += 1
        while index + 1 < known and window[index + 1] < x[i]:
            window[index] = window[index + 1]
            index += 1
        while index > 0 and window[index - 1] > x[i]:
            window[index] = window[index - 1]
            index -= 1
        window[index] = x[i]
        if known == n and 0.0 <= q[i] <= 1.0:
            position = q[i] * (n - 1)
            below = min(int(position), n - 1)
            above = min(below + 1, n - 1)
            out[i] = window[below] + (position - below) * (window[above] - window[below])
