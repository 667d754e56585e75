"""Sums, products and moments of the last n bars."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from dsl.operators.declaration import operator
from dsl.operators.rounding import ROUNDING, cancels, difference, same, varies
from dsl.types.kinds import Inference, Kind

if TYPE_CHECKING:
    from dsl.operators.declaration import Series

BLOCK_BARS = 128


def _infer_sum(x: Kind, n: Kind) -> Inference:
    """Infer the kind of a sum: volumes and distances keep their family, others are unscaled."""
    family = x.family if x.family in ("volume", "diff") else "other"
    low = 0.0 if x.low >= 0 else -math.inf
    return Inference(Kind(family, x.price, x.volume, low=low), sampled=False)


@operator(
    "sum(x: number, n: window 2..200 = 20)",
    "sum of the last n values",
    "sum(volume, 20)",
    aliases=("ts_sum",),
    infer=_infer_sum,
    lookback=lambda n: n - 1,
    facts=("monotone", "keeps_sign", "keeps_whole"),
    phrase="the {n}-bar sum of {x}",
)
def rolling_sum(x: Series, n: int, out: Series) -> None:
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
        out[i] = x[i] * n if equal >= n else total


@operator(
    "stdev(x: number, n: window 2..200 = 20) -> distance x",
    "sample standard deviation of the last n values",
    "stdev(close, 20)",
    aliases=("std", "ts_stddev", "stddev", "ts_std"),
    lookback=lambda n: n - 1,
    facts=("nonnegative",),
    phrase="the {n}-bar standard deviation of {x}",
)
def stdev(x: Series, n: int, out: Series) -> None:
    """Update sums relative to an anchor, recomputed every n bars; 0 for a flat window."""
    known, age, equal = 0, 0, 0
    anchor, total, squares = 0.0, 0.0, 0.0
    for i in range(len(x)):
        out[i] = math.nan
        if x[i] != x[i]:
            known, age = 0, 0
            continue
        equal = equal + 1 if known > 0 and same(x[i], x[i - 1]) else 1
        known, age = min(known + 1, n), age + 1
        if known < n or n < 2:
            continue
        first = i
        if age >= n:
            anchor, total, squares, age, first = x[i], 0.0, 0.0, 0, i - n + 1
        else:
            gone = x[i - n] - anchor
            total -= gone
            squares -= gone * gone
        for j in range(first, i + 1):
            new = x[j] - anchor
            total += new
            squares += new * new
        deviation = math.sqrt(max(squares - total * total / n, 0.0) / (n - 1))
        is_flat = equal >= n or deviation <= ROUNDING * abs(x[i])
        out[i] = 0.0 if is_flat else deviation


@operator(
    "mad(x: number, n: window 2..200 = 20) -> distance x",
    "mean absolute deviation of the last n values from their mean",
    "mad(close, 20)",
    aliases=("avedev", "dev"),
    lookback=lambda n: n - 1,
    facts=("nonnegative",),
    usage="rare",
    phrase="the {n}-bar mean absolute deviation of {x}",
)
def mad(x: Series, n: int, out: Series) -> None:
    """Compute all means, then the deviations block by block, which vectorizes."""
    means = x.copy()
    known, age, equal, anchor, total = 0, 0, 0, 0.0, 0.0
    for i in range(len(x)):
        out[i], means[i] = 0.0, math.nan
        if x[i] != x[i]:
            known, age = 0, 0
            continue
        equal = equal + 1 if known > 0 and same(x[i], x[i - 1]) else 1
        known, age = min(known + 1, n), age + 1
        if known < n:
            continue
        if age >= n:
            anchor, total, age = x[i], 0.0, 0
            for j in range(i - n + 1, i):
                total += x[j] - anchor
        else:
            total += x[i] - x[i - n]
        means[i] = anchor + total / n if equal < n else x[i]
    out[: n - 1] = math.nan
    for first in range(n - 1, len(x), BLOCK_BARS):
        mean = means[first : first + BLOCK_BARS]
        deviation = out[first : first + BLOCK_BARS]
        for j in range(first - n + 1, first + 1):
            then = x[j : j + BLOCK_BARS]
            for i in range(len(mean)):
                deviation[i] += abs(then[i] - mean[i])
        for i in range(len(mean)):
            spread = deviation[i] / n
            deviation[i] = 0.0 if spread <= ROUNDING * abs(mean[i]) else spread


@operator(
    "skew(x: number, n: window 5..200 = 20) -> change typical -2..2",
    "sample skewness of the last n values, bias-corrected as in pandas",
    "skew(roc(close, 1), 20)",
    aliases=("skewness", "ts_skewness"),
    lookback=lambda n: n - 1,
    usage="exotic",
    phrase="the {n}-bar skewness of {x}",
)
def skew(x: Series, n: int, out: Series) -> None:
    """Compute G1 = n / ((n - 1) (n - 2)) * sum of z^3 (Joanes and Gill, 1998)."""
    known, age, equal = 0, 0, 0
    anchor, total, squares, cubes = 0.0, 0.0, 0.0, 0.0
    for i in range(len(x)):
        out[i] = math.nan
        if x[i] != x[i]:
            known, age = 0, 0
            continue
        equal = equal + 1 if known > 0 and same(x[i], x[i - 1]) else 1
        known, age = min(known + 1, n), age + 1
        if known < n or n < 3:
            continue
        first = i
        if age >= n:
            anchor, total, squares, cubes, age, first = x[i], 0.0, 0.0, 0.0, 0, i - n + 1
        else:
            gone = x[i - n] - anchor
            total, squares, cubes = total - gone, squares - gone * gone, cubes - gone * gone * gone
        for j in range(first, i + 1):
            new = x[j] - anchor
            total, squares, cubes = total + new, squares + new * new, cubes + new * new * new
        mean = total / n
        variance = (squares - mean * total) / (n - 1)
        if equal < n and varies(variance, x[i]):
            third = difference(cubes + 2.0 * mean * mean * total, 3.0 * mean * squares)
            out[i] = n / ((n - 1.0) * (n - 2.0)) * third / (variance * math.sqrt(variance))


@operator(
    "kurt(x: number, n: window 5..200 = 20) -> change typical -1.5..4",
    "sample excess kurtosis of the last n values, bias-corrected as in pandas",
    "kurt(roc(close, 1), 20)",
    aliases=("kurtosis", "ts_kurtosis"),
    lookback=lambda n: n - 1,
    usage="exotic",
    phrase="the {n}-bar kurtosis of {x}",
)
def kurt(x: Series, n: int, out: Series) -> None:
    """Compute G2 (Joanes and Gill, 1998)."""
    known, age, equal = 0, 0, 0
    anchor, total, squares, cubes, fourths = 0.0, 0.0, 0.0, 0.0, 0.0
    weight = n * (n + 1.0) / max(1.0, (n - 1.0) * (n - 2.0) * (n - 3.0))
    excess = 3.0 * (n - 1.0) ** 2 / max(1.0, (n - 2.0) * (n - 3.0))
    for i in range(len(x)):
        out[i] = math.nan
        if x[i] != x[i]:
            known, age = 0, 0
            continue
        equal = equal + 1 if known > 0 and same(x[i], x[i - 1]) else 1
        known, age = min(known + 1, n), age + 1
        if known < n or n < 4:
            continue
        first = i
        if age >= n:
            anchor, total, squares, cubes, fourths = x[i], 0.0, 0.0, 0.0, 0.0
            age, first = 0, i - n + 1
        else:
            gone = x[i - n] - anchor
            total, squares = total - gone, squares - gone**2
            cubes, fourths = cubes - gone**3, fourths - gone**4
        for j in range(first, i + 1):
            new = x[j] - anchor
            total, squares = total + new, squares + new**2
            cubes, fourths = cubes + new**3, fourths + new**4
        mean = total / n
        variance = (squares - mean * total) / (n - 1)
        if equal < n and varies(variance, x[i]):
            fourth = fourths - 4.0 * mean * cubes + 6.0 * mean**2 * squares - 3.0 * mean**3 * total
            out[i] = weight * fourth / variance**2 - excess


@operator(
    "product(x: number, n: window 2..60 = 10)",
    "product of the last n values",
    "product(close / close[1], 10)",
    aliases=("ts_product",),
    infer=lambda x, n: Inference(Kind("other") if x.dimension != (0, 0) else x, sampled=False),
    lookback=lambda n: n - 1,
    usage="exotic",
    phrase="the {n}-bar product of {x}",
)
def product(x: Series, n: int, out: Series) -> None:
    unknown = -1
    for i in range(len(x)):
        if x[i] != x[i]:
            unknown = i
        out[i] = math.nan
        first = i - n + 1
        if first >= 0 and unknown < first:
            total = 1.0
            for j in range(first, i + 1):
                total *= x[j]
            out[i] = total


@operator(
    "cumulate(x: number)",
    "cumulative sum of x since the first bar; unknown values are skipped",
    "cumulate(sign(change(close, 1)))",
    aliases=("cum", "cumsum"),
    infer=lambda x: Inference(Kind("other", x.price, x.volume), sampled=False),
    lookback=lambda: 0,
    usage="rare",
    phrase="the cumulative sum of {x}",
)
def cumulate(x: Series, out: Series) -> None:
    total = 0.0
    for i in range(len(x)):
        if x[i] == x[i]:
            total += x[i]
        out[i] = total if x[i] == x[i] else math.nan
