"""Daily bars stamped by clocks all over the world: each has the date of its session."""

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
from evolve.data.frames import bars_to_frame
from evolve.data.generators import random_walk
from evolve.notices import NoticeList
from evolve.report.export import write_table
from tests.command_line import csv_rows, invoke
from tests.data.tables import days_of

SESSIONS = pd.bdate_range("2023-06-01", "2024-11-29").delete([40, 107, 148, 149, 212])
MONDAYS = pd.date_range("2023-06-05", "2024-11-25", freq="7D")
MONTHS = pd.date_range("2022-01-01", "2024-12-01", freq="MS")

# -- a market's clock: zone, hours after the midnight of the session's day

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


def stamps(days: pd.DatetimeIndex, zone: str, hours: float) -> pd.DatetimeIndex:
    """Return the time in UTC, without a zone, at which the clock of a zone reads so."""
    local = (days + pd.Timedelta(hours=hours)).tz_localize(zone)
    return local.tz_convert("UTC").tz_localize(None)


def frame_of(times: pd.DatetimeIndex, form: str = "") -> pd.DataFrame:
    close = 100.0 + np.arange(len(times)) % 7
    prices = {"Open": close + 0.5, "High": close + 1, "Low": close - 1, "Close": close}
    return pd.DataFrame({"Date": times.strftime(form) if form else times, **prices})


def loaded(path: Path, times: pd.DatetimeIndex, form: str = "") -> tuple[Bars, list[str]]:
    notices = NoticeList()
    frame_of(times, form).to_csv(path, index=False)
    return load(str(path), notices).bars, notices.texts


def dates(days: pd.DatetimeIndex) -> list[str]:
    return [str(day.date()) for day in days]


@pytest.mark.parametrize("form", ["", "%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%d %H:%M:%S+00:00"])
@pytest.mark.parametrize("name", CLOCKS)
def test_a_bar_stamped_the_evening_before_has_the_date_of_its_session(
    name: str, form: str, tmp_path: Path
) -> None:
    times = stamps(SESSIONS, *CLOCKS[name])
    assert dates(times) != dates(SESSIONS)
    bars, notes = loaded(tmp_path / "A.csv", times, form)
    assert days_of(bars) == dates(SESSIONS)
    assert set(bars.calendar["weekday"]) == {1, 2, 3, 4, 5}
    assert bars.calendar["month"].tolist() == SESSIONS.month.tolist()
    assert bars.calendar["day_of_month"].tolist() == SESSIONS.day.tolist()
    assert bars.bars_per_year == 252
    (note,) = notes
    assert note.startswith("A: ") and "evening before" in note


@pytest.mark.parametrize("name", UNCHANGED)
def test_a_bar_stamped_on_its_day_keeps_its_time(name: str, tmp_path: Path) -> None:
    times = stamps(SESSIONS, *UNCHANGED[name])
    bars, notes = loaded(tmp_path / "A.csv", times)
    assert bars.time.tolist() == times.to_numpy().astype("datetime64[ns]").tolist()
    assert set(bars.calendar["weekday"]) == {1, 2, 3, 4, 5}
    assert notes == []


@pytest.mark.parametrize("zone", ["UTC", "America/New_York"])
def test_a_coin_keeps_its_days(zone: str, tmp_path: Path) -> None:
    times = stamps(pd.date_range("2024-01-01", periods=200), zone, 0)
    bars, notes = loaded(tmp_path / "BTC.csv", times)
    assert bars.time.tolist() == times.to_numpy().astype("datetime64[ns]").tolist()
    assert notes == []


@pytest.mark.parametrize("seconds", [86_399, 86_340])
def test_a_coin_stamped_at_the_end_of_its_day_is_in_no_doubt(seconds: int, tmp_path: Path) -> None:
    times = pd.date_range("2024-01-01", periods=50) + pd.Timedelta(seconds=seconds)
    assert loaded(tmp_path / "BTC.csv", times)[1] == []


UNKNOWN = {
    "a coin at the midnight of Seoul": stamps(
        pd.date_range("2024-01-01", periods=200), "Asia/Seoul", 0
    ),
    "a week of Paris": stamps(SESSIONS[2:7], "Europe/Paris", 0),
}


@pytest.mark.parametrize("name", UNKNOWN)
def test_where_the_date_cannot_be_known_calendar_series_are_unknown(
    name: str, tmp_path: Path
) -> None:
    bars, notes = loaded(tmp_path / "A.csv", UNKNOWN[name])
    assert bars.time.tolist() == UNKNOWN[name].to_numpy().astype("datetime64[ns]").tolist()
    (note,) = notes
    assert "may be a day before" in note and "weekday" in note
    for series in ("weekday", "month", "day_of_month"):
        assert np.isnan(values(check_expression(series), bars)).all()
        assert np.isnan(truth_values(check_expression(f"{series} == 5"), bars)).all()
    other = replace(random_walk(300, 1), symbols=("B",))
    both = values(check_expression("weekday"), align([bars, other]))
    assert np.isnan(both[0]).all() and set(both[1][~np.isnan(both[1])]) == {1, 2, 3, 4, 5}


def test_dates_from_sunday_to_thursday_are_taken_as_written_with_a_note(tmp_path: Path) -> None:
    """Some markets do trade on these days, and a date without a time is a claim."""
    times = SESSIONS - pd.Timedelta(days=1)
    bars, notes = loaded(tmp_path / "A.csv", times)
    assert days_of(bars) == dates(times)
    (note,) = notes
    assert "from Sunday to Thursday" in note
    assert set(bars.calendar["weekday"]) == {7, 1, 2, 3, 4}


@pytest.mark.parametrize("count", range(1, 7))
@pytest.mark.parametrize("first", range(7))
def test_no_few_bars_of_a_coin_are_taken_for_sessions(
    first: int, count: int, tmp_path: Path
) -> None:
    """Include the six days from Saturday on, which have no Friday."""
    days = pd.date_range("2024-01-01", periods=20)[first : first + count]
    times = days + pd.Timedelta(hours=23)
    bars, _ = loaded(tmp_path / "A.csv", times)
    assert bars.time.tolist() == times.to_numpy().astype("datetime64[ns]").tolist()


# -- longer bars


@pytest.mark.parametrize(
    "zone", ["Europe/Paris", "Europe/London", "Asia/Tokyo", "Australia/Sydney"]
)
def test_weeks_and_months_that_begin_at_a_midnight_have_its_date(zone: str, tmp_path: Path) -> None:
    for days, rate in ((MONDAYS, 52), (MONTHS, 12)):
        bars, notes = loaded(tmp_path / "A.csv", stamps(days, zone, 0))
        assert days_of(bars) == dates(days)
        assert bars.bars_per_year == rate
        assert len(notes) == 1


def test_months_of_futures_begin_on_the_evening_before_their_first_session(tmp_path: Path) -> None:
    firsts = pd.date_range("2020-01-01", "2024-12-01", freq="BMS")
    bars, _ = loaded(tmp_path / "A.csv", stamps(firsts, "America/Chicago", -7))
    assert days_of(bars) == dates(firsts)


@pytest.mark.parametrize("freq", ["W-FRI", "BME", "BQE"])
def test_closes_at_the_end_of_weeks_months_and_quarters_stay(freq: str, tmp_path: Path) -> None:
    times = stamps(pd.date_range("2015-01-01", "2024-12-01", freq=freq), "America/New_York", 16)
    bars, notes = loaded(tmp_path / "A.csv", times)
    assert bars.time.tolist() == times.to_numpy().astype("datetime64[ns]").tolist()
    assert notes == []


@pytest.mark.parametrize("freq", ["W", "W-SAT", "ME", "MS", "QE", "YE"])
def test_long_bars_without_a_time_of_day_are_in_no_doubt(freq: str, tmp_path: Path) -> None:
    times = pd.date_range("2015-01-01", periods=9, freq=freq)
    bars, notes = loaded(tmp_path / "A.csv", times)
    assert days_of(bars) == dates(times)
    assert notes == []


# -- several symbols, and the way back


def test_sessions_of_several_symbols_meet_on_their_dates(tmp_path: Path) -> None:
    zones = {"AIR": ("Europe/Paris", 0), "SONY": ("Asia/Tokyo", 0), "SPY": ("UTC", 0)}
    for name, (zone, hours) in zones.items():
        frame_of(stamps(SESSIONS, zone, hours)).to_csv(tmp_path / f"{name}.csv", index=False)
    notices = NoticeList()
    bars = load(str(tmp_path), notices).bars
    assert bars.symbols == tuple(zones)
    assert days_of(bars) == dates(SESSIONS) and bars.priced.all()
    assert next(note for note in notices.texts if "evening" in note).startswith("AIR, SONY: ")


def test_a_range_is_one_of_sessions(tmp_path: Path) -> None:
    path = tmp_path / "A.csv"
    loaded(path, stamps(SESSIONS, "Europe/Paris", 0))
    day = SESSIONS[10].date()
    assert days_of(load(DataRequest(str(path), day, day)).bars) == [str(day)]


@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_dated_bars_are_written_and_read_back(ending: str, tmp_path: Path) -> None:
    bars, _ = loaded(tmp_path / "A.csv", stamps(SESSIONS, "Australia/Sydney", 10))
    path = tmp_path / "again" / f"A.{ending}"
    path.parent.mkdir()
    write_table(bars_to_frame(bars), path)
    notices = NoticeList()
    assert load(str(path), notices).bars.hash == bars.hash
    assert notices.texts == []


def test_fridays_trade_in_paris(tmp_path: Path) -> None:
    path = tmp_path / "A.csv"
    loaded(path, stamps(SESSIONS, "Europe/Paris", 0))
    args = ("eval", "weekday == 5", "--data", str(path))
    assert sum(value == "1" for _, value in csv_rows(*args)[1:]) == sum(SESSIONS.day_of_week == 4)
    assert "note: A: " in invoke(*args).err
