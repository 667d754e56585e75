"""Session dates of daily and longer bars with timestamps of many time zones."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from dsl.analysis.check import check_expression
from dsl.bars import Bars
from dsl.evaluate import truth_values, values
from evolve.data import DataRequest, load
from evolve.data.align import align
from evolve.data.generators import random_walk
from evolve.data.tables.frames import bars_to_frame
from evolve.notices import NoticeList
from evolve.report.export import write_table
from tests.command_line import csv_rows, invoke
from tests.data.tables import days_of

SESSIONS = pd.bdate_range("2023-06-01", "2024-11-29").delete([40, 107, 148, 149, 212])
MONDAYS = pd.date_range("2023-06-05", "2024-11-25", freq="7D")
MONTHS = pd.date_range("2022-01-01", "2024-12-01", freq="MS")

# -- clocks: the zone, and the hours after the midnight of the session's day

CLOCKS = {
    "Paris, midnight": ("Europe/Paris", 0),
    "London, midnight": ("Europe/London", 0),
    "Tokyo, midnight": ("Asia/Tokyo", 0),
    "Sydney, midnight": ("Australia/Sydney", 0),
    "Sydney, session": ("Australia/Sydney", 10),
    "Auckland, midnight": ("Pacific/Auckland", 0),
    "Chicago, futures from 17:00": ("America/Chicago", -7),
    "New York, currencies from 17:00": ("America/New_York", -7),
}
UNCHANGED = {
    "New York, midnight": ("America/New_York", 0),
    "New York, session": ("America/New_York", 9.5),
    "New York, close": ("America/New_York", 16),
    "Paris, session": ("Europe/Paris", 9),
    "Tokyo, session": ("Asia/Tokyo", 9),
}


def build_timestamps(days: pd.DatetimeIndex, zone: str, hours: float) -> pd.DatetimeIndex:
    """Return naive UTC times at which a clock in a zone shows the given hours of the days."""
    local = (days + pd.Timedelta(hours=hours)).tz_localize(zone)
    return local.tz_convert("UTC").tz_localize(None)


def frame_of(times: pd.DatetimeIndex, form: str = "") -> pd.DataFrame:
    close = 100.0 + np.arange(len(times)) % 7
    prices = {"Open": close + 0.5, "High": close + 1, "Low": close - 1, "Close": close}
    return pd.DataFrame({"Date": times.strftime(form) if form else times, **prices})


def load_times(path: Path, times: pd.DatetimeIndex, form: str = "") -> tuple[Bars, list[str]]:
    notices = NoticeList()
    frame_of(times, form).to_csv(path, index=False)
    return load(str(path), notices).bars, notices.texts


def dates(days: pd.DatetimeIndex) -> list[str]:
    return [str(day.date()) for day in days]


@pytest.mark.parametrize("form", ["", "%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%d %H:%M:%S+00:00"])
@pytest.mark.parametrize("name", CLOCKS)
def test_a_timestamp_on_the_evening_before_becomes_the_date_of_the_session(
    name: str, form: str, tmp_path: Path
) -> None:
    times = build_timestamps(SESSIONS, *CLOCKS[name])
    assert dates(times) != dates(SESSIONS)
    bars, texts = load_times(tmp_path / "A.csv", times, form)
    assert days_of(bars) == dates(SESSIONS)
    assert set(bars.calendar["weekday"]) == {1, 2, 3, 4, 5}
    assert bars.calendar["month"].tolist() == SESSIONS.month.tolist()
    assert bars.calendar["day_of_month"].tolist() == SESSIONS.day.tolist()
    assert bars.bars_per_year == 252
    (note,) = texts
    assert note.startswith("A: ") and "evening before" in note


@pytest.mark.parametrize("name", UNCHANGED)
def test_a_timestamp_on_the_day_of_the_session_does_not_change(name: str, tmp_path: Path) -> None:
    times = build_timestamps(SESSIONS, *UNCHANGED[name])
    bars, texts = load_times(tmp_path / "A.csv", times)
    assert bars.time.tolist() == times.to_numpy().astype("datetime64[ns]").tolist()
    assert set(bars.calendar["weekday"]) == {1, 2, 3, 4, 5}
    assert texts == []


@pytest.mark.parametrize("zone", ["UTC", "America/New_York"])
def test_timestamps_of_a_coin_do_not_change(zone: str, tmp_path: Path) -> None:
    times = build_timestamps(pd.date_range("2024-01-01", periods=200), zone, 0)
    bars, texts = load_times(tmp_path / "BTC.csv", times)
    assert bars.time.tolist() == times.to_numpy().astype("datetime64[ns]").tolist()
    assert texts == []


@pytest.mark.parametrize("seconds", [86_399, 86_340])
def test_timestamps_of_a_coin_at_the_end_of_its_day_give_no_notice(
    seconds: int, tmp_path: Path
) -> None:
    times = pd.date_range("2024-01-01", periods=50) + pd.Timedelta(seconds=seconds)
    assert load_times(tmp_path / "BTC.csv", times)[1] == []


UNKNOWN = {
    "a coin at the midnight of Seoul": build_timestamps(
        pd.date_range("2024-01-01", periods=200), "Asia/Seoul", 0
    ),
    "a week of Paris": build_timestamps(SESSIONS[2:7], "Europe/Paris", 0),
}


@pytest.mark.parametrize("name", UNKNOWN)
def test_calendar_series_are_unknown_if_the_date_is_uncertain(name: str, tmp_path: Path) -> None:
    bars, texts = load_times(tmp_path / "A.csv", UNKNOWN[name])
    assert bars.time.tolist() == UNKNOWN[name].to_numpy().astype("datetime64[ns]").tolist()
    (note,) = texts
    assert "may be a day before" in note and "weekday" in note
    for series in ("weekday", "month", "day_of_month"):
        assert np.isnan(values(check_expression(series), bars)).all()
        assert np.isnan(truth_values(check_expression(f"{series} == 5"), bars)).all()
    other = replace(random_walk(300, 1), symbols=("B",))
    both = values(check_expression("weekday"), align([bars, other]))
    assert np.isnan(both[0]).all() and set(both[1][~np.isnan(both[1])]) == {1, 2, 3, 4, 5}


def test_dates_from_sunday_to_thursday_do_not_change_but_give_a_notice(tmp_path: Path) -> None:
    """Check dates without a time of day, as some markets trade on these days."""
    times = SESSIONS - pd.Timedelta(days=1)
    bars, texts = load_times(tmp_path / "A.csv", times)
    assert days_of(bars) == dates(times)
    (note,) = texts
    assert "from Sunday to Thursday" in note
    assert set(bars.calendar["weekday"]) == {7, 1, 2, 3, 4}


@pytest.mark.parametrize("count", range(1, 7))
@pytest.mark.parametrize("first", range(7))
def test_few_bars_of_a_coin_do_not_change(first: int, count: int, tmp_path: Path) -> None:
    """Check the six days from Saturday on, which have no Friday."""
    days = pd.date_range("2024-01-01", periods=20)[first : first + count]
    times = days + pd.Timedelta(hours=23)
    bars, _ = load_times(tmp_path / "A.csv", times)
    assert bars.time.tolist() == times.to_numpy().astype("datetime64[ns]").tolist()


# -- longer bars


@pytest.mark.parametrize(
    "zone", ["Europe/Paris", "Europe/London", "Asia/Tokyo", "Australia/Sydney"]
)
def test_weeks_and_months_that_begin_at_local_midnight_have_its_date(
    zone: str, tmp_path: Path
) -> None:
    for days, rate in ((MONDAYS, 52), (MONTHS, 12)):
        bars, texts = load_times(tmp_path / "A.csv", build_timestamps(days, zone, 0))
        assert days_of(bars) == dates(days)
        assert bars.bars_per_year == rate
        assert len(texts) == 1


def test_months_of_futures_have_the_date_of_their_first_session(tmp_path: Path) -> None:
    firsts = pd.date_range("2020-01-01", "2024-12-01", freq="BMS")
    bars, _ = load_times(tmp_path / "A.csv", build_timestamps(firsts, "America/Chicago", -7))
    assert days_of(bars) == dates(firsts)


@pytest.mark.parametrize("freq", ["W-FRI", "BME", "BQE"])
def test_closes_of_weeks_months_and_quarters_do_not_change(freq: str, tmp_path: Path) -> None:
    times = build_timestamps(
        pd.date_range("2015-01-01", "2024-12-01", freq=freq), "America/New_York", 16
    )
    bars, texts = load_times(tmp_path / "A.csv", times)
    assert bars.time.tolist() == times.to_numpy().astype("datetime64[ns]").tolist()
    assert texts == []


@pytest.mark.parametrize("freq", ["W", "W-SAT", "ME", "MS", "QE", "YE"])
def test_long_bars_without_a_time_of_day_give_no_notice(freq: str, tmp_path: Path) -> None:
    times = pd.date_range("2015-01-01", periods=9, freq=freq)
    bars, texts = load_times(tmp_path / "A.csv", times)
    assert days_of(bars) == dates(times)
    assert texts == []


# -- several symbols, ranges and written files


def test_sessions_of_several_symbols_are_aligned_by_date(tmp_path: Path) -> None:
    zones = {"AIR": ("Europe/Paris", 0), "SONY": ("Asia/Tokyo", 0), "SPY": ("UTC", 0)}
    for name, (zone, hours) in zones.items():
        frame_of(build_timestamps(SESSIONS, zone, hours)).to_csv(
            tmp_path / f"{name}.csv", index=False
        )
    notices = NoticeList()
    bars = load(str(tmp_path), notices).bars
    assert bars.symbols == tuple(zones)
    assert days_of(bars) == dates(SESSIONS) and bars.priced.all()
    assert next(note for note in notices.texts if "evening" in note).startswith("AIR, SONY: ")


def test_a_range_selects_session_dates(tmp_path: Path) -> None:
    path = tmp_path / "A.csv"
    load_times(path, build_timestamps(SESSIONS, "Europe/Paris", 0))
    day = SESSIONS[10].date()
    assert days_of(load(DataRequest(str(path), day, day)).bars) == [str(day)]


@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_session_dates_are_written_and_read_back(ending: str, tmp_path: Path) -> None:
    bars, _ = load_times(tmp_path / "A.csv", build_timestamps(SESSIONS, "Australia/Sydney", 10))
    path = tmp_path / "again" / f"A.{ending}"
    path.parent.mkdir()
    write_table(bars_to_frame(bars), path)
    notices = NoticeList()
    assert load(str(path), notices).bars.hash == bars.hash
    assert notices.texts == []


def test_weekdays_of_paris_include_fridays(tmp_path: Path) -> None:
    path = tmp_path / "A.csv"
    load_times(path, build_timestamps(SESSIONS, "Europe/Paris", 0))
    args = ("eval", "weekday == 5", "--data", str(path))
    assert sum(value == "1" for _, value in csv_rows(*args)[1:]) == sum(SESSIONS.day_of_week == 4)
    assert "note: A: " in invoke(*args).err
