"""How two series, or a series and time, move together over the last n bars.

All of them keep the means and the products of deviations of a sliding window (Welford's update,
with the value that leaves), so that a bar costs the same whatever the window.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from dsl.kinds import Judgement, Kind, product_of
from dsl.operators.declaration import operator

if TYPE_CHECKING:
    from dsl.operators.declaration import Series


def _co_moment(x: Kind, y: Kind, n: Kind) -> Judgement:
    return product_of(x, y)._replace(sampled=False)


@operator(
    "correlation(x: number, y: number, n: window 5..200 = 20) -> oscillator -1..1",
    "Pearson's correlation of x and y over n bars; unknown where one of them is flat",
    "correlation(close, volume, 20)",
    aliases=("corr", "ts_corr", "correl"),
    lookback=lambda n: n - 1,
)
def correlation(x: Series, y: Series, n: int, out: Series) -> None:
    mean_x, mean_y, xx, yy, xy = 0.0, 0.0, 0.0, 0.0, 0.0
    known, equal_x, equal_y = 0, 0, 0
    for i in range(len(x)):
        out[i] = math.nan
        if x[i] != x[i] or y[i] != y[i]:
            mean_x, mean_y, xx, yy, xy = 0.0, 0.0, 0.0, 0.0, 0.0
            known, equal_x, equal_y = 0, 0, 0
            continue
        equal_x = equal_x + 1 if known > 0 and x[i] == x[i - 1] else 1
        equal_y = equal_y + 1 if known > 0 and y[i] == y[i - 1] else 1
        before_x, before_y = mean_x, mean_y
        if known == n:
            old_x, old_y = x[i - n], y[i - n]
            mean_x += (x[i] - old_x) / n
            mean_y += (y[i] - old_y) / n
            xx -= (old_x - mean_x) * (old_x - before_x)
            yy -= (old_y - mean_y) * (old_y - before_y)
            xy -= (old_x - mean_x) * (old_y - before_y)
        else:
            known += 1
            mean_x += (x[i] - mean_x) / known
            mean_y += (y[i] - mean_y) / known
        xx += (x[i] - mean_x) * (x[i] - before_x)
        yy += (y[i] - mean_y) * (y[i] - before_y)
        xy += (x[i] - mean_x) * (y[i] - before_y)
        if equal_x >= known:
            mean_x, xx, xy = x[i], 0.0, 0.0
        if equal_y >= known:
            mean_y, yy, xy = y[i], 0.0, 0.0
        if known == n and xx > 0.0 and yy > 0.0:
            out[i] = max(-1.0, min(1.0, xy / math.sqrt(xx) / math.sqrt(yy)))


@operator(
    "covariance(x: number, y: number, n: window 5..200 = 20)",
    "sample covariance of x and y over n bars",
    "covariance(roc(close, 1), roc(volume, 1), 20)",
    aliases=("cov", "ts_cov"),
    judge=_co_moment,
    lookback=lambda n: n - 1,
)
def covariance(x: Series, y: Series, n: int, out: Series) -> None:
    mean_x, mean_y, xy = 0.0, 0.0, 0.0
    known, equal_x, equal_y = 0, 0, 0
    for i in range(len(x)):
        out[i] = math.nan
        if x[i] != x[i] or y[i] != y[i]:
            mean_x, mean_y, xy = 0.0, 0.0, 0.0
            known, equal_x, equal_y = 0, 0, 0
            continue
        equal_x = equal_x + 1 if known > 0 and x[i] == x[i - 1] else 1
        equal_y = equal_y + 1 if known > 0 and y[i] == y[i - 1] else 1
        before_y = mean_y
        if known == n:
            old_x, old_y = x[i - n], y[i - n]
            mean_x += (x[i] - old_x) / n
            mean_y += (y[i] - old_y) / n
            xy -= (old_x - mean_x) * (old_y - before_y)
        else:
            known += 1
            mean_x += (x[i] - mean_x) / known
            mean_y += (y[i] - mean_y) / known
        xy += (x[i] - mean_x) * (y[i] - before_y)
        if equal_x >= known or equal_y >= known:
            xy = 0.0
        if known == n and n > 1:
            out[i] = xy / (n - 1)


@operator(
    "slope(x: number, n: window 3..200 = 14) -> distance x",
    "slope of the least-squares line through the last n values, a bar",
    "slope(close, 14)",
    aliases=("linreg_slope", "linearreg_slope", "ts_slope"),
    lookback=lambda n: n - 1,
)
def slope(x: Series, n: int, out: Series) -> None:
    mean, xt, known, equal = 0.0, 0.0, 0, 0
    spread = n * (n * n - 1.0) / 12.0  # of the times 0 .. n - 1 about their mean
    for i in range(len(x)):
        out[i] = math.nan
        if x[i] != x[i]:
            mean, xt, known, equal = 0.0, 0.0, 0, 0
            continue
        equal = equal + 1 if known > 0 and x[i] == x[i - 1] else 1
        if known == n:
            old = x[i - n]
            before = i - 0.5 * (n + 1)  # the mean time of the window that was
            mean += (x[i] - old) / n
            xt += (x[i] - mean) * (i - before) - (old - mean) * (i - n - before)
        else:
            before = i - 0.5 * (known + 1)
            known += 1
            mean += (x[i] - mean) / known
            xt += (x[i] - mean) * (i - before) if known > 1 else 0.0
        if equal >= known:
            mean, xt = x[i], 0.0
        if known == n and n > 1:
            out[i] = xt / spread


@operator(
    "rsquare(x: number, n: window 3..200 = 14) -> oscillator 0..1",
    "share of the last n values' variance that a straight line explains; unknown on a flat series",
    "rsquare(close, 14)",
    aliases=("rsq", "r_squared"),
    lookback=lambda n: n - 1,
)
def rsquare(x: Series, n: int, out: Series) -> None:
    mean, xx, xt, known, equal = 0.0, 0.0, 0.0, 0, 0
    spread = n * (n * n - 1.0) / 12.0
    for i in range(len(x)):
        out[i] = math.nan
        if x[i] != x[i]:
            mean, xx, xt, known, equal = 0.0, 0.0, 0.0, 0, 0
            continue
        equal = equal + 1 if known > 0 and x[i] == x[i - 1] else 1
        last = mean
        if known == n:
            old = x[i - n]
            before = i - 0.5 * (n + 1)
            mean += (x[i] - old) / n
            xx += (x[i] - old) * (x[i] - mean + old - last)
            xt += (x[i] - mean) * (i - before) - (old - mean) * (i - n - before)
        else:
            before = i - 0.5 * (known + 1)
            known += 1
            mean += (x[i] - mean) / known
            xx += (x[i] - last) * (x[i] - mean)
            xt += (x[i] - mean) * (i - before) if known > 1 else 0.0
        if equal >= known:
            mean, xx, xt = x[i], 0.0, 0.0
        if known == n and xx > 0.0:
            out[i] = min(1.0, xt / xx * (xt / spread))
