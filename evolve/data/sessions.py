"""Dates of sessions, for bars that a vendor stamps on the evening before, as in UTC.

The midnight of Paris is 22:00 or 23:00 UTC of the day before. That of Tokyo is 15:00, and that of
Sydney 13:00 or 14:00. A session of futures starts at 22:00 or 23:00. Such stamps run from Sunday to
Thursday. A market that closes on the day it is stamped has Fridays and no Sundays; a coin has
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
MIN_STEP_DAYS, MAX_STEP_DAYS = 0.9, 1.5  # of daily bars
MIN_MONTH_DAYS = 27.0
MIN_BARS = 7  # fewer bars of a coin may lack a Friday
EVENING = np.timedelta64(11, "h")  # the midnight of Auckland in UTC, the earliest there is
QUARTER = np.timedelta64(15, "m")  # midnights and session starts lie on one; 23:59 does not
MIN_SUNDAYS, MIN_SUNDAY_SHARE, MAX_SHARE = 2, 0.1, 0.05  # of the stamps; the last, of other days
MAX_NAMES = 5


class Stamp(Enum):
    """Meaning of a symbol's stamps.

    They are the session's day, the evening before it, either of the two, or dates that are odd.
    """

    SESSION = "session"
    EVENING_BEFORE = "evening before"
    UNKNOWN = "unknown"
    ODD = "odd"


def date_sessions(bars: Bars, notices: NoticeLog) -> Bars:
    """Return bars with each session's own date where its bar is stamped on the evening before.

    Args:
        bars: of one or more symbols; bars within a day are left alone.
        notices: receives what changed, and the symbols whose dates are in doubt.
    """
    stamps = [_stamp(bars.time[bars.priced_indices(symbol)]) for symbol in range(len(bars.symbols))]
    named = {
        each: [name for name, stamp in zip(bars.symbols, stamps, strict=True) if stamp is each]
        for each in Stamp
    }
    if named[Stamp.ODD]:
        notices.notice(
            f"{_listed(named[Stamp.ODD])}: bars run from Sunday to Thursday; if the market trades "
            "from Monday to Friday, the dates are those of the day before"
        )
    if named[Stamp.UNKNOWN]:
        notices.notice(
            f"{_listed(named[Stamp.UNKNOWN])}: the stamps may be a day before the sessions, as "
            "midnights of Asia and Europe are in UTC, so that weekday, month and day_of_month are "
            "unknown; write the dates of the sessions, without a time of day"
        )
        bars = replace(bars, undated=tuple(named[Stamp.UNKNOWN]))
    if not named[Stamp.EVENING_BEFORE]:
        return bars
    notices.notice(
        f"{_listed(named[Stamp.EVENING_BEFORE])}: bars stamped on the evening before their session "
        "(Sunday to Thursday) have the date of the session, the next day"
    )
    alone = [bars.select_symbol(symbol) for symbol in range(len(bars.symbols))]
    return align(
        [
            replace(own, time=_session_dates(own.time)) if stamp is Stamp.EVENING_BEFORE else own
            for own, stamp in zip(alone, stamps, strict=True)
        ]
    )


def _stamp(time: Times) -> Stamp:
    """Return what the stamps of one symbol are."""
    step = float(np.median(np.diff(time) / DAY)) if len(time) > 1 else 0.0
    if step < MIN_STEP_DAYS:
        return Stamp.SESSION
    evening, weekday = _is_evening(time), compute_weekdays(time)
    is_long, is_daily = len(time) >= MIN_BARS, step < MAX_STEP_DAYS
    if not evening.any():
        in_doubt = is_long and is_daily and _are_eves(weekday)
        return Stamp.ODD if in_doubt else Stamp.SESSION
    dates = _session_dates(time)
    is_month = step >= MIN_MONTH_DAYS and _start_months(dates, weekday[evening], evening)
    is_evening_before = _are_eves(weekday[evening]) or is_month
    if is_long and is_evening_before and bool(np.all(np.diff(dates) > 0 * DAY)):
        return Stamp.EVENING_BEFORE
    is_close = np.any(weekday == FRIDAY) and not np.any(weekday == SUNDAY)
    return Stamp.SESSION if is_close else Stamp.UNKNOWN


def _are_eves(weekday: NDArray[np.int64]) -> bool:
    """Return whether days are those before Monday to Friday, but for a special session."""
    sundays, others = weekday == SUNDAY, (weekday == FRIDAY) | (weekday == SATURDAY)
    return bool(
        np.sum(sundays) >= MIN_SUNDAYS
        and np.mean(sundays) >= MIN_SUNDAY_SHARE
        and np.mean(others) <= MAX_SHARE
    )


def _start_months(dates: Times, weekday: NDArray[np.int64], evening: NDArray[np.bool_]) -> bool:
    """Return whether sessions are firsts of months, and their stamps no closes on last days.

    Args:
        dates: of the sessions, if stamps in the evening are of the day before.
        weekday: of the stamps in the evening.
        evening: which stamps those are.
    """
    months = dates.astype("datetime64[M]").astype(dates.dtype)
    return bool(np.all(dates == months) and (np.any(weekday >= SATURDAY) or not evening.all()))


def _session_dates(time: Times) -> Times:
    """Return midnights: of the next day for stamps in the evening, of the same day for others."""
    days = time.astype("datetime64[D]") + np.where(_is_evening(time), DAY, 0 * DAY)
    return days.astype("datetime64[ns]")


def _is_evening(time: Times) -> NDArray[np.bool_]:
    clock = time - time.astype("datetime64[D]")
    evening: NDArray[np.bool_] = (clock >= EVENING) & (clock % QUARTER == 0 * DAY)
    return evening


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - MAX_NAMES} more" if len(names) > MAX_NAMES else ""
    return ", ".join(names[:MAX_NAMES]) + more
