"""The bar itself: prices, volume, its day, and values of earlier bars."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from dsl.operators.declaration import Declaration, operator
from dsl.types.kinds import Inference, Kind

if TYPE_CHECKING:
    from dsl.operators.declaration import Series


def _series(name: str, kind: str, about: str, *never_above: str) -> Declaration:
    signature = f"{name}() -> {kind}"
    return Declaration(None, signature, about, name, series=name, never_above=never_above)


OPEN = _series("open", "level", "the bar's first price", "high")
HIGH = _series("high", "level", "the bar's highest price")
LOW = _series("low", "level", "the bar's lowest price", "open", "close", "high")
CLOSE = _series("close", "level", "the bar's last price", "high")
VOLUME = _series("volume", "volume", "the amount traded in the bar")


def _calendar(name: str, last: int, about: str) -> Declaration:
    """A number of the calendar: for people to write, too good at coincidences for a search."""
    kind = Kind("oscillator", low=1.0, high=float(last), typical=(1.0, float(last)))
    inference = Inference(kind, sampled=False)
    signature = f"{name}() -> oscillator 1..{last}"
    return Declaration(
        None, signature, about, name, series=name, infer=lambda: inference, facts=("whole",)
    )


WEEKDAY = _calendar("weekday", 7, "the bar's weekday: Monday is 1")
MONTH = _calendar("month", 12, "the bar's month: January is 1")
DAY = _calendar("day_of_month", 31, "the bar's day of the month")


@operator(
    "lag(x: number, n: window 1..20) -> like x",
    "the value n bars ago, written x[n]",
    "close[1]",
    aliases=("delay", "ref", "shift", "ts_delay"),
    lookback=lambda n: n,
    facts=("monotone", "keeps_sign", "keeps_whole"),
)
def lag(x: Series, n: int, out: Series) -> None:
    for i in range(min(n, len(x))):
        out[i] = math.nan
    for i in range(n, len(x)):
        out[i] = x[i - n]
