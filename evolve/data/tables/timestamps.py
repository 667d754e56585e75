"""Parsing of dates and times: ISO, American, European, compact, or counts since 1970.

If a time has an offset, the result is the local time. Ambiguous dates are errors.
"""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from evolve.data.tables.columns import is_blank
from evolve.data.tables.epochs import convert_counts, find_unit
from evolve.data.tables.raw_table import TIMES, RawTable
from evolve.errors import EvolveError

Times = NDArray[np.datetime64]

FIRST_FUTURE_YEAR = 2050  # of years with two digits
FIRST_YEAR, LAST_YEAR = 1678, 2261  # the range of datetime64[ns]
# After a date without minutes, only `-05:00` is an offset: `09-30` may be a time of day.
_HOURS = r"[+-](?:0\d|1[0-4])"
OFFSET = (
    rf"^(\d{{4}}-\d\d-\d\d(?:[ T]\d\d)?(?=Z$|UTC$|{_HOURS}:\d\d$)"
    rf"|\d{{8}}T\d{{4}}(?:\d\d)?|.*\d:\d\d.*?)"
    rf"(?:Z|UTC|{_HOURS}(?::?\d{{2}})?)$"
)
CLOCK = r"^(.*\d{4}|.*[/-]\d{2})[ T,]+((?:[01]?\d|2[0-3]):[0-5]\d(?::[0-5]\d(?:\.\d+)?)?)$"
TWELVE_HOURS = r"(?<!\d)(0?[1-9]|1[0-2]):(\d{2}(?::\d{2}(?:\.\d+)?)?) ?([AaPp])[Mm]$"
FORMATS = (
    "%m/%d/%Y", "%d/%m/%Y", "%m-%d-%Y", "%d-%m-%Y", "%d.%m.%Y", "%b %d, %Y", "%B %d, %Y",
    "%d-%b-%Y", "%d %b %Y", "%d %B %Y", "%Y-%b-%d",
    # Years of two digits: 50 to 99 are of the 20th century.
    "%m/%d/%y", "%d/%m/%y", "%y/%m/%d", "%d-%b-%y", "%y-%b-%d",
)  # fmt: skip
ZONE = r" (?:GMT|BST|[A-Z]{1,4}T|[A-Z][A-Za-z]+(?:/[A-Za-z_+-]+[0-9]*){1,2})$"
LOCAL_TIME = r"[0-9-]+(?:[ T][0-9:.]+)?"
OFFSET_PARTS = r"([+-])(\d{2}):?(\d{2})?$"
REWRITES = (  # other forms of a date, and the form that is parsed
    (ZONE, ""),
    (r" ?(?:GMT|UTC)(?=[+-]\d)", ""),  # `GMT+0100` of Dukascopy
    (r"^(\d{4})\.(\d{2})\.(\d{2})(?=$|[ T])", r"\1-\2-\3"),  # MetaTrader
    (r"^(\d{8})-(?=\d{2}:)", r"\1 "),  # Interactive Brokers in UTC; two blanks in local time
    (r"\s+", " "),
    (r" (0?[1-9]|1[0-2])-([AP]M)$", r" \1:00 \2"),  # hours of CryptoDataDownload
)
FIRST_COMPACT_DAY = 16_780_101
FIRST_COMPACT_HOUR_DAY = 19_000_101  # `1701012000` are seconds of 2023, not an hour of 1701
COMPACT_FORMATS = {  # by the number of digits
    8: "%Y%m%d",
    10: "%Y%m%d%H",
    12: "%Y%m%d%H%M",
    14: "%Y%m%d%H%M%S",
}
EXAMPLE = (
    "write dates as 2020-01-31 or 20200131, 2020.01.31, 31.01.2020, Jan 31, 2020, with times as "
    "09:30 or 09:30:00; or as seconds, milli-, micro- or nanoseconds since 1970"
)


def parse_times(table: RawTable, group: NDArray[np.int64]) -> Times:
    """Parse the date column or index as datetime64[ns], one per row.

    Args:
        table: the table.
        group: int64[row], the symbol index of each row.

    Raises:
        EvolveError: for the first row with a missing, wrong or ambiguous date.
    """
    raw = _find_dates(table)
    types = pd.api.types
    if types.is_numeric_dtype(raw) and not types.is_bool_dtype(raw):
        parsed = _parse_numbers(raw)
    elif types.is_datetime64_any_dtype(raw):
        parsed = raw
    else:
        text = raw.astype(str).str.strip()
        parsed = _parse_text(text, table)
        if _has_duplicates(parsed, group):
            parsed = _convert_to_utc(parsed, text)
    _check_dates(parsed, raw, table)
    return _drop_zone(parsed, group)


def _drop_zone(times: pd.Series, group: NDArray[np.int64]) -> Times:
    """Return local times, or UTC if a clock that is set back repeats an hour."""
    if getattr(times.dt, "tz", None) is not None:
        local = times.dt.tz_localize(None)
        if _has_duplicates(local, group) and not _has_duplicates(times, group):
            local = times.dt.tz_convert("UTC").dt.tz_localize(None)
        times = local
    return times.to_numpy().astype("datetime64[ns]")


def _convert_to_utc(local: pd.Series, text: pd.Series) -> pd.Series:
    """Return the times in UTC if each has an offset, or if all name one zone; else the same."""
    if text.str.fullmatch(OFFSET).all():
        parts = text.str.extract(OFFSET_PARTS)
        hours, minutes = (pd.to_numeric(parts[each]).fillna(0.0) for each in (1, 2))
        sign = parts[0].map({"+": 1.0, "-": -1.0}).fillna(0.0)
        return local - pd.to_timedelta(sign * (60 * hours + minutes), unit="min")
    zones = text.str.extract(f"({ZONE})")[0].unique()
    try:
        zone = str(zones[0]).strip() if len(zones) == 1 else ""
        aware = pd.DatetimeIndex(local).tz_localize(zone or None, ambiguous="infer")
        return pd.Series(aware.tz_convert("UTC").tz_localize(None), local.index)
    except (ValueError, KeyError, TypeError, OSError):
        return local  # the duplicate is reported later


def _has_duplicates(times: pd.Series, group: NDArray[np.int64]) -> bool:
    """Return whether a symbol has two rows at one time."""
    both = pd.DataFrame({"time": times.to_numpy(), "group": group})
    return bool(both.duplicated().any())


def _find_dates(table: RawTable) -> pd.Series:
    columns, frame = table.columns, table.frame
    if "date" in columns and "time" in columns:
        day, clock = (frame[columns[name]].astype(str).str.strip() for name in ("date", "time"))
        is_compact = clock.str.fullmatch(r"\d{1,6}")
        if is_compact.all():  # 930, 0930, 93000 or 093000
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
    hint = f"name one column `Date`; found columns: {table.column_list}"
    raise EvolveError(f"{table.origin}: missing date column", hint)


def _parse_numbers(raw: pd.Series) -> pd.Series:
    """Parse compact dates, or seconds, milli-, micro- or nanoseconds since 1970."""
    numbers = pd.to_numeric(raw, errors="coerce").to_numpy(np.float64, na_value=np.nan)
    known = numbers[np.isfinite(numbers)]
    if len(known):
        for digits, pattern in COMPACT_FORMATS.items():
            first = FIRST_COMPACT_DAY if digits == 8 else FIRST_COMPACT_HOUR_DAY
            if np.all((known >= first * 10 ** (digits - 8)) & (known < 10**digits)):
                text = raw.map(lambda each: f"{each:.0f}", na_action="ignore")
                parsed = pd.to_datetime(text, format=pattern, errors="coerce")
                if parsed.notna().sum() == len(known):
                    return parsed
    unit = find_unit(known) if len(known) else None
    if unit is None:
        return pd.Series(pd.NaT, raw.index, dtype="datetime64[ns]")
    return convert_counts(raw, unit)


def _parse_text(text: pd.Series, table: RawTable) -> pd.Series:
    """Parse ISO or compact dates, or those of one format in FORMATS; ignore offsets and zones."""
    parsed = _parse_forms(text, table)
    if not parsed.isna().any():
        return parsed
    rewritten = text
    for pattern, form in REWRITES:
        rewritten = rewritten.str.replace(pattern, form, regex=True)
    return parsed if rewritten.equals(text) else _parse_forms(rewritten, table)


def _parse_forms(text: pd.Series, table: RawTable) -> pd.Series:
    text = text.str.replace(OFFSET, r"\1", regex=True).str.strip()
    text = text.str.replace(TWELVE_HOURS, _convert_to_24_hours, regex=True)
    compact = text.str.replace(r"^(\d{4})(\d{2})(\d{2})(?=$|[ T])", r"\1-\2-\3", regex=True)
    iso = compact.str.replace(r"^(\d{4})/(\d{1,2})/(\d{1,2})", r"\1-\2-\3", regex=True)
    iso = iso.where(iso.str.match(r"\d{4}-"))
    try:
        parsed = pd.to_datetime(iso, format="ISO8601", errors="coerce")
        is_local = parsed.dt.tz is None
    except ValueError:  # offsets differ
        is_local = False
    if not is_local:  # some cells have offsets that OFFSET does not match, such as `-0`
        single = iso.where(iso.str.fullmatch(LOCAL_TIME).fillna(False).astype(bool))
        parsed = pd.to_datetime(single, format="ISO8601", errors="coerce")
    if not parsed.isna().any() or text.str.match(r"\d{4}").any():
        return parsed
    return _parse_formats(text, table)


def _parse_formats(text: pd.Series, table: RawTable) -> pd.Series:
    """Parse dates by the only format that fits all rows, with an optional time of day.

    Raises:
        EvolveError: if two formats fit all rows and differ in a date.
    """
    parts = text.str.extract(CLOCK)
    days = parts[0].fillna(text).str.strip().str.rstrip(",")
    candidates = [_parse_days(days, pattern) for pattern in FORMATS]
    best = max(candidates, key=lambda each: each.notna().sum())
    complete = [each for each in candidates if each.notna().all()]
    others = [each for each in complete if not each.equals(best)]
    if others:
        row = int(np.flatnonzero((best != others[0]).to_numpy())[0])
        one, other = (f"{each.iloc[row]:%Y-%m-%d}" for each in (best, others[0]))
        location = table.locate(row, text.name)
        message = f"{location}: ambiguous date `{text.iloc[row]}`: {one} or {other}"
        raise EvolveError(message, f"no other row settles it; {EXAMPLE}")
    clock = parts[1].fillna("0:00").str.strip()
    clock = clock.str.replace(r"^(\d{1,2}:\d{2})$", r"\1:00", regex=True)
    return best + pd.to_timedelta(clock, errors="coerce")


def _parse_days(days: pd.Series, pattern: str) -> pd.Series:
    parsed: pd.Series = pd.to_datetime(days, format=pattern, errors="coerce")
    if "%y" in pattern:
        is_past = parsed.dt.year >= FIRST_FUTURE_YEAR
        parsed = parsed.where(~is_past, parsed - pd.DateOffset(years=100))
    return parsed


def _convert_to_24_hours(match: re.Match[str]) -> str:
    """Convert `3:05 PM` to `15:05`."""
    hour = int(match[1]) % 12 + (12 if match[3] in "Pp" else 0)
    return f"{hour:02d}:{match[2]}"


def _check_dates(dates: pd.Series, raw: pd.Series, table: RawTable) -> None:
    """Raise EvolveError for a missing or wrong date, or one that datetime64[ns] cannot hold."""
    year = dates.dt.year
    bad = np.flatnonzero((dates.isna() | (year < FIRST_YEAR) | (year > LAST_YEAR)).to_numpy())
    if not len(bad):
        return
    row = int(bad[0])
    location = table.locate(row, raw.name)
    if is_blank(raw.iloc[row]):
        raise EvolveError(f"{location}: missing date", "write the date or remove the row")
    years = f"{FIRST_YEAR} to {LAST_YEAR}"
    message = f"{location}: expected a date from {years}, found `{raw.iloc[row]}`"
    raise EvolveError(message, EXAMPLE)


def check_order(time: Times, table: RawTable) -> None:
    """Raise EvolveError if times are not strictly increasing."""
    steps = np.diff(time.astype(np.int64))
    bad = np.flatnonzero(steps <= 0)
    if not len(bad):
        return
    row = int(bad[0]) + 1
    current, previous = (_format_time(time[index]) for index in (row, row - 1))
    if steps[row - 1] == 0:
        raise EvolveError(f"{table.locate(row)}: duplicate date {current}", "remove one of the two")
    message = f"{table.locate(row)}: dates out of order: {current} after {previous}"
    raise EvolveError(message, "sort the rows by date, oldest first")


def _format_time(time: np.datetime64) -> str:
    return re.sub("T00:00:00$", "", str(time.astype("datetime64[s]")))
