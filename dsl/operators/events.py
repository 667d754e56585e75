"""Counts and values at events. They are unknown while their condition is unknown.

A kernel with a numeric result takes two masks per condition: `holds` and `fails`. Where both are
false, the condition is unknown.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from dsl.operators.declaration import operator

if TYPE_CHECKING:
    from dsl.operators.declaration import Condition, Series


@operator(
    "count(condition: bool, n: window 2..100 = 20) -> count",
    "number of the last n bars on which the condition held",
    "count(close > open, 20)",
    aliases=("countif", "ts_count"),
    lookback=lambda n: n - 1,
    facts=("whole",),
    usage="rare",
    phrase="the number of the last {n} bars on which {condition}",
)
def count(holds: Condition, fails: Condition, n: int, out: Series) -> None:
    count, known = 0, 0
    for i in range(len(out)):
        count += holds[i]
        known += holds[i] | fails[i]
        if i >= n:
            count -= holds[i - n]
            known -= holds[i - n] | fails[i - n]
        out[i] = count if known == n else math.nan


@operator(
    "bars_since(condition: bool) -> count",
    "bars since the condition last held: 0 on that bar, unknown before the first",
    "bars_since(close > highest(close[1], 20))",
    aliases=("barssince",),
    lookback=lambda: 0,
    facts=("whole",),
    usage="exotic",
    phrase="the number of bars since {condition}",
)
def bars_since(holds: Condition, fails: Condition, out: Series) -> None:
    since = math.nan
    for i in range(len(out)):
        since = 0.0 if holds[i] else since + 1.0 if fails[i] else math.nan
        out[i] = since


@operator(
    "valuewhen(condition: bool, x: number) -> like x",
    "value of x on the bar on which the condition last held; unknown before the first",
    "valuewhen(crossover(close, sma(close, 50)), low)",
    aliases=("value_when",),
    lookback=lambda: 0,
    usage="exotic",
    phrase="the {~x} on the last bar on which {condition}",
)
def valuewhen(holds: Condition, fails: Condition, x: Series, out: Series) -> None:
    value = math.nan
    for i in range(len(out)):
        value = x[i] if holds[i] else value if fails[i] else math.nan
        out[i] = value


@operator(
    "consecutive(condition: bool) -> count",
    "number of consecutive bars, up to this one, on which the condition held",
    "consecutive(close > close[1])",
    aliases=("streak",),
    lookback=lambda: 0,
    facts=("whole",),
    usage="exotic",
    phrase="the number of bars in a row on which {condition}",
)
def consecutive(holds: Condition, fails: Condition, out: Series) -> None:
    length = 0.0
    for i in range(len(out)):
        length = length + 1.0 if holds[i] else 0.0 if fails[i] else math.nan
        out[i] = length
