"""Live rows: a last row of the current price, which is no complete bar.

Brokers and data services append such a row to the history. Its time is that of the last trade,
such as 15:59:59 behind daily bars at 00:00, or it follows the bar before it too soon.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from dsl.bars import PANELS, Bars
from dsl.calendar_time import Times
from evolve.notices import NoticeLog

DAY, HOUR = np.timedelta64(1, "D"), np.timedelta64(1, "h")
MIN_BARS = 20  # before the last; fewer do not show a grid
MAX_CLOCKS = 2  # of the bars before: summer and winter time
MIN_WEEK_DAYS, MIN_MONTH_DAYS = 4.0, 27.0
# The smallest step that a holiday explains, in shortest steps before. A week that ends on Wednesday
# has 5 of 7 days; a month has at least 27 of 28.
MIN_STEP_RATIO, MIN_MONTH_STEP_RATIO = 0.7, 0.9


def drop_live_rows(bars: Bars, notices: NoticeLog) -> Bars:
    """Return bars without the live row of each symbol.

    Args:
        bars: one or more symbols.
        notices: receives the time of each row that is left out.
    """
    panels = {name: getattr(bars, name) for name in PANELS}
    for symbol, name in enumerate(bars.symbols):
        indices = bars.priced_indices(symbol)
        count = len(indices)
        while is_live(bars.time[indices[:count]]):
            count -= 1
        live = indices[count:]
        if not len(live):
            continue
        panels = {key: panel.copy() for key, panel in panels.items()}
        for key, panel in panels.items():
            panel[symbol, live] = 1.0 if key == "adjustment" else np.nan
        times = [str(each.astype("datetime64[s]")) for each in bars.time[live]]
        notices.notice(describe_live_row(name, times))
    if panels["close"] is bars.close:
        return bars
    is_used = ~np.isnan(panels["close"]).all(axis=0)
    columns: dict[str, Any] = {
        key: np.ascontiguousarray(panel[:, is_used]) for key, panel in panels.items()
    }
    return replace(bars, time=bars.time[is_used], **columns)


def describe_live_row(symbol: str, times: Sequence[str]) -> str:
    """Return the notice about live rows that are left out, from their times in ISO format."""
    shown = ", ".join(times).replace("T", " ")
    if len(times) > 1:
        return f"{symbol}: the last rows, {shown}, are left out: they are no complete bars"
    return f"{symbol}: the last row, {shown}, is left out: it is no complete bar"


def is_live(time: Times) -> bool:
    """Return whether the last time of one symbol is off the grid of the times before it.

    The grid has one offset within the shortest step, or within a day for longer bars; for daily
    bars two, such as 04:00 and 05:00 in UTC, and each an hour more or less. A last step of a
    daily or longer bar that is much shorter than each step before is off the grid, too.
    """
    if len(time) <= MIN_BARS:
        return False
    steps = np.diff(time)
    shortest = steps[:-1].min()
    unit = DAY if shortest >= DAY - HOUR else shortest  # 23 hours at the start of summer time
    offsets = (time - time.astype("datetime64[D]")) % unit
    before, last = np.unique(offsets[:-1]), offsets[-1]
    is_odd = last not in before
    if unit == DAY:
        away = np.abs(before - last)
        is_odd &= (
            len(before) <= MAX_CLOCKS and not np.isin(np.minimum(away, DAY - away), HOUR).any()
        )
    else:
        is_odd &= len(before) == 1
    is_month = shortest >= MIN_MONTH_DAYS * DAY
    ratio = MIN_MONTH_STEP_RATIO if is_month else MIN_STEP_RATIO
    is_regular = shortest >= MIN_WEEK_DAYS * DAY and np.median(steps[:-1]) * ratio <= shortest
    is_early = is_regular and steps[-1] < ratio * shortest
    return bool(is_odd or is_early)
