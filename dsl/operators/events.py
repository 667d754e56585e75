"""What happened, and when. While a condition is unknown, so is what is counted of it.

A kernel that gives numbers gets each condition twice: where it holds, and where it fails. Where
it does neither, it is unknown.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from dsl.operators.declaration import operator

if TYPE_CHECKING:
    from dsl.operators.declaration import Condition, Series


@operator(
    "count(condition: bool, n: window 2..100 = 20) -> count",
    "in how many of the last n bars the condition held",
    "count(close > open, 20)",
    aliases=("countif", "ts_count"),
    lookback=lambda n: n - 1,
    facts=("whole",),
)
def count(holds: Condition, fails: Condition, n: int, out: Series) -> None:
    held, known = 0, 0
    for i in range(len(out)):
        held += holds[i]
        known += holds[i] | fails[i]
        if i >= n:
            held -= holds[i - n]
            known -= holds[i - n] | fails[i - n]
        out[i] = held if known == n else math.nan


@operator(
    "bars_since(condition: bool) -> count",
    "how many bars ago the condition last held; 0 is now, unknown before it first held",
    "bars_since(close > highest(close[1], 20))",
    aliases=("barssince",),
    lookback=lambda: 0,
    facts=("whole",),
)
def bars_since(holds: Condition, fails: Condition, out: Series) -> None:
    since = math.nan
    for i in range(len(out)):
        since = 0.0 if holds[i] else since + 1.0 if fails[i] else math.nan
        out[i] = since


@operator(
    "valuewhen(condition: bool, x: number) -> like x",
    "the value x had when the condition last held; unknown before it first held",
    "valuewhen(crossover(close, sma(close, 50)), low)",
    aliases=("value_when",),
    lookback=lambda: 0,
)
def valuewhen(holds: Condition, fails: Condition, x: Series, out: Series) -> None:
    value = math.nan
    for i in range(len(out)):
        value = x[i] if holds[i] else value if fails[i] else math.nan
        out[i] = value


@operator(
    "consecutive(condition: bool) -> count",
    "for how many bars in a row the condition has held; 0 where it fails",
    "consecutive(close > close[1])",
    aliases=("streak",),
    lookback=lambda: 0,
    facts=("whole",),
)
def consecutive(holds: Condition, fails: Condition, out: Series) -> None:
    row = 0.0
    for i in range(len(out)):
        row = row + 1.0 if holds[i] else 0.0 if fails[i] else math.nan
        out[i] = row
