"""Session dates of bars whose timestamps are on the evening before the session.

In UTC, midnight in Paris is 22:00 or 23:00 of the day before. Midnight in Tokyo is 15:00, and in
Sydney 13:00 or 14:00. A futures session starts at 22:00 or 23:00. Such timestamps run from Sunday
to Thursday. Timestamps on the day of the session have Fridays and no Sundays. Those of a coin have
both.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from enum import Enum

import numpy as np
from numpy.typing import NDArray

from dsl.bars import Bars
from dsl.calendar_time import FRIDAY, SATURDAY, SUNDAY, Times, compute_weekdays
from evolve.data.align import align
from evolve.notices import NoticeLog

DAY = np.timedelta64(1, "D")
MIN_STEP_DAYS, MAX_STEP_DAYS = 0.9, 1.5  # between daily bars
MIN_MONTH_DAYS = 27.0
MIN_BARS = 7  # fewer daily bars of a coin may lack a Friday
EVENING = np.timedelta64(11, "h")  # midnight in Auckland, the earliest in UTC
QUARTER = np.timedelta64(15, "m")  # midnights and session starts are multiples; 23:59 is not
MIN_SUNDAYS, MIN_SUNDAY_SHARE = 2, 0.1  # among the timestamps
MAX_OTHER_SHARE = 0.05  # of Fridays and Saturdays among them
MAX_NAMES = 5


class Stamp(Enum):
    """Relation of a symbol's timestamps to its sessions.

    Attributes:
        SESSION: on the day of the session.
        EVENING_BEFORE: on the evening before the session.
        UNKNOWN: one of the two.
        ODD: dates without a time of day that run from Sunday to Thursday.
    """

    SESSION = "session"
    EVENING_BEFORE = "evening before"
    UNKNOWN = "unknown"
    ODD = "odd"


def date_sessions(bars: Bars, notices: NoticeLog) -> Bars:
    """Return bars in which timestamps on the evening before a session become its date.

    Args:
        bars: one or more symbols; intraday bars do not change.
        notices: receives each change, and the symbols with uncertain dates.
    """
    stamps = [
        _classify_timestamps(bars.time[bars.priced_indices(symbol)])
        for symbol in range(len(bars.symbols))
    ]
    odd, unknown, early = (
        tuple(name for name, stamp in zip(bars.symbols, stamps, strict=True) if stamp is each)
        for each in (Stamp.ODD, Stamp.UNKNOWN, Stamp.EVENING_BEFORE)
    )
    if odd:
        notices.notice(
            f"{list_names(odd)}: bars run from Sunday to Thursday; if the market trades from "
            "Monday to Friday, the dates are those of the day before"
        )
    if unknown:
        notices.notice(
            f"{list_names(unknown)}: the timestamps may be a day before the sessions, as "
            "midnights of Asia and Europe are in UTC; weekday, month and day_of_month are "
            "unknown; write the dates of the sessions without a time of day"
        )
        bars = replace(bars, undated=unknown)
    if not early:
        return bars
    notices.notice(
        f"{list_names(early)}: timestamps on the evening before the session (Sunday to Thursday) "
        "are replaced by the date of the session, the next day"
    )
    alone = [bars.select_symbol(symbol) for symbol in range(len(bars.symbols))]
    return align(
        [
            replace(each, time=_compute_dates(each.time)) if stamp is Stamp.EVENING_BEFORE else each
            for each, stamp in zip(alone, stamps, strict=True)
        ]
    )


def _classify_timestamps(time: Times) -> Stamp:
    """Return the relation of one symbol's timestamps to its sessions."""
    step = float(np.median(np.diff(time) / DAY)) if len(time) > 1 else 0.0
    if step < MIN_STEP_DAYS:
        return Stamp.SESSION
    evening, weekday = _is_evening(time), compute_weekdays(time)
    is_long, is_daily = len(time) >= MIN_BARS, step < MAX_STEP_DAYS
    if not evening.any():
        in_doubt = is_long and is_daily and _precede_weekdays(weekday)
        return Stamp.ODD if in_doubt else Stamp.SESSION
    dates = _compute_dates(time)
    is_month = step >= MIN_MONTH_DAYS and _start_months(dates, weekday[evening], evening)
    is_evening_before = _precede_weekdays(weekday[evening]) or is_month
    if is_long and is_evening_before and bool(np.all(np.diff(dates) > 0 * DAY)):
        return Stamp.EVENING_BEFORE
    is_close = np.any(weekday == FRIDAY) and not np.any(weekday == SUNDAY)
    return Stamp.SESSION if is_close else Stamp.UNKNOWN


def _precede_weekdays(weekday: NDArray[np.int64]) -> bool:
    """Return whether days run from Sunday to Thursday, apart from rare special sessions."""
    sundays, others = weekday == SUNDAY, (weekday == FRIDAY) | (weekday == SATURDAY)
    return bool(
        np.sum(sundays) >= MIN_SUNDAYS
        and np.mean(sundays) >= MIN_SUNDAY_SHARE
        and np.mean(others) <= MAX_OTHER_SHARE
    )


def _start_months(dates: Times, weekday: NDArray[np.int64], evening: NDArray[np.bool_]) -> bool:
    """Return whether sessions are firsts of months, and the timestamps are no month-end closes.

    Args:
        dates: session dates if evening timestamps belong to the next day.
        weekday: weekdays of the evening timestamps.
        evening: bool[bar], whether the timestamp is in the evening.
    """
    months = dates.astype("datetime64[M]").astype(dates.dtype)
    return bool(np.all(dates == months) and (np.any(weekday >= SATURDAY) or not evening.all()))


def _compute_dates(time: Times) -> Times:
    """Return the midnight of the next day for evening timestamps, else of the same day."""
    days = time.astype("datetime64[D]") + np.where(_is_evening(time), DAY, 0 * DAY)
    return days.astype("datetime64[ns]")


def _is_evening(time: Times) -> NDArray[np.bool_]:
    clock = time - time.astype("datetime64[D]")
    evening: NDArray[np.bool_] = (clock >= EVENING) & (clock % QUARTER == 0 * DAY)
    return evening


def list_names(names: Sequence[str]) -> str:
    """Return the first names in one line, and the number of others."""
    more = f" and {len(names) - MAX_NAMES} more" if len(names) > MAX_NAMES else ""
    return ", ".join(names[:MAX_NAMES]) + more
