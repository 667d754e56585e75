"""Calendar measures of the times of bars: the years they span and the bars of a year."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Times = NDArray[np.datetime64]

DAYS_PER_YEAR = 365.25
TRADING_DAYS, CALENDAR_DAYS = 252.0, 365.0  # per year: without and with weekends
LONGER_BARS = ((6.0, 8.0, 52.0), (27.0, 33.0, 12.0), (85.0, 97.0, 4.0))  # low, high days; per year
MAX_DAILY_STEP_DAYS = 1.5
MAX_DEVIATION = 0.1  # relative, of the nominal number from the measured one
EDGE_DAYS = 4.0  # a long weekend more or less than average at the ends of a range
MIN_WEEKEND_SHARE = 0.5  # of the Saturdays, and of the Sundays, with a bar
FRIDAY, SATURDAY, SUNDAY = 4, 5, 6


def years_between(time: Times) -> float:
    """Return the years from the first time to the last; 0 for fewer than two times."""
    return _days_between(time) / DAYS_PER_YEAR


def bars_per_year(time: Times) -> float:
    """Return the bars of a year: the number of returns over the calendar years they span.

    If the nominal number of the frequency differs by at most a tenth, it replaces the measured
    one. Nominal numbers are 252 or 365 times the bars of a day, 52, 12 and 4. Over less than 40
    days, one weekend changes the measured number by more than a tenth. The nominal number is
    therefore also used if it explains the number of days up to a long weekend.
    """
    returns, days = len(time) - 1, _days_between(time)
    if returns < 1:
        return TRADING_DAYS
    measured = returns * DAYS_PER_YEAR / days
    nominal = _nominal(time)
    if nominal is None:
        return measured
    explained_days = returns * DAYS_PER_YEAR / nominal
    is_near = abs(nominal - measured) <= MAX_DEVIATION * measured
    return nominal if is_near or abs(explained_days - days) <= EDGE_DAYS else measured


def trades_weekends(time: Times) -> bool:
    """Return whether most Saturdays and most Sundays between the ends have a bar."""
    if not len(time):
        return False
    dates = np.unique(time.astype("datetime64[D]"))
    spanned = np.arange(dates[0], dates[-1] + 1)
    shares = []
    for day in (SATURDAY, SUNDAY):
        count = int(np.count_nonzero(compute_weekdays(spanned) == day))
        if count:
            shares.append(int(np.count_nonzero(compute_weekdays(dates) == day)) / count)
    return bool(shares) and min(shares) > MIN_WEEKEND_SHARE


def compute_weekdays(time: Times) -> NDArray[np.int64]:
    """Return the day of the week of each time; Monday is 0."""
    days: NDArray[np.int64] = (time.astype("datetime64[D]").astype(np.int64) + 3) % 7
    return days


def _nominal(time: Times) -> float | None:
    """Return the conventional bars of a year; None for an unusual frequency."""
    steps = np.sort(np.diff(time.astype("datetime64[ns]").astype(np.int64))) / 86_400e9
    step = float(steps[(len(steps) - 1) // 2])  # the lower median occurs in the data
    for low, high, count in LONGER_BARS:
        if low <= step <= high:
            return count
    if step > MAX_DAILY_STEP_DAYS:
        return None
    _, bars_by_day = np.unique(time.astype("datetime64[D]"), return_counts=True)
    trading_days = CALENDAR_DAYS if trades_weekends(time) else TRADING_DAYS
    return trading_days * max(1.0, float(np.median(bars_by_day)))


def _days_between(time: Times) -> float:
    return float((time[-1] - time[0]) / np.timedelta64(1, "D")) if len(time) > 1 else 0.0
