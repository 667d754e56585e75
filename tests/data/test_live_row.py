"""A last row that is no complete bar is left out, from any source, and reported once."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from dsl.bars import FIELDS, Bars
from evolve.data import load
from evolve.data.live_row import drop_live_rows, is_live
from evolve.data.source import FetchedBars, Source
from evolve.data.sources import SOURCES
from evolve.data.tables.frames import bars_to_frame
from evolve.notices import NoticeList
from evolve.report.export import write_table

DAYS = pd.bdate_range("2023-06-01", periods=200)


def bars_at(*indices: pd.Index[Any]) -> Bars:
    """Return one symbol per index, on the union of their times."""
    time = indices[0].append(list(indices[1:])).unique().sort_values()
    prices = np.full((len(indices), len(time)), np.nan)
    for row, each in enumerate(indices):
        prices[row, time.isin(each)] = 100.0 + np.arange(len(each)) % 7
    ones = np.ones_like(prices)
    names = tuple("ABC"[: len(indices)])
    panels: dict[str, Any] = {name: prices.copy() for name in FIELDS}
    stamps = time.to_numpy().astype("datetime64[ns]")
    return Bars(names, stamps, **panels, adjustment=ones)


def add(times: pd.Index[Any], *more: str) -> pd.Index[Any]:
    return times.append(pd.DatetimeIndex(more))


WEEKS = pd.date_range("2022-01-03", periods=80, freq="7D")
HOURS = pd.DatetimeIndex(
    [day + pd.Timedelta(hours=9.5 + hour) for day in DAYS[:20] for hour in range(7)]
)
MINUTES = pd.date_range("2024-01-02 09:30", periods=60, freq="5min")
NEW_YORK = DAYS.tz_localize("America/New_York").tz_convert("UTC").tz_localize(None)
COIN = pd.date_range("2022-06-01", periods=400, tz="Europe/Berlin").tz_convert("UTC")
COIN = COIN.tz_localize(None)
LIVE: dict[str, pd.Index[Any]] = {
    "15:59:59 behind midnights": add(DAYS, "2024-03-07 15:59:59"),
    "a clock on the day of the last bar": add(DAYS, "2024-03-06 20:00:01"),
    "a trade time behind New York in UTC": add(NEW_YORK, "2024-03-07 20:00:00"),
    "a trade time of a coin": add(COIN, "2023-07-05 13:20:11"),
    "a day within a week": add(WEEKS, "2023-07-13"),
    "a day within a month": add(pd.date_range("2020-01-01", periods=40, freq="MS"), "2023-04-14"),
    "a day within a month at its end": add(
        pd.date_range("2020-01-31", periods=40, freq="BME"), "2023-05-17"
    ),
    "a second within an hour": add(HOURS, "2023-06-29 09:47:03"),
    "a second within five minutes": add(MINUTES, "2024-01-02 14:27:13"),
}
COMPLETE: dict[str, pd.Index[Any]] = {
    "days": DAYS,
    "the first day of summer time": add(NEW_YORK, "2024-03-11 04:00")[-120:],
    "days of a coin in Berlin": COIN,
    "days of a coin": pd.date_range("2023-01-01", periods=300),
    "weeks": WEEKS,
    "a week that ends on Thursday": add(pd.date_range("2022-01-07", periods=65, freq="7D"),
                                        "2023-04-06"),
    "months": pd.date_range("2020-01-01", periods=40, freq="MS"),
    "business ends of months": pd.date_range("2000-01-31", periods=300, freq="BME"),
    "hours of sessions": HOURS,
    "half a session": HOURS[:-3],
    "the next session": add(HOURS, "2023-06-29 09:30"),
    "five minutes": MINUTES,
    "ticks": pd.DatetimeIndex(np.datetime64("2024-01-02T09:30", "ns") + np.cumsum(
        np.random.default_rng(1).integers(1, 10**10, 300)).astype("timedelta64[ns]")),
    "closes at any time of day": DAYS + pd.to_timedelta(
        np.random.default_rng(1).integers(0, 86_400, len(DAYS)), unit="s"),
    "a thin stock": DAYS[np.cumsum(np.random.default_rng(3).integers(2, 5, 40))].append(
        pd.DatetimeIndex(["2024-01-09"])).sort_values().unique(),
}  # fmt: skip


@pytest.mark.parametrize("kind", LIVE)
def test_a_live_row_is_left_out_and_reported_once(kind: str) -> None:
    bars, notices = bars_at(LIVE[kind]), NoticeList()
    complete = drop_live_rows(bars, notices)
    assert complete.time.tolist() == bars.time[:-1].tolist()
    assert complete.close[0].tolist() == bars.close[0, :-1].tolist()
    (notice,) = notices.texts
    last = str(bars.time[-1].astype("datetime64[s]")).replace("T", " ")
    assert notice == f"A: the last row, {last}, is left out: it is no complete bar"
    assert drop_live_rows(complete, notices) is complete


@pytest.mark.parametrize("kind", COMPLETE)
def test_a_complete_bar_is_no_live_row(kind: str) -> None:
    bars, notices = bars_at(COMPLETE[kind]), NoticeList()
    assert drop_live_rows(bars, notices) is bars
    assert not notices.texts


@pytest.mark.parametrize("kind", COMPLETE)
def test_no_prefix_of_complete_bars_ends_in_a_live_row(kind: str) -> None:
    times = COMPLETE[kind].to_numpy()
    assert not [end for end in range(1, len(times)) if is_live(times[:end])]


def test_a_live_row_of_one_symbol_leaves_the_bars_of_others() -> None:
    other = DAYS.append(pd.bdate_range("2024-03-07", periods=3))
    bars, notices = bars_at(add(DAYS, "2024-03-07 15:59:59"), other), NoticeList()
    complete = drop_live_rows(bars, notices)
    assert complete.time.tolist() == other.to_numpy().astype("datetime64[ns]").tolist()
    assert [int(row.sum()) for row in complete.priced] == [200, 203]
    assert [text[:2] for text in notices.texts] == ["A:"]


def test_two_live_rows_are_left_out() -> None:
    bars = bars_at(add(DAYS, "2024-03-06 20:00:01", "2024-03-07 15:59:59"))
    assert len(drop_live_rows(bars, NoticeList())) == len(DAYS)


def test_any_source_has_its_live_row_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    live = bars_at(LIVE["15:59:59 behind midnights"])
    source = Source("live", "a test", "live:A", lambda spec, notices: FetchedBars(live))
    monkeypatch.setitem(SOURCES, "live", source)
    specs = ["live:A"]
    for ending in ("csv", "parquet"):
        specs.append(str(tmp_path / f"A.{ending}"))
        write_table(bars_to_frame(replace(live)), tmp_path / f"A.{ending}")
    for spec in specs:
        notices = NoticeList()
        assert len(load(spec, notices).bars) == len(DAYS)
        assert [text for text in notices.texts if "is left out" in text]
