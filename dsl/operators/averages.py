"""Averages over the last n bars, and recursive averages.

A rolling average is unknown while its window contains an unknown value. After an unknown value, a
recursive average is seeded again with the mean of the next n known values.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from dsl.operators.declaration import operator
from dsl.operators.rounding import cancels, same

if TYPE_CHECKING:
    from dsl.operators.declaration import Series


def _window_lookback(n: int) -> int:
    return n - 1


@operator(
    "sma(x: number, n: window 2..200 = 20) -> like x",
    "simple moving average: mean of the last n values",
    "sma(close, 50)",
    aliases=("ts_mean", "mean", "ma"),
    lookback=_window_lookback,
    facts=("mean", "monotone", "keeps_sign"),
    phrase="the {n}-bar simple moving average of {x}",
)
def sma(x: Series, n: int, out: Series) -> None:
    """Update a running sum, recomputed every n bars; exact for a flat window."""
    known, equal, age = 0, 0, n
    total = 0.0
    for i in range(len(x)):
        out[i] = math.nan
        if x[i] != x[i]:
            known, age = 0, n
            continue
        equal = equal + 1 if known > 0 and x[i] == x[i - 1] else 1
        known += 1
        if known < n:
            continue
        if age < n:
            total += x[i] - x[i - n]
        if age >= n or cancels(x[i - n], total):
            total, age = 0.0, 0
            for j in range(i - n + 1, i + 1):
                total += x[j]
        age += 1
        out[i] = x[i] if equal >= n else total / n


@operator(
    "ema(x: number, n: window 2..200 = 20) -> like x",
    "exponential moving average with weight 2 / (n + 1), seeded with the mean of n values",
    "ema(close, 50)",
    lookback=_window_lookback,
    facts=("keeps_sign",),
    phrase="the {n}-bar exponential moving average of {x}",
)
def ema(x: Series, n: int, out: Series) -> None:
    weight = 2.0 / (n + 1)
    average, seeded = 0.0, 0
    for i in range(len(x)):
        if x[i] != x[i]:
            average, seeded = 0.0, 0
            out[i] = math.nan
        elif seeded < n:
            average += x[i]
            seeded += 1
            if seeded == n:
                average /= n
            out[i] = average if seeded == n else math.nan
        else:
            average += weight * (x[i] - average)
            out[i] = average


@operator(
    "rma(x: number, n: window 2..200 = 14) -> like x",
    "Wilder's moving average with weight 1 / n, seeded with the mean of n values",
    "rma(true_range(), 14)",
    aliases=("wilder", "smma"),
    lookback=_window_lookback,
    facts=("keeps_sign",),
    usage="rare",
    phrase="the {n}-bar Wilder average of {x}",
)
def rma(x: Series, n: int, out: Series) -> None:
    weight = 1.0 / n
    average, seeded = 0.0, 0
    for i in range(len(x)):
        if x[i] != x[i]:
            average, seeded = 0.0, 0
            out[i] = math.nan
        elif seeded < n:
            average += x[i]
            seeded += 1
            if seeded == n:
                average /= n
            out[i] = average if seeded == n else math.nan
        else:
            average += weight * (x[i] - average)
            out[i] = average


@operator(
    "wma(x: number, n: window 2..200 = 20) -> like x",
    "linearly weighted moving average: weight n for the newest value, 1 for the oldest",
    "wma(close, 20)",
    aliases=("decay_linear", "ts_decay_linear", "lwma"),
    lookback=_window_lookback,
    facts=("mean", "monotone", "keeps_sign"),
    phrase="the {n}-bar weighted moving average of {x}",
)
def wma(x: Series, n: int, out: Series) -> None:
    total, weighted, known, equal, age = 0.0, 0.0, 0, 0, 0
    for i in range(len(x)):
        if x[i] != x[i]:
            total, weighted, known, age = 0.0, 0.0, 0, 0
            out[i] = math.nan
            continue
        equal = equal + 1 if known > 0 and x[i] == x[i - 1] else 1
        age += 1
        if known < n:
            known += 1
            weighted += known * x[i]
            total += x[i]
        else:
            weighted += n * x[i] - total
            total += x[i] - x[i - n]
            if age >= n or cancels(x[i - n], total):  # rounding errors do not accumulate
                total, weighted, age = 0.0, 0.0, 0
                for j in range(n):
                    total += x[i - j]
                    weighted += (n - j) * x[i - j]
        if known < n:
            out[i] = math.nan
        else:
            out[i] = x[i] if equal >= n else 2.0 * weighted / (n * (n + 1.0))


@operator(
    "smooth(x: number, alpha: ratio 0.02..0.5 = 0.1) -> like x",
    "exponential smoothing with weight alpha, seeded with the first known value",
    "smooth(close, 0.1)",
    aliases=("ewma", "ewm"),
    lookback=lambda: 0,
    usage="exotic",
    phrase="the exponential smoothing with weight {alpha} of {x}",
)
def smooth(x: Series, alpha: Series, out: Series) -> None:
    average = math.nan
    for i in range(len(x)):
        average = x[i] if average != average else average + alpha[i] * (x[i] - average)
        out[i] = average


@operator(
    "kama(x: number, n: window 5..50 = 10) -> like x",
    "Kaufman's adaptive moving average: fast (2 bars) in a trend, slow (30 bars) in a range",
    "kama(close, 10)",
    lookback=lambda n: n,
    facts=("keeps_sign",),
    usage="rare",
    phrase="the {n}-bar adaptive moving average of {x}",
)
def kama(x: Series, n: int, out: Series) -> None:
    fast, slow = 2.0 / 3.0, 2.0 / 31.0
    average, path, known, equal = 0.0, 0.0, 0, 0
    for i in range(len(x)):
        out[i] = math.nan
        if x[i] != x[i]:
            path, known = 0.0, 0
            continue
        equal = equal + 1 if known > 0 and same(x[i], x[i - 1]) else 1
        known += 1
        if known > 1:
            path += abs(x[i] - x[i - 1])
        if known > n + 1:
            path -= abs(x[i - n] - x[i - n - 1])
        if equal > n:
            path = 0.0
        if known == n:
            average = x[i]
        if known > n:
            move = abs(x[i] - x[i - n])
            efficiency = move / path if path > move else 1.0
            weight = (efficiency * (fast - slow) + slow) ** 2
            average += weight * (x[i] - average)
            out[i] = average
