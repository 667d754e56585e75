"""Bars per year and gaps of markets with different trading hours."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from dsl.bars import Bars
from evolve.data import load
from evolve.data.quality import check_quality, find_gaps, find_spikes, find_stale
from evolve.data.tables.frames import bars_from_frame
from tests.command_line import invoke

YEAR = pd.date_range("2023-01-02", "2023-12-31", freq="D")
WORKDAYS = pd.bdate_range("2023-01-02", periods=60)


def times_within(days: pd.DatetimeIndex, first: int, stop: int, step: int) -> pd.DatetimeIndex:
    """Return times of each day from one minute of the day to another."""
    return pd.DatetimeIndex(
        [day + pd.Timedelta(minutes=minute) for day in days for minute in range(first, stop, step)]
    )


def times_of_currencies(freq: str, evening: int) -> pd.DatetimeIndex:
    """Return times from Sunday evening to Friday evening."""
    times = pd.date_range("2023-01-01", "2023-06-30", freq=freq)
    day, hour = times.day_of_week, times.hour
    is_open = (day < 4) | ((day == 4) & (hour < evening)) | ((day == 6) & (hour >= evening))
    return times[is_open]


FIVE_MINUTES = times_within(WORKDAYS, 570, 960, 5)
HALF_DAYS = pd.DatetimeIndex(
    [t for t in times_within(WORKDAYS, 570, 960, 30) if t.day_of_week != 4 or t.hour < 13]
)
CALENDARS: dict[str, tuple[pd.DatetimeIndex, float]] = {
    "5 minutes": (FIVE_MINUTES, 252 * 78),
    "1 minute": (times_within(WORKDAYS[:10], 570, 960, 1), 252 * 390),
    "hours from half past": (times_within(WORKDAYS, 570, 960, 60), 252 * 7),
    "half hours with half days": (HALF_DAYS, 252 * 13),
    "5 minutes with a break for lunch": (
        FIVE_MINUTES[FIVE_MINUTES.hour != 12], 252 * 66,
    ),
    "days": (WORKDAYS, 252),
    "days at the closing hour": (WORKDAYS + pd.Timedelta(hours=16), 252),
    "days without holidays": (WORKDAYS.delete([5, 20, 21, 40]), 252),
    "weeks": (pd.date_range("2020-01-03", periods=100, freq="7D"), 52),
    "weeks that end on a holiday": (
        pd.DatetimeIndex(
            [day - pd.Timedelta(days=int(day.day % 9 == 0))
             for day in pd.date_range("2020-01-03", periods=100, freq="7D")]
        ),
        52,
    ),
    "months": (pd.date_range("2015-01-31", periods=60, freq="ME"), 12),
    "months, last workday": (pd.date_range("2015-01-31", periods=60, freq="BME"), 12),
    "months, first day": (pd.date_range("2015-01-01", periods=60, freq="MS"), 12),
    "quarters": (pd.date_range("2000-03-31", periods=60, freq="QE"), 4),
    "days of a coin": (YEAR, 365),
    "hours of a coin": (pd.date_range("2023-01-02", periods=24 * 50, freq="h"), 365 * 24),
    "4 hours of a coin": (pd.date_range("2023-01-02", periods=6 * 50, freq="4h"), 365 * 6),
    "5 minutes of a coin": (pd.date_range("2023-01-02", periods=288 * 15, freq="5min"), 365 * 288),
    "15 seconds of a coin": (pd.date_range("2023-01-02", periods=5760 * 8, freq="15s"), 365 * 5760),
    "hours of currencies, London": (times_of_currencies("h", 22), 252 * 24),
    "hours of currencies, New York": (times_of_currencies("h", 17), 252 * 24),
    "4 hours of currencies": (times_of_currencies("4h", 20), 252 * 6),
    "5 minutes of currencies": (times_of_currencies("5min", 22), 252 * 288),
}  # fmt: skip
SUNDAYS: dict[str, pd.DatetimeIndex] = {  # markets that trade on one day of the weekend
    "days of currencies with a short Sunday": YEAR[YEAR.day_of_week != 5],
    "days of Riyadh, Sunday to Thursday": YEAR[(YEAR.day_of_week < 4) | (YEAR.day_of_week == 6)],
}
BREAKS = ("5 minutes with a break for lunch", "half hours with half days")


def frame_of(times: pd.DatetimeIndex) -> pd.DataFrame:
    rng = np.random.default_rng(1)
    close = 100 * np.exp(np.cumsum(rng.normal(0, 0.002, len(times))))
    prices = {"Open": close * 1.0001, "High": close * 1.01, "Low": close * 0.99, "Close": close}
    return pd.DataFrame({"Date": times, **prices, "Volume": 5.0})


def bars_of(times: pd.DatetimeIndex) -> Bars:
    return bars_from_frame(frame_of(times), "A", "a", str)


@pytest.mark.parametrize("name", CALENDARS)
def test_bars_per_year_follow_the_calendar_and_no_bar_is_a_gap(name: str, tmp_path: Path) -> None:
    times, expected = CALENDARS[name]
    frame_of(times).to_csv(tmp_path / "A.csv", index=False)
    bars = load(str(tmp_path / "A.csv")).bars
    assert bars.bars_per_year == expected
    assert find_gaps(bars).tolist() == [] or name in BREAKS
    page = invoke("data", str(tmp_path / "A.csv")).out
    (line,) = [line for line in page.splitlines() if line.startswith("per year")]
    assert line.replace(",", "").split()[2:] == [f"{expected:.0f}", "bars"]


@pytest.mark.parametrize("name", SUNDAYS)
def test_a_market_with_one_weekend_day_is_not_a_coin(name: str) -> None:
    """Check that its weekends are not gaps, and that it has fewer than 365 bars per year."""
    bars = bars_of(SUNDAYS[name])
    assert bars.bars_per_year < 320
    assert find_gaps(bars).tolist() == []


# -- gaps


MISSING = {  # the first and last missing times
    "days": ("2023-02-06", "2023-02-10"),
    "days of a coin": ("2023-02-06", "2023-02-06"),
    "hours of a coin": ("2023-01-20 05:00", "2023-01-20 05:30"),
    "5 minutes of a coin": ("2023-01-10 12:00", "2023-01-10 12:00"),
    "5 minutes": ("2023-02-06 11:00", "2023-02-06 11:04"),
    "weeks": ("2021-01-10", "2021-01-16"),
    "months": ("2017-03-01", "2017-04-01"),
    "quarters": ("2005-06-01", "2005-07-01"),
    "hours of currencies, London": ("2023-02-07 03:00", "2023-02-07 03:00"),
}


@pytest.mark.parametrize("name", MISSING)
def test_a_bar_after_missing_bars_is_a_gap(name: str) -> None:
    times = CALENDARS[name][0]
    first, last = (pd.Timestamp(each) for each in MISSING[name])
    rest = times[(times < first) | (times > last)]
    assert len(rest) < len(times)
    bars = bars_of(rest)
    (index,) = find_gaps(bars)
    assert pd.Timestamp(bars.time[index]) == rest[rest > last][0]
    assert bars.bars_per_year == CALENDARS[name][1]


# -- spikes and stale prices


def bars_with(**panels: np.ndarray) -> Bars:
    frame = frame_of(WORKDAYS)
    return bars_from_frame(frame.assign(**panels), "A", "a", str)


CLOSE = frame_of(WORKDAYS)["Close"].to_numpy()


@pytest.mark.parametrize(
    ("back", "is_spike"), [(1.0, True), (0.9, True), (0.7, True), (0.6, False), (0.0, False)]
)
@pytest.mark.parametrize("leap", [0.2, -0.2])
def test_a_jump_is_a_spike_if_the_next_bar_reverses_most_of_it(
    leap: float, back: float, is_spike: bool
) -> None:
    steps = np.zeros(len(CLOSE))
    steps[30], steps[31] = leap, -leap * back
    close = CLOSE * np.exp(np.cumsum(steps))
    bars = bars_with(Open=close, High=close * 1.001, Low=close * 0.999, Close=close)
    assert find_spikes(bars).tolist() == ([30] if is_spike else [])


def test_a_small_jump_or_a_jump_at_either_end_is_not_a_spike() -> None:
    for index, size in ((30, 1.005), (len(CLOSE) - 1, 1.5), (0, 1.5)):
        close = CLOSE.copy()
        close[index] *= size
        bars = bars_with(Open=close, High=close * 1.001, Low=close * 0.999, Close=close)
        assert find_spikes(bars).tolist() == []


@pytest.mark.parametrize("index", [0, 20, len(CLOSE) - 5])
@pytest.mark.parametrize("length", [4, 5])
def test_five_bars_without_a_price_change_are_stale_at_any_index(index: int, length: int) -> None:
    panels = {"Open": CLOSE * 1.0001, "High": CLOSE * 1.01, "Low": CLOSE * 0.99, "Close": CLOSE}
    still = {name: each.copy() for name, each in panels.items()}
    for each in still.values():
        each[index : index + length] = CLOSE[index]
    assert find_stale(bars_with(**still)).tolist() == ([index] if length == 5 else [])


def test_two_runs_of_stale_bars_count_separately() -> None:
    price = np.repeat([10.0, 11, 10, 12], [5, 5, 4, 46])
    price[14:] += np.arange(46)
    bars = bars_with(Open=price, High=price, Low=price, Close=price)
    assert find_stale(bars).tolist() == [0, 5]


def test_a_repeated_bar_with_a_range_is_not_stale() -> None:
    same = np.full(len(CLOSE), 10.0)
    assert find_stale(bars_with(Open=same, High=same + 1, Low=same - 1, Close=same)).tolist() == []


@pytest.mark.parametrize("count", range(6))
def test_few_bars_of_any_calendar_are_checked(count: int) -> None:
    for times, _ in CALENDARS.values():
        whole = bars_of(times)
        (report,) = check_quality(whole.slice(0, count))
        indices = [index for each in report.issues for index in each.bars]
        assert all(0 <= index < count for index in indices)
