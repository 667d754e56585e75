"""Formats of dates and times of day; ambiguous ones are errors."""

from __future__ import annotations

import re
import tempfile
from datetime import date, datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evolve.data import load
from evolve.errors import EvolveError
from tests.data.tables import csv

PRICES = "10,12,9,11"


def read_times(*texts: str, head: str = "Date") -> list[str]:
    """Return the times of a column of texts, to the minute."""
    with tempfile.TemporaryDirectory() as folder:
        rows = [f"{text},{PRICES}" for text in texts]
        bars = load(csv(Path(folder) / "a.csv", *rows, head=f"{head},Open,High,Low,Close")).bars
    return [str(each)[:16].removesuffix("T00:00") for each in bars.time]


def read_error(*texts: str, head: str = "Date") -> EvolveError:
    with pytest.raises(EvolveError) as caught:
        read_times(*texts, head=head)
    assert caught.value.hint
    return caught.value


DAYS = "2024-01-30", "2024-01-31", "2024-02-01"
DAY_FORMS = {
    "iso": "%Y-%m-%d",
    "iso, slashes": "%Y/%m/%d",
    "compact": "%Y%m%d",
    "american": "%m/%d/%Y",
    "day first": "%d/%m/%Y",
    "american, dashes": "%m-%d-%Y",
    "day first, dashes": "%d-%m-%Y",
    "dotted": "%d.%m.%Y",
    "short month": '"%b %d, %Y"',
    "long month": '"%B %d, %Y"',
    "day, short month": "%d-%b-%Y",
    "day, short month, blanks": "%d %b %Y",
    "day, long month": "%d %B %Y",
}
CLOCKS = ["%H:%M", "%H:%M:%S", "%H:%M:%S.000"]
HALVES = ["%I:%M %p", "%I:%M:%S%p"]


def format_time(form: str, moment: datetime, clock: str = "") -> str:
    quote = '"' * form.startswith('"')
    return moment.strftime(f"{quote}{form.strip(chr(34))}{' ' * bool(clock)}{clock}{quote}")


@pytest.mark.parametrize("name", DAY_FORMS)
def test_days_of_each_format_are_read(name: str) -> None:
    days = [datetime.fromisoformat(day) for day in DAYS]
    form = DAY_FORMS[name]
    assert read_times(*[format_time(form, day) for day in days]) == list(DAYS)
    assert read_times(*[format_time(form, day) for day in days[::-1]]) == list(DAYS)  # newest first
    assert read_times(*[format_time(form, day).upper() for day in days]) == list(DAYS)


@pytest.mark.parametrize("clock", [*CLOCKS, *HALVES])
@pytest.mark.parametrize("name", DAY_FORMS)
def test_times_of_day_follow_a_day_of_each_format(name: str, clock: str) -> None:
    times = [datetime(2024, 1, 30, hour, 5) for hour in (0, 9, 11, 12, 13, 23)]
    texts = [format_time(DAY_FORMS[name], each, clock) for each in times]
    assert read_times(*texts) == [each.isoformat()[:16] for each in times]


@pytest.mark.parametrize("clock", [*CLOCKS, HALVES[0], "%H%M%S"])
@pytest.mark.parametrize("name", [name for name in DAY_FORMS if name != "short month"])
def test_a_time_of_day_may_have_a_separate_column(name: str, clock: str) -> None:
    times = [datetime(2024, 1, 30, hour, 5) for hour in (0, 9, 11, 12, 13, 23)]
    texts = [f"{format_time(DAY_FORMS[name], each)},{each:{clock}}" for each in times]
    assert read_times(*texts, head="Date,Time") == [each.isoformat()[:16] for each in times]


def test_months_and_days_may_have_one_digit() -> None:
    assert read_times("1/30/2024", "2/1/2024") == ["2024-01-30", "2024-02-01"]
    assert read_times("30/1/2024", "1/2/2024") == ["2024-01-30", "2024-02-01"]
    assert read_times("30.1.2024", "1.2.2024") == ["2024-01-30", "2024-02-01"]
    assert read_times("1/30/2024 9:05", "1/30/2024 9:10") == [
        "2024-01-30T09:05",
        "2024-01-30T09:10",
    ]


@pytest.mark.parametrize("texts", [("01/30/24", "02/01/24"), ("30-Jan-24", "1-Feb-24")])
@pytest.mark.parametrize("clock", ["", " 9:30"])
def test_a_year_of_two_digits_is_read_if_it_has_one_reading(
    texts: tuple[str, str], clock: str
) -> None:
    expected = [day + "T09:30" * bool(clock) for day in ("2024-01-30", "2024-02-01")]
    assert read_times(*[text + clock for text in texts]) == expected


@pytest.mark.parametrize(
    "texts", [("24/01/02", "24/01/03"), ("13/02/24", "14/02/24"), ("02-Jan-24", "03-Jan-24")]
)
def test_a_year_of_two_digits_that_may_be_a_day_is_an_error(texts: tuple[str, str]) -> None:
    assert "ambiguous date" in read_error(*texts).message


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
@pytest.mark.parametrize("point", ["", ".0"], ids=["whole", "with a point"])
def test_counts_since_1970_are_read(unit: str, point: str) -> None:
    times = np.array(["1999-12-31T23:00", "2024-01-30T09:30"], "datetime64[s]")
    counts = times.astype(f"datetime64[{unit}]").astype(np.int64)
    assert read_times(*[f"{count}{point}" for count in counts]) == [
        str(each)[:16] for each in times
    ]


# -- ambiguous dates


@pytest.mark.parametrize("form", ["%m/%d/%Y", "%d/%m/%Y", "%m-%d-%Y", "%d-%m-%Y"])
@pytest.mark.parametrize("clock", ["", "%H:%M", "%I:%M %p"])
def test_an_ambiguous_order_of_day_and_month_is_an_error(form: str, clock: str) -> None:
    times = [datetime(2024, 3, day, 9, 30) for day in (4, 5, 6)]
    error = read_error(*[format_time(form, each, clock) for each in times])
    assert "line 2, column `Date`" in error.message
    assert re.search(r"ambiguous date `.+`: \d{4}-\d\d-\d\d or \d{4}-\d\d-\d\d$", error.message)


@given(
    first=st.dates(date(1990, 1, 1), date(2030, 1, 1)),
    steps=st.lists(st.integers(1, 45), max_size=8),
    form=st.sampled_from(["%m/%d/%Y", "%d/%m/%Y", "%m-%d-%Y", "%d-%m-%Y", "%d.%m.%Y"]),
    clock=st.sampled_from(["", "%H:%M", "%I:%M:%S %p"]),
    is_bare=st.booleans(),
    is_newest_first=st.booleans(),
)
@settings(max_examples=60)
def test_a_date_is_read_correctly_or_is_an_error(
    first: date, steps: list[int], form: str, clock: str, is_bare: bool, is_newest_first: bool
) -> None:
    days = [datetime(first.year, first.month, first.day, 9, 30)]  # no evening before a session
    for step in steps:
        days.append(days[-1] + timedelta(days=step))
    texts = [format_time(form, day, clock) for day in days]
    if is_bare:  # 1/2/2024 for 01/02/2024
        separator = form[2]
        texts = [separator.join(part.lstrip("0") for part in each.split(separator, 2))
                 for each in texts]  # fmt: skip
    try:
        times = read_times(*(texts[::-1] if is_newest_first else texts))
    except EvolveError as error:
        assert re.search(r"ambiguous date `.+`: \d{4}-\d\d-\d\d or \d{4}-\d\d-\d\d$", error.message)
        assert "." not in form
        assert all(day.day <= 12 for day in days)
    else:
        assert [each[:10] for each in times] == [str(day.date()) for day in days]
        assert not clock or all(each.endswith("T09:30") for each in times)


def test_all_symbols_of_a_file_settle_the_order_of_day_and_month(tmp_path: Path) -> None:
    rows = [f"01/{day:02d}/2024,A,{PRICES}" for day in (2, 3, 4)]
    rows += [f"01/{day:02d}/2024,B,{PRICES}" for day in (29, 30, 31)]
    bars = load(csv(tmp_path / "all.csv", *rows, head="Date,Symbol,Open,High,Low,Close")).bars
    assert str(bars.select_symbol(0).time[-1])[:10] == "2024-01-04"


# -- compact timestamps


@pytest.mark.parametrize(
    ("texts", "meant"),
    [
        (["202401310930", "202401310935"], ["2024-01-31T09:30", "2024-01-31T09:35"]),
        (["2024013109", "2024013110"], ["2024-01-31T09:00", "2024-01-31T10:00"]),
        (["20240131093000", "20240131093500"], ["2024-01-31T09:30", "2024-01-31T09:35"]),
        (["20240131 0930", "20240131 0935"], ["2024-01-31T09:30", "2024-01-31T09:35"]),
        (["20240131 093000", "20240131 093500"], ["2024-01-31T09:30", "2024-01-31T09:35"]),
        (["20240131T093000Z", "20240131T093500Z"], ["2024-01-31T09:30", "2024-01-31T09:35"]),
        (["2024-01-30 9:30", "2024-01-30 10:30"], ["2024-01-30T09:30", "2024-01-30T10:30"]),
    ],
    ids=lambda value: value[0],
)
def test_a_compact_timestamp_is_read(texts: list[str], meant: list[str]) -> None:
    assert read_times(*texts) == meant


@pytest.mark.parametrize(
    "texts",
    [
        ("240130", "240131"), ("45321", "45322"), ("202312", "202401"), ("01312024", "02012024"),
        ("30.01.24", "31.01.24"), ("2024-30-01", "2024-31-01"),
    ],
)  # fmt: skip
def test_an_ambiguous_timestamp_is_an_error(texts: tuple[str, str]) -> None:
    message = read_error(*texts).message
    assert "line 2, column `Date`" in message
    assert texts[0].lstrip("0") in message


@pytest.mark.parametrize("day", ["2024-01-31", "01/31/2024", "20240131"])
@pytest.mark.parametrize("clocks", [("0930", "0935", "1600"), ("930", "935", "1600")])
def test_hours_and_minutes_may_be_one_number(day: str, clocks: tuple[str, ...]) -> None:
    times = read_times(*[f"{day},{clock}" for clock in clocks], head="Date,Time")
    assert times == ["2024-01-31T09:30", "2024-01-31T09:35", "2024-01-31T16:00"]


@pytest.mark.parametrize("clock", ["25:30", "10:75", "10:30:75", "99:99", "13:30 PM", "0:30 PM:"])
@pytest.mark.parametrize("day", ["01/31/2024", "31.01.2024", "2024-01-31", "31-Jan-2024"])
def test_an_impossible_time_of_day_is_an_error(day: str, clock: str) -> None:
    assert "line 2" in read_error(f"{day} {clock}", f"{day} 23:59").message


# -- zones


def test_a_time_with_an_offset_is_the_local_time_across_a_clock_change() -> None:
    texts = [f"2024-03-{day} 09:30:00{zone}" for day, zone in (("08", "-05:00"), (11, "-04:00"))]
    assert read_times(*texts) == ["2024-03-08T09:30", "2024-03-11T09:30"]
    spring = ["2024-03-10 01:30:00-05:00", "2024-03-10 03:30:00-04:00"]
    assert read_times(*spring) == ["2024-03-10T01:30", "2024-03-10T03:30"]


@pytest.mark.parametrize(
    "zones", [("+00", "+01"), ("+00:00", "+01:00"), ("Z", "Z"), ("+0000",) * 2]
)
def test_offsets_of_each_format_are_read(zones: tuple[str, str]) -> None:
    """Check hours without minutes, as PostgreSQL writes them."""
    texts = [f"2024-03-{day} 09:30:00{zone}" for day, zone in zip((29, 31), zones, strict=True)]
    assert read_times(*texts) == ["2024-03-29T09:30", "2024-03-31T09:30"]


@pytest.mark.parametrize(
    "texts",
    [
        ("2024-01-30 09-30", "2024-01-30 10-30"),
        ("2024-01-30 09-05", "2024-01-30 10-05"),
        ("2024-01-30-12", "2024-01-31-12"),
        ("2024-01-30 09:30+15", "2024-01-30 10:30+15"),
    ],
)
def test_minutes_or_days_after_a_dash_are_no_offset(texts: tuple[str, str]) -> None:
    assert f"found `{texts[0]}`" in read_error(*texts).message


def test_a_date_may_have_an_offset_with_minutes() -> None:
    assert read_times("2024-01-30-05:00", "2024-01-31-05:00") == ["2024-01-30", "2024-01-31"]
    assert read_times("2024-01-30T09Z", "2024-01-30T10Z") == [
        "2024-01-30T09:00",
        "2024-01-30T10:00",
    ]


@pytest.mark.parametrize(("text", "day"), [("01/31/62", "1962-01-31"), ("01/31/49", "2049-01-31")])
def test_a_year_of_two_digits_is_from_1950_to_2049(text: str, day: str) -> None:
    assert read_times(text) == [day]


REPEATED = pd.date_range("2024-11-03 04:30", periods=4, freq="1h", tz="UTC").tz_convert(
    "US/Eastern"
)


@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_a_repeated_hour_loses_no_bar(ending: str, tmp_path: Path) -> None:
    frame = pd.DataFrame({"Date": REPEATED, "Open": 10.0, "High": 12.0, "Low": 9.0, "Close": 11.0})
    path = tmp_path / f"a.{ending}"
    frame.to_csv(path, index=False) if ending == "csv" else frame.to_parquet(path)
    bars = load(str(path)).bars
    assert np.diff(bars.time).tolist() == [3_600_000_000_000] * 3


def test_symbols_of_one_zone_share_their_times(tmp_path: Path) -> None:
    """Check that both symbols use UTC if an hour repeats for one of them."""
    both = pd.DataFrame({"Date": REPEATED, "Open": 10.0, "High": 12.0, "Low": 9.0, "Close": 11.0})
    later = both.iloc[2:].assign(Symbol="B")
    pd.concat([both.assign(Symbol="A"), later]).to_parquet(tmp_path / "ab.parquet")
    bars = load(str(tmp_path / "ab.parquet")).bars
    assert len(bars) == 4
    assert bars.priced.tolist() == [[True] * 4, [False, False, True, True]]


def test_a_cell_whose_offset_is_cut_beside_whole_ones_is_an_error() -> None:
    texts = "2024-01-02T09:30:00-05:00", "2024-01-02T09:31:00-0"
    assert "line 3" in read_error(*texts).message
    assert "line 2" in read_error("2024-01-02T09:30:00-05:00-05:00", texts[0]).message
