"""Price files in the shapes that people have, each read for what it says."""

from __future__ import annotations

import gzip
from pathlib import Path
from random import Random

import numpy as np
import pandas as pd
import pytest

from dsl.bars import Bars
from evolve.data import load
from evolve.data.frames import bars_from_frame, bars_to_frame
from evolve.errors import EvolveError
from evolve.report.export import write_table
from tests.backtest.test_sleeves import panel_of
from tests.data.tables import days_of

DAYS = ["2024-01-30", "2024-01-31", "2024-02-01"]
PRICES = ["10,12,9,11", "11,13,10,12", "12,14,11,13"]

FILES = {
    "plain": "Date,Open,High,Low,Close,Volume\n"
    + "\n".join(f"{d},{p},100" for d, p in zip(DAYS, PRICES, strict=True)),
    "unnamed index": ",open,high,low,close,volume\n"
    + "\n".join(f"{d},{p},100" for d, p in zip(DAYS, PRICES, strict=True)),
    "stooq": "Date,Open,High,Low,Close,Volume\n"
    + "\n".join(f"{d},{p},100" for d, p in zip(DAYS, PRICES, strict=True)),
    "stooq bulk": "<TICKER>,<PER>,<DATE>,<TIME>,<OPEN>,<HIGH>,<LOW>,<CLOSE>,<VOL>,<OPENINT>\n"
    + "\n".join(
        f"ACME.US,D,{d.replace('-', '')},000000,{p},100,0"
        for d, p in zip(DAYS, PRICES, strict=True)
    ),
    "nasdaq, newest first": "Date,Close/Last,Volume,Open,High,Low\n"
    + "02/01/2024,$13,100,$12,$14,$11\n01/31/2024,$12,100,$11,$13,$10\n"
    + "01/30/2024,$11,100,$10,$12,$9",
    "american": "Date,Open,High,Low,Close,Volume\n"
    + f"1/30/2024,{PRICES[0]},100\n1/31/2024,{PRICES[1]},100\n2/1/2024,{PRICES[2]},100",
    "day first": "Date,Open,High,Low,Close,Volume\n"
    + f"30/01/2024,{PRICES[0]},100\n31/01/2024,{PRICES[1]},100\n01/02/2024,{PRICES[2]},100",
    "dotted": "Date;Open;High;Low;Close;Volume\n"
    + "30.01.2024;10;12;9;11;100\n31.01.2024;11;13;10;12;100\n01.02.2024;12;14;11;13;100",
    "named months": "Date,Open,High,Low,Close,Volume\n"
    + f'"Jan 30, 2024",{PRICES[0]},100\n"Jan 31, 2024",{PRICES[1]},100\n'
    + f'"Feb 1, 2024",{PRICES[2]},100',
    "months between dashes": "Date,Open,High,Low,Close,Volume\n"
    + f"30-Jan-2024,{PRICES[0]},100\n31-Jan-2024,{PRICES[1]},100\n01-Feb-2024,{PRICES[2]},100",
    "compact": "date,open,high,low,close,vol\n"
    + "\n".join(f"{d.replace('-', '')},{p},100" for d, p in zip(DAYS, PRICES, strict=True)),
    "slashes, year first": "date\topen\thigh\tlow\tclose\tvolume\n"
    + "\n".join(
        "\t".join([d.replace("-", "/"), *p.split(","), "100"])
        for d, p in zip(DAYS, PRICES, strict=True)
    ),
    "seconds since 1970": "timestamp,open,high,low,close,volume\n"
    + "\n".join(
        f"{int(pd.Timestamp(d).timestamp())},{p},100" for d, p in zip(DAYS, PRICES, strict=True)
    ),
    "thousandths since 1970": "timestamp,open,high,low,close,volume\n"
    + "\n".join(
        f"{int(pd.Timestamp(d).timestamp()) * 1000},{p},100"
        for d, p in zip(DAYS, PRICES, strict=True)
    ),
    "extra columns and cases": "Note,DATE,Open,HIGH,low,Close,Volume,Dividends,Stock Splits\n"
    + "\n".join(f"x,{d},{p},100,0,0" for d, p in zip(DAYS, PRICES, strict=True)),
    "yfinance's download": "Price,Close,High,Low,Open,Volume\nTicker,ACME,ACME,ACME,ACME,ACME\n"
    "Date,,,,,\n2024-01-30,11,12,9,10,100\n2024-01-31,12,13,10,11,100\n2024-02-01,13,14,11,12,100",
}


def read(path: Path, text: str) -> Bars:
    path.write_text(text)
    return load(str(path)).bars


@pytest.mark.parametrize("shape", FILES)
def test_every_shape_gives_the_same_bars(shape: str, tmp_path: Path) -> None:
    bars = read(tmp_path / "ACME.csv", FILES[shape])
    assert days_of(bars) == DAYS
    assert bars.open[0].tolist() == [10, 11, 12]
    assert bars.high[0].tolist() == [12, 13, 14]
    assert bars.low[0].tolist() == [9, 10, 11]
    assert bars.close[0].tolist() == [11, 12, 13]
    assert bars.volume[0].tolist() == [100, 100, 100]
    assert bars.symbols in (("ACME",), ("ACME.US",))


def test_thousands_are_grouped(tmp_path: Path) -> None:
    text = "Date,Open,High,Low,Close,Volume\n"
    text += '2024-01-30,"1,010.5","1,200","1,000","1,100","12,345,678"\n'
    bars = read(tmp_path / "a.csv", text)
    assert (bars.open[0, 0], bars.volume[0, 0]) == (1010.5, 12_345_678)


CLOCKS = {
    "iso": ["2024-01-30 09:30:00", "2024-01-30 15:05:00"],
    "iso with T and zone": ["2024-01-30T09:30:00-05:00", "2024-01-30T15:05:00-05:00"],
    "american": ["1/30/2024 9:30", "1/30/2024 15:05"],
    "halves of the day": ["1/30/2024 9:30:00 AM", "1/30/2024 3:05:00 PM"],
    "dotted": ["30.01.2024 09:30", "30.01.2024 15:05"],
}


@pytest.mark.parametrize("form", CLOCKS)
def test_times_of_day(form: str, tmp_path: Path) -> None:
    rows = [f"{time},10,12,9,11,100" for time in CLOCKS[form]]
    bars = read(tmp_path / "a.csv", "\n".join(["Datetime,Open,High,Low,Close,Volume", *rows]))
    assert [str(each)[:16] for each in bars.time] == ["2024-01-30T09:30", "2024-01-30T15:05"]


def test_a_clock_that_is_set_back_keeps_both_hours(tmp_path: Path) -> None:
    """Where the local hour comes twice, the times are those of UTC."""
    times = ["2024-11-03 01:30:00-04:00", "2024-11-03 01:30:00-05:00"]
    frame = pd.DataFrame({"Open": 10.0, "High": 12.0, "Low": 9.0, "Close": 11.0}, index=[0, 1])
    frame["Date"] = pd.to_datetime(times, utc=True).tz_convert("America/New_York")
    bars = bars_from_frame(frame, "A", "a", str)
    assert [str(each)[11:16] for each in bars.time] == ["05:30", "06:30"]


@pytest.mark.parametrize("seed", range(30))
def test_a_date_is_never_read_the_other_way_round(seed: int, tmp_path: Path) -> None:
    rng = Random(seed)
    first = pd.Timestamp("2015-01-01") + pd.Timedelta(days=rng.randrange(3000))
    days = pd.bdate_range(first, periods=rng.randint(1, 12))
    form = rng.choice(["%m/%d/%Y", "%d/%m/%Y", "%d-%m-%Y", "%m-%d-%Y"])
    rows = [f"{day.strftime(form)},10,12,9,11" for day in days]
    text = "\n".join(["Date,Open,High,Low,Close", *rows])
    try:
        bars = read(tmp_path / "a.csv", text)
    except EvolveError as error:
        assert "may be" in error.message
        assert all(day.day <= 12 for day in days)
    else:
        assert days_of(bars) == [str(day.date()) for day in days]


def test_folders_and_patterns(tmp_path: Path) -> None:
    folder = tmp_path / "prices"
    folder.mkdir()
    for name in ("BRK.B.csv", "AAA.csv"):
        (folder / name).write_text(FILES["plain"])
    (folder / "ZZZ.csv.gz").write_bytes(gzip.compress(FILES["plain"].encode()))
    (folder / "readme.md").write_text("not prices")
    assert load(f"csv:{folder}").bars.symbols == ("AAA", "BRK.B", "ZZZ")
    assert load(str(folder)).bars.symbols == ("AAA", "BRK.B", "ZZZ")
    assert load(f"{folder}/*.csv").bars.symbols == ("AAA", "BRK.B")
    assert load(f"csv:{folder}/A*").bars.symbols == ("AAA",)


def test_a_long_file_in_any_order(tmp_path: Path) -> None:
    rows = [f"{d},{s},{p},100" for d, p in zip(DAYS, PRICES, strict=True) for s in "BA"]
    by_symbol = sorted(rows, key=lambda row: row.split(",")[1])
    hashes = set()
    for lines in (rows, by_symbol[::-1]):
        text = "\n".join(["Date,Ticker,Open,High,Low,Close,Volume", *lines])
        bars = read(tmp_path / "all.csv", text)
        assert set(bars.symbols) == {"A", "B"}
        assert bars.close.tolist() == [[11, 12, 13]] * 2
        hashes.add(tuple(sorted(bars.symbols)))
    assert len(hashes) == 1


@pytest.mark.parametrize("ending", ["csv", "parquet"])
@pytest.mark.parametrize("what", ["sample:sp500", "synthetic:garch?bars=300", "panel"])
def test_what_is_written_is_read_bit_for_bit(what: str, ending: str, tmp_path: Path) -> None:
    bars = panel_of(3) if what == "panel" else load(what).bars
    adjusted = Bars(
        bars.symbols, bars.time, bars.open, bars.high, bars.low, bars.close, bars.volume,
        np.where(bars.priced, 0.9, 1.0),
    )  # fmt: skip
    name = bars.symbols[0] if len(bars.symbols) == 1 else "all"
    for panel in (bars, adjusted):
        path = tmp_path / f"{name}.{ending}"
        write_table(bars_to_frame(panel), path)
        assert load(str(path)).bars.hash == panel.hash


CALENDARS = {
    "5 minutes": (pd.date_range("2024-01-02 09:30", "2024-01-02 15:55", freq="5min"), True, 19_656),
    "hours": (pd.date_range("2024-01-02 10:00", "2024-01-02 16:00", freq="1h"), True, 1_764),
    "days": (pd.bdate_range("2024-01-01", periods=90), False, 252),
    "weeks": (pd.date_range("2024-01-05", periods=60, freq="7D"), False, 52),
    "months": (pd.date_range("2020-01-31", periods=40, freq="ME"), False, 12),
    "days of a coin": (pd.date_range("2024-01-01", periods=90, freq="D"), False, 365),
    "hours of a coin": (pd.date_range("2024-01-01", periods=24 * 30, freq="1h"), False, 8_760),
}


@pytest.mark.parametrize("name", CALENDARS)
def test_a_year_has_as_many_bars_as_the_calendar_says(name: str) -> None:
    times, repeats, expected = CALENDARS[name]
    if repeats:
        days = [day for day in range(40) if (pd.Timestamp("2024-01-02").weekday() + day) % 7 < 5]
        times = pd.DatetimeIndex([t + pd.Timedelta(days=day) for day in days for t in times])
    frame = pd.DataFrame({"Date": times, "Open": 1.0, "High": 1.0, "Low": 1.0, "Close": 1.0})
    assert bars_from_frame(frame, "A", "a", str).bars_per_year == expected


def test_a_market_of_five_days_with_a_sunday_evening_is_no_coin() -> None:
    hours = pd.date_range("2024-01-07 22:00", "2024-03-01 21:00", freq="1h")
    is_open = (hours.day_of_week < 5) | ((hours.day_of_week == 6) & (hours.hour >= 22))
    frame = pd.DataFrame({"Date": hours[is_open], "Open": 1.0, "High": 1.0, "Low": 1.0})
    assert bars_from_frame(frame.assign(Close=1.0), "A", "a", str).bars_per_year == 252 * 24
