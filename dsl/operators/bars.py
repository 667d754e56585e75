"""Series of the bars: prices, volume, calendar, and values of earlier bars."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from dsl.operators.declaration import Declaration, operator
from dsl.types.kinds import Inference, Kind

if TYPE_CHECKING:
    from dsl.operators.declaration import Series


def _declare_series(name: str, kind: str, about: str, *never_above: str) -> Declaration:
    return Declaration(
        None, f"{name}() -> {kind}", about, name, f"the {name}", series=name,
        never_above=never_above,
    )  # fmt: skip


OPEN = _declare_series("open", "level", "opening price", "high")
HIGH = _declare_series("high", "level", "highest price of the bar")
LOW = _declare_series("low", "level", "lowest price of the bar", "open", "close", "high")
CLOSE = _declare_series("close", "level", "closing price", "high")
VOLUME = _declare_series("volume", "volume", "traded volume of the bar")


def _declare_calendar(name: str, last: int, about: str, phrase: str) -> Declaration:
    """Declare a calendar series; the search does not draw it, as it fits coincidences too well."""
    kind = Kind("oscillator", low=1.0, high=float(last), typical=(1.0, float(last)))
    inference = Inference(kind, sampled=False)
    signature = f"{name}() -> oscillator 1..{last}"
    return Declaration(
        None, signature, about, name, phrase, series=name, infer=lambda: inference,
        facts=("whole",), usage="exotic",
    )  # fmt: skip


WEEKDAY = _declare_calendar(
    "weekday", 7, "day of the week, 1 (Monday) to 7 (Sunday)", "the day of the week (Monday is 1)"
)
MONTH = _declare_calendar("month", 12, "month, 1 (January) to 12 (December)", "the month")
DAY = _declare_calendar("day_of_month", 31, "day of the month, 1 to 31", "the day of the month")


@operator(
    "lag(x: number, n: window 1..20) -> like x",
    "value of x n bars ago, written x[n]",
    "close[1]",
    aliases=("delay", "ref", "shift", "ts_delay"),
    lookback=lambda n: n,
    facts=("monotone", "keeps_sign", "keeps_whole"),
    phrase="the value {n} bars ago of {x}",
)
def lag(x: Series, n: int, out: Series) -> None:
    for i in range(min(n, len(x))):
        out[i] = math.nan
    for i in range(n, len(x)):
        out[i] = x[i - n]
