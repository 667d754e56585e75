"""Dates as people write them: ISO, American, European, compact, or counted since 1970.

Where a time has an offset, the local time is the one that counts. What can be read in two ways
is refused.
"""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from evolve.data.columns import is_blank
from evolve.data.raw_table import TIMES, RawTable
from evolve.errors import EvolveError

Times = NDArray[np.datetime64]

FIRST_YEAR, LAST_YEAR = 1678, 2261  # nanoseconds since 1970 count no others
OFFSET = r"^(\d{4}-\d\d-\d\d.*|.*\d:\d\d.*?)(?:Z|UTC|[+-]\d{2}(?::?\d{2})?)$"
CLOCK = r"^(.*\d{4})[ T,]+((?:[01]?\d|2[0-3]):[0-5]\d(?::[0-5]\d(?:\.\d+)?)?)$"
HALVES = r"(?<!\d)(0?[1-9]|1[0-2]):(\d{2}(?::\d{2}(?:\.\d+)?)?) ?([AaPp])[Mm]$"
FORMATS = (
    "%m/%d/%Y", "%d/%m/%Y", "%m-%d-%Y", "%d-%m-%Y", "%d.%m.%Y", "%b %d, %Y", "%B %d, %Y",
    "%d-%b-%Y", "%d %b %Y", "%d %B %Y",
)  # fmt: skip
COUNTED = ((1e8, "s"), (1e11, "ms"), (1e14, "us"), (1e17, "ns"))  # from so many on, since 1970
FIRST_DAY = 16_780_101
COMPACT = {
    8: "%Y%m%d",
    10: "%Y%m%d%H",
    12: "%Y%m%d%H%M",
    14: "%Y%m%d%H%M%S",
}  # by how many digits there are
EXAMPLE = "write dates as 2020-01-31"


def parse_times(sheet: RawTable, group: NDArray[np.int64]) -> Times:
    """datetime64[ns], one a row, from the column or index that holds the dates.

    Args:
        sheet: the table.
        group: int64[row], which symbol each row is of.

    Raises:
        EvolveError: naming the first row that has none, or one that could be two.
    """
    raw = _column(sheet)
    kind = pd.api.types
    if kind.is_numeric_dtype(raw) and not kind.is_bool_dtype(raw):
        parsed = _from_numbers(raw)
    elif kind.is_datetime64_any_dtype(raw):
        parsed = raw
    else:
        text = raw.astype(str).str.strip()
        parsed = _from_text(text, sheet)
        if _repeat_once(parsed, group) and text.str.fullmatch(OFFSET).all():
            parsed = pd.to_datetime(text, format="ISO8601", utc=True, errors="coerce")
    _refuse(parsed, raw, sheet)
    return _local(parsed, group)


def _local(times: pd.Series, group: NDArray[np.int64]) -> Times:
    """Without zone: the local time, or UTC where a clock that is set back repeats an hour."""
    if getattr(times.dt, "tz", None) is not None:
        local = times.dt.tz_localize(None)
        if _repeat_once(local, group) and not _repeat_once(times, group):
            local = times.dt.tz_convert("UTC").dt.tz_localize(None)
        times = local
    return times.to_numpy().astype("datetime64[ns]")


def _repeat_once(times: pd.Series, group: NDArray[np.int64]) -> bool:
    """Whether a symbol has two rows of one time."""
    both = pd.DataFrame({"time": times.to_numpy(), "group": group})
    return bool(both.duplicated().any())


def _column(sheet: RawTable) -> pd.Series:
    columns, frame = sheet.columns, sheet.frame
    if "date" in columns and "time" in columns:
        day, clock = (frame[columns[name]].astype(str).str.strip() for name in ("date", "time"))
        is_compact = clock.str.fullmatch(r"\d{1,6}")
        if is_compact.all():  # 930 and 0930 as well as 93000 and 093000
            has_seconds = bool((clock.astype(int) >= 2400).any())
            digits = clock.str.zfill(6) if has_seconds else clock.str.zfill(4) + "00"
            clock = digits.str.replace(r"(..)(..)(..)", r"\1:\2:\3", regex=True)
        both: pd.Series = day + " " + clock
        both.name = str(columns["date"])
        return both
    named = [columns[name] for name in TIMES if name in columns]
    if named:
        dates: pd.Series = frame[named[0]]
        return dates
    if isinstance(frame.index, pd.DatetimeIndex):
        return frame.index.to_series()
    hint = f"name one `Date`; it has: {sheet.listed}"
    raise EvolveError(f"{sheet.origin} has no date column", hint)


def _from_numbers(raw: pd.Series) -> pd.Series:
    """Compact dates, or seconds (or thousandths, millionths, billionths) since 1970."""
    numbers = pd.to_numeric(raw, errors="coerce").to_numpy(np.float64, na_value=np.nan)
    known = numbers[np.isfinite(numbers)]
    if len(known):
        for digits, form in COMPACT.items():
            if np.all((known >= FIRST_DAY * 10 ** (digits - 8)) & (known < 10**digits)):
                text = raw.map(lambda each: f"{each:.0f}", na_action="ignore")
                parsed = pd.to_datetime(text, format=form, errors="coerce")
                if parsed.notna().sum() == len(known):
                    return parsed
    unit: Any = None
    for least, name in COUNTED:
        if len(known) and np.all(known >= least):
            unit = name
    if unit is None:
        return pd.Series(pd.NaT, raw.index, dtype="datetime64[ns]")
    counted = raw.astype("int64") if len(known) == len(raw) else numbers
    return pd.Series(pd.to_datetime(counted, unit=unit, errors="coerce"), raw.index)


def _from_text(text: pd.Series, sheet: RawTable) -> pd.Series:
    text = text.str.replace(OFFSET, r"\1", regex=True).str.strip()
    text = text.str.replace(HALVES, _shift_24_hours, regex=True)
    compact = text.str.replace(r"^(\d{4})(\d{2})(\d{2})(?=$|[ T])", r"\1-\2-\3", regex=True)
    iso = compact.str.replace(r"^(\d{4})/(\d{1,2})/(\d{1,2})", r"\1-\2-\3", regex=True)
    parsed = pd.to_datetime(iso.where(iso.str.match(r"\d{4}-")), format="ISO8601", errors="coerce")
    if not parsed.isna().any() or text.str.match(r"\d{4}").any():
        return parsed
    return _from_formats(text, sheet)


def _from_formats(text: pd.Series, sheet: RawTable) -> pd.Series:
    """By the one format that fits every row."""
    apart = text.str.extract(CLOCK)
    days = apart[0].fillna(text).str.strip().str.rstrip(",")
    readings = [pd.to_datetime(days, format=form, errors="coerce") for form in FORMATS]
    best = max(readings, key=lambda each: each.notna().sum())
    whole = [each for each in readings if each.notna().all()]
    differ = [each for each in whole if not each.equals(best)]
    if whole and differ:
        row = int(np.flatnonzero((best != differ[0]).to_numpy())[0])
        one, other = (f"{each.iloc[row]:%Y-%m-%d}" for each in (best, differ[0]))
        place = sheet.locate(row, text.name)
        message = f"{place}: `{text.iloc[row]}` may be {one} or {other}"
        raise EvolveError(message, f"nothing in the file says which: {EXAMPLE}")
    clock = apart[1].fillna("0:00").str.strip()
    clock = clock.str.replace(r"^(\d{1,2}:\d{2})$", r"\1:00", regex=True)
    return best + pd.to_timedelta(clock, errors="coerce")


def _shift_24_hours(found: re.Match[str]) -> str:
    """`3:05 PM` as `15:05`."""
    hour = int(found[1]) % 12 + (12 if found[3] in "Pp" else 0)
    return f"{hour:02d}:{found[2]}"


def _refuse(dates: pd.Series, raw: pd.Series, sheet: RawTable) -> None:
    """Refuse what is no date, or one that nanoseconds since 1970 cannot count."""
    year = dates.dt.year
    bad = np.flatnonzero((dates.isna() | (year < FIRST_YEAR) | (year > LAST_YEAR)).to_numpy())
    if not len(bad):
        return
    row = int(bad[0])
    place = sheet.locate(row, raw.name)
    if is_blank(raw.iloc[row]):
        raise EvolveError(f"{place}: the date is missing", "remove the row or write its date")
    message = f"{place}: `{raw.iloc[row]}` is not a date from {FIRST_YEAR} to {LAST_YEAR}"
    raise EvolveError(message, EXAMPLE)


def check_order(time: Times, sheet: RawTable) -> None:
    """Refuse times that stand twice or come after later ones."""
    steps = np.diff(time.astype(np.int64))
    bad = np.flatnonzero(steps <= 0)
    if not len(bad):
        return
    row = int(bad[0]) + 1
    at, before = (_format_time(time[place]) for place in (row, row - 1))
    if steps[row - 1] == 0:
        raise EvolveError(f"{sheet.locate(row)}: {at} stands twice", "remove one of them")
    message = f"{sheet.locate(row)}: {at} comes after {before}"
    raise EvolveError(message, "sort the rows by date, oldest first")


def _format_time(time: np.datetime64) -> str:
    return re.sub("T00:00:00$", "", str(time.astype("datetime64[s]")))
