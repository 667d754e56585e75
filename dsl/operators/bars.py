"""The bar itself: prices, volume, its day, and values of earlier bars."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from dsl.operators.declaration import Declaration, operator

if TYPE_CHECKING:
    from dsl.operators.declaration import Series


def _series(name: str, kind: str, about: str) -> Declaration:
    return Declaration(None, f"{name}() -> {kind}", about, name, series=name)


OPEN = _series("open", "level", "the bar's first price")
HIGH = _series("high", "level", "the bar's highest price")
LOW = _series("low", "level", "the bar's lowest price")
CLOSE = _series("close", "level", "the bar's last price")
VOLUME = _series("volume", "volume", "the amount traded in the bar")
WEEKDAY = _series("weekday", "oscillator 1..7 typical 1..5", "the bar's weekday: Monday is 1")
MONTH = _series("month", "oscillator 1..12 typical 1..12", "the bar's month: January is 1")
DAY = _series("day_of_month", "oscillator 1..31 typical 1..31", "the bar's day of the month")


@operator(
    "lag(x: number, n: window 1..20) -> like x",
    "the value n bars ago, written x[n]",
    "close[1]",
    aliases=("delay", "ref", "shift", "ts_delay"),
    lookback=lambda n: n,
)
def lag(x: Series, n: int, out: Series) -> None:
    for i in range(min(n, len(x))):
        out[i] = math.nan
    for i in range(n, len(x)):
        out[i] = x[i - n]
