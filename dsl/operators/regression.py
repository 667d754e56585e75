"""Correlation and regression of two series, or of a series and time, over the last n bars.

Kernels update sums of a sliding window, so that the cost per bar does not depend on n. The sums are
of differences from an anchor value in the window, so that prices far from 0 lose no digits. Every
n bars the anchor is set to the newest value and the sums are recomputed, so that rounding errors
do not accumulate.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from dsl.operators.declaration import operator
from dsl.operators.rounding import difference, same, varies
from dsl.types.kinds import Inference, Kind
from dsl.types.rules import infer_product

if TYPE_CHECKING:
    from dsl.operators.declaration import Series


def _window_lookback(n: int) -> int:
    return n - 1


def _infer_covariance(x: Kind, y: Kind, n: Kind) -> Inference:
    return infer_product(x, y)._replace(sampled=False)


@operator(
    "correlation(x: number, y: number, n: window 5..200 = 20) -> oscillator -1..1",
    "Pearson correlation of x and y over the last n bars; unknown if one of them is constant",
    "correlation(close, volume, 20)",
    aliases=("corr", "ts_corr", "correl"),
    lookback=_window_lookback,
    phrase="the {n}-bar correlation of {x} with {y}",
)
def correlation(x: Series, y: Series, n: int, out: Series) -> None:
    known, age, equal_x, equal_y = 0, 0, 0, 0
    anchor_x, anchor_y, sum_x, sum_y, xx, yy, xy = 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0
    for i in range(len(x)):
        out[i] = math.nan
        if x[i] != x[i] or y[i] != y[i]:
            known, age = 0, 0
            continue
        equal_x = equal_x + 1 if known > 0 and same(x[i], x[i - 1]) else 1
        equal_y = equal_y + 1 if known > 0 and same(y[i], y[i - 1]) else 1
        known, age = min(known + 1, n), age + 1
        if known < n:
            continue
        first = i
        if age >= n:
            anchor_x, anchor_y, sum_x, sum_y, age = x[i], y[i], 0.0, 0.0, 0
            xx, yy, xy, first = 0.0, 0.0, 0.0, i - n + 1
        else:
            gone_x, gone_y = x[i - n] - anchor_x, y[i - n] - anchor_y
            sum_x, sum_y = sum_x - gone_x, sum_y - gone_y
            xx, yy, xy = xx - gone_x * gone_x, yy - gone_y * gone_y, xy - gone_x * gone_y
        for j in range(first, i + 1):
            new_x, new_y = x[j] - anchor_x, y[j] - anchor_y
            sum_x, sum_y = sum_x + new_x, sum_y + new_y
            xx, yy, xy = xx + new_x * new_x, yy + new_y * new_y, xy + new_x * new_y
        spread_x, spread_y = xx - sum_x * sum_x / n, yy - sum_y * sum_y / n
        if equal_x >= n or equal_y >= n:
            continue
        if varies(spread_x / n, x[i]) and varies(spread_y / n, y[i]):
            together = difference(xy, sum_x * sum_y / n) / math.sqrt(spread_x) / math.sqrt(spread_y)
            out[i] = max(-1.0, min(1.0, together))


@operator(
    "covariance(x: number, y: number, n: window 5..200 = 20)",
    "sample covariance of x and y over the last n bars",
    "covariance(roc(close, 1), roc(volume, 1), 20)",
    aliases=("cov", "ts_cov"),
    infer=_infer_covariance,
    lookback=_window_lookback,
    usage="exotic",
    phrase="the {n}-bar covariance of {x} with {y}",
)
def covariance(x: Series, y: Series, n: int, out: Series) -> None:
    known, age, equal_x, equal_y = 0, 0, 0, 0
    anchor_x, anchor_y, sum_x, sum_y, xy = 0.0, 0.0, 0.0, 0.0, 0.0
    for i in range(len(x)):
        out[i] = math.nan
        if x[i] != x[i] or y[i] != y[i]:
            known, age = 0, 0
            continue
        equal_x = equal_x + 1 if known > 0 and same(x[i], x[i - 1]) else 1
        equal_y = equal_y + 1 if known > 0 and same(y[i], y[i - 1]) else 1
        known, age = min(known + 1, n), age + 1
        if known < n or n < 2:
            continue
        first = i
        if age >= n:
            anchor_x, anchor_y, sum_x, sum_y, age = x[i], y[i], 0.0, 0.0, 0
            xy, first = 0.0, i - n + 1
        else:
            gone_x, gone_y = x[i - n] - anchor_x, y[i - n] - anchor_y
            sum_x, sum_y, xy = sum_x - gone_x, sum_y - gone_y, xy - gone_x * gone_y
        for j in range(first, i + 1):
            new_x, new_y = x[j] - anchor_x, y[j] - anchor_y
            sum_x, sum_y, xy = sum_x + new_x, sum_y + new_y, xy + new_x * new_y
        is_flat = equal_x >= n or equal_y >= n
        out[i] = 0.0 if is_flat else difference(xy, sum_x * sum_y / n) / (n - 1)


@operator(
    "slope(x: number, n: window 3..200 = 14) -> distance x",
    "slope per bar of the least-squares line through the last n values",
    "slope(close, 14)",
    aliases=("linreg_slope", "linearreg_slope", "ts_slope"),
    lookback=_window_lookback,
    usage="rare",
    phrase="the {n}-bar slope of {x}",
)
def slope(x: Series, n: int, out: Series) -> None:
    """Update sums over positions 0 to n - 1; a value that leaves shifts the others by one."""
    known, age, equal = 0, 0, 0
    anchor, total, weighted = 0.0, 0.0, 0.0
    middle, spread = 0.5 * (n - 1), n * (n * n - 1.0) / 12.0
    for i in range(len(x)):
        out[i] = math.nan
        if x[i] != x[i]:
            known, age = 0, 0
            continue
        equal = equal + 1 if known > 0 and same(x[i], x[i - 1]) else 1
        known, age = min(known + 1, n), age + 1
        if known < n or n < 2:
            continue
        if age >= n:
            anchor, total, weighted, age = x[i], 0.0, 0.0, 0
            for j in range(n):
                total += x[i - n + 1 + j] - anchor
                weighted += j * (x[i - n + 1 + j] - anchor)
        else:
            gone, new = x[i - n] - anchor, x[i] - anchor
            weighted += (n - 1) * new - (total - gone)
            total += new - gone
        out[i] = 0.0 if equal >= n else difference(weighted, middle * total) / spread


@operator(
    "rsquare(x: number, n: window 3..200 = 14) -> oscillator 0..1",
    "R-squared of the least-squares line through the last n values; unknown if they are constant",
    "rsquare(close, 14)",
    aliases=("rsq", "r_squared"),
    lookback=_window_lookback,
    usage="rare",
    phrase="the {n}-bar R-squared of {x}",
)
def rsquare(x: Series, n: int, out: Series) -> None:
    known, age, equal = 0, 0, 0
    anchor, total, squares, weighted = 0.0, 0.0, 0.0, 0.0
    middle, spread = 0.5 * (n - 1), n * (n * n - 1.0) / 12.0
    for i in range(len(x)):
        out[i] = math.nan
        if x[i] != x[i]:
            known, age = 0, 0
            continue
        equal = equal + 1 if known > 0 and same(x[i], x[i - 1]) else 1
        known, age = min(known + 1, n), age + 1
        if known < n or n < 2:
            continue
        if age >= n:
            anchor, total, squares, weighted, age = x[i], 0.0, 0.0, 0.0, 0
            for j in range(n):
                value = x[i - n + 1 + j] - anchor
                total += value
                squares += value * value
                weighted += j * value
        else:
            gone, new = x[i - n] - anchor, x[i] - anchor
            weighted += (n - 1) * new - (total - gone)
            total += new - gone
            squares += new * new - gone * gone
        rest = squares - total * total / n
        if equal < n and varies(rest / n, x[i]):
            together = difference(weighted, middle * total)
            out[i] = min(1.0, together / rest * (together / spread))
