"""Price files in the formats of exchanges, brokers and libraries."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from dsl.bars import Bars
from evolve.data import load
from evolve.report.export import write_table
from tests.data.tables import days_of

HEAD = "Date,Open,High,Low,Close"
ONE = "2024-01-30,10,12,9,11", "2024-01-31,11,13,10,12"


def read(path: Path, *lines: str) -> Bars:
    path.write_text("\n".join(lines) + "\n")
    return load(str(path)).bars


def minutes_of(bars: Bars) -> list[str]:
    return [str(each)[:16] for each in bars.time]


def closes(bars: Bars) -> dict[str, list[float]]:
    return {
        name: [float(each) for each in bars.select_symbol(row).close[0]]
        for row, name in enumerate(bars.symbols)
    }


# -- exports


def test_an_export_of_yahoo_has_all_prices_on_the_scale_of_adj_close(tmp_path: Path) -> None:
    bars = read(
        tmp_path / "AAPL.csv",
        "Date,Open,High,Low,Close,Adj Close,Volume",
        "2024-01-30,100.0,104.0,98.0,102.0,51.0,1000",
        "2024-01-31,102.0,106.0,100.0,104.0,104.0,3000",
    )
    assert bars.open[0].tolist() == [50, 102]
    assert bars.high[0].tolist() == [52, 106]
    assert bars.close[0].tolist() == [51, 104]
    assert bars.adjustment[0].tolist() == [0.5, 1]
    assert bars.volume[0].tolist() == [1000, 3000]


DOWNLOADED = (
    "Price,Close,Close,High,High,Low,Low,Open,Open,Volume,Volume",
    "Ticker,BRK-B,SPY,BRK-B,SPY,BRK-B,SPY,BRK-B,SPY,BRK-B,SPY",
)


def test_a_yfinance_download_of_two_tickers_is_read(tmp_path: Path) -> None:
    bars = read(
        tmp_path / "two.csv", *DOWNLOADED, "Date" + "," * 10,
        "2024-01-30,11,21,12,22,9,19,10,20,100,200", "2024-01-31,12,,13,,10,,11,,101,",
        "2024-02-01,13,23,14,24,11,21,12,22,102,202",
    )  # fmt: skip
    assert bars.symbols == ("BRK-B", "SPY")
    assert closes(bars) == {"BRK-B": [11, 12, 13], "SPY": [21, 23]}
    assert bars.select_symbol(1).volume[0].tolist() == [200, 202]


@pytest.mark.parametrize("order", ["column", "ticker"])
@pytest.mark.parametrize("names", [("Price", "Ticker"), (None, None)])
@pytest.mark.parametrize("tickers", [("SPY",), ("OPEN", "LOW", "SPY")])
@pytest.mark.parametrize("is_indexed", [True, False])
def test_a_yfinance_download_of_each_order_is_read_from_csv(
    order: str,
    names: tuple[str | None, str | None],
    tickers: tuple[str, ...],
    is_indexed: bool,
    tmp_path: Path,
) -> None:
    """Check files with tickers below the prices and above, with and without a named index."""
    days = pd.DatetimeIndex(["2024-01-30", "2024-01-31"], name="Date")
    frames = {
        ticker: pd.DataFrame(
            {"Close": [1.5, 2.5], "High": [3.0, 4.0], "Low": 1.0, "Open": 2.0, "Volume": 7}, days
        ) + row
        for row, ticker in enumerate(tickers)
    }  # fmt: skip
    table = pd.concat(frames, axis=1)
    table.columns.names = [*names[::-1]]
    if order == "column":
        table = table.swaplevel(axis=1).sort_index(axis=1)
    if is_indexed:
        table.to_csv(tmp_path / "a.csv")
    else:
        table.reset_index().to_csv(tmp_path / "a.csv", index=False)
    bars = load(str(tmp_path / "a.csv")).bars
    assert days_of(bars) == ["2024-01-30", "2024-01-31"]
    assert closes(bars) == {name: [1.5 + row, 2.5 + row] for row, name in enumerate(tickers)}


@pytest.mark.parametrize("name", ["Symbols", "tic", "code"])
def test_an_index_level_of_text_beside_dates_is_the_symbol(name: str, tmp_path: Path) -> None:
    days = pd.DatetimeIndex(["2024-01-30", "2024-01-31"])
    frame = pd.DataFrame({"open": 2.0, "high": 4.0, "low": 1.0, "close": [3.0, 2.5]}, days)
    table = pd.concat({"AAA": frame, "BBB": frame + 1}, names=[name, "date"])
    table.to_parquet(tmp_path / "a.parquet")
    bars = load(str(tmp_path / "a.parquet")).bars
    assert closes(bars) == {"AAA": [3.0, 2.5], "BBB": [4.0, 3.5]}


def test_a_yfinance_download_with_raw_prices_is_adjusted(tmp_path: Path) -> None:
    bars = read(
        tmp_path / "raw.csv",
        "Price,Adj Close,Close,High,Low,Open,Volume", "Ticker,A,A,A,A,A,A", "Date,,,,,,",
        "2024-01-30,5,10,12,8,10,100", "2024-01-31,11,11,13,9,11,100",
    )  # fmt: skip
    assert closes(bars) == {"A": [5, 11]}
    assert bars.adjustment[0].tolist() == [0.5, 1]


def test_an_intraday_yfinance_download_is_read(tmp_path: Path) -> None:
    """Check the third header `Datetime`."""
    bars = read(
        tmp_path / "minutes.csv",
        "Price,Close,High,Low,Open,Volume", "Ticker,SPY,SPY,SPY,SPY,SPY", "Datetime,,,,,",
        "2024-01-30 14:30:00+00:00,11,12,9,10,100", "2024-01-30 14:35:00+00:00,12,13,10,11,100",
    )  # fmt: skip
    assert bars.symbols == ("SPY",)
    assert minutes_of(bars) == ["2024-01-30T14:30", "2024-01-30T14:35"]


BULK = "<TICKER>,<PER>,<DATE>,<TIME>,<OPEN>,<HIGH>,<LOW>,<CLOSE>,<VOL>,<OPENINT>"


def test_a_bulk_file_of_stooq_with_five_minute_bars_is_read(tmp_path: Path) -> None:
    rows = [
        f"ACME.US,5,20240130,{clock},10,12,9,11,5,0"
        for clock in ("000000", "000500", "093000", "153500", "235500")
    ]
    bars = read(tmp_path / "acme.us.txt", BULK, *rows)
    assert bars.symbols == ("ACME.US",)
    assert [each[11:] for each in minutes_of(bars)] == ["00:00", "00:05", "09:30", "15:35", "23:55"]


def test_a_bulk_file_of_stooq_with_two_symbols_is_read(tmp_path: Path) -> None:
    rows = [
        f"{name},D,2024013{day},000000,10,12,9,1{day},5,0"
        for name in ("B.US", "A.US")
        for day in (0, 1)
    ]
    bars = read(tmp_path / "all.txt", BULK, *rows)
    assert closes(bars) == {"B.US": [10, 11], "A.US": [10, 11]}


def test_klines_of_binance_are_read(tmp_path: Path) -> None:
    head = "Open time,Open,High,Low,Close,Volume,Close time,Quote asset volume,Number of trades"
    for unit in (1, 1_000):  # thousandths, and millionths since 2025
        rows = [
            f"{(1706572800000 + hour * 3_600_000) * unit},10,12,9,11,5.5,1,60,7" for hour in (0, 1)
        ]
        bars = read(tmp_path / "BTCUSDT.csv", head, *rows)
        assert minutes_of(bars) == ["2024-01-30T00:00", "2024-01-30T01:00"]
        assert bars.volume[0].tolist() == [5.5, 5.5]


def test_an_export_of_tradingview_is_read(tmp_path: Path) -> None:
    rows = "1706572800,10,12,9,11,5", "1706659200,11,13,10,12,5"
    bars = read(tmp_path / "NASDAQ_AAPL, 1D.csv", "time,open,high,low,close,Volume", *rows)
    assert days_of(bars) == ["2024-01-30", "2024-01-31"]


def test_an_export_of_nasdaq_with_grouped_dollars_newest_first_is_read(tmp_path: Path) -> None:
    bars = read(
        tmp_path / "BRK.A.csv", "Date,Close/Last,Volume,Open,High,Low",
        '01/31/2024,"$581,600.00","14,100","$580,000.50","$590,000","$579,000"',
        "01/30/2024,$580000.00,9500,$579000.00,$585000.00,$570000.00",
    )  # fmt: skip
    assert bars.symbols == ("BRK.A",)
    assert days_of(bars) == ["2024-01-30", "2024-01-31"]
    assert bars.close[0].tolist() == [580_000, 581_600]
    assert bars.open[0].tolist() == [579_000, 580_000.5]
    assert bars.volume[0].tolist() == [9500, 14_100]


def test_a_table_with_a_pandas_index_is_read(tmp_path: Path) -> None:
    rows = [f"{number},{row}" for number, row in enumerate(ONE)]
    bars = read(tmp_path / "train.csv", f",{HEAD}", *rows)
    assert days_of(bars) == ["2024-01-30", "2024-01-31"]


def test_rows_may_end_with_a_comma(tmp_path: Path) -> None:
    bars = read(tmp_path / "a.csv", HEAD, *[f"{row}," for row in ONE])
    assert closes(bars) == {"a": [11, 12]}


# -- encodings, folders and patterns


@pytest.mark.parametrize("name", ["A.csv.gz", "A.CSV.GZ", "A.Csv.Gz"])
def test_a_gzip_file_with_semicolons_is_read(name: str, tmp_path: Path) -> None:
    text = "\n".join([HEAD, *ONE]).replace(",", ";")
    (tmp_path / name).write_bytes(gzip.compress(text.encode()))
    bars = load(str(tmp_path / name)).bars
    assert closes(bars) == {"A": [11, 12]}


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_all_delimiters_line_ends_and_byte_order_marks_are_read(
    delimiter: str, end: str, mark: str, tmp_path: Path
) -> None:
    text = mark + end.join([f"{HEAD},Volume", *[f"{row},5" for row in ONE], ""])
    (tmp_path / "A.csv").write_bytes(text.replace(",", delimiter).encode())
    bars = load(str(tmp_path / "A.csv")).bars
    assert closes(bars) == {"A": [11, 12]}
    assert bars.volume[0].tolist() == [5, 5]


def test_a_folder_or_pattern_gives_one_symbol_per_file(tmp_path: Path) -> None:
    for name in ("BRK.B.csv", "AAA.csv"):
        read(tmp_path / name, HEAD, *ONE)
    (tmp_path / "ZZZ.csv.gz").write_bytes(gzip.compress("\n".join([HEAD, *ONE]).encode()))
    (tmp_path / "readme.md").write_text("not prices")
    for spec in (f"csv:{tmp_path}", str(tmp_path)):
        assert load(spec).bars.symbols == ("AAA", "BRK.B", "ZZZ")
    assert load(f"{tmp_path}/*.csv").bars.symbols == ("AAA", "BRK.B")
    assert load(f"csv:{tmp_path}/A*").bars.symbols == ("AAA",)


def test_hidden_files_of_a_folder_are_ignored(tmp_path: Path) -> None:
    """Check `._A.csv`, which macOS writes beside A.csv on some disks."""
    read(tmp_path / "A.csv", HEAD, *ONE)
    (tmp_path / "._A.csv").write_bytes(b"\x00\x05\x16\x07")
    assert load(str(tmp_path)).bars.symbols == ("A",)


def test_a_pattern_may_be_in_a_folder_name(tmp_path: Path) -> None:
    for name in ("A", "B"):
        (tmp_path / f"{name}-daily").mkdir()
        read(tmp_path / f"{name}-daily" / f"{name}.csv", HEAD, *ONE)
    assert load(f"csv:{tmp_path}/*-daily/*.csv").bars.symbols == ("A", "B")


@pytest.mark.parametrize("spec", ["csv:~/prices", "~/prices", "~/prices/A.csv", "~/prices/*.csv"])
def test_a_tilde_is_the_home_folder(
    spec: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "prices").mkdir()
    read(tmp_path / "prices" / "A.csv", HEAD, *ONE)
    assert load(spec).bars.symbols == ("A",)


# -- symbols


@pytest.mark.parametrize("name", ["005930", "0700", "TRUE", "1E5", "NA", "NAN", "NULL", "INF"])
@pytest.mark.parametrize("others", [(), ("B",)], ids=["alone", "with another"])
def test_a_symbol_is_the_text_of_its_cell(
    name: str, others: tuple[str, ...], tmp_path: Path
) -> None:
    """Check 005930 (Samsung), TRUE (TrueCar) and NA (Nano Labs)."""
    rows = [f"{symbol},{row}" for row in ONE for symbol in (name, *others)]
    bars = read(tmp_path / "all.csv", f"Symbol,{HEAD}", *rows)
    assert bars.symbols == (name, *others)


@pytest.mark.parametrize("name", ["005930", "TRUE", "NA", "1E5", "BRK.B", "^GSPC", "EURUSD=X"])
def test_a_symbol_is_the_name_of_its_file(name: str, tmp_path: Path) -> None:
    assert read(tmp_path / f"{name}.csv", HEAD, *ONE).symbols == (name,)


@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_the_symbol_of_a_name_that_is_not_utf_8_is_escaped(ending: str, tmp_path: Path) -> None:
    path = tmp_path / f"w\udcfe.{ending}"
    write_table(table(), path)
    bars = load(str(path)).bars
    assert bars.symbols == ("w\\udcfe",)
    assert len(bars.hash) == 32


# -- Parquet


def table(**columns: Any) -> pd.DataFrame:
    days = pd.to_datetime(["2024-01-30", "2024-01-31"])
    prices = {"Open": [10.0, 11], "High": [12.0, 13], "Low": [9.0, 10], "Close": [11.0, 12]}
    return pd.DataFrame({"Date": days, **prices} | columns)


PARQUET = {
    "newest first": table()[::-1],
    "rows of a larger table": table().set_axis([7, 9]),
    "lower case": table().rename(columns=str.lower),
    "a zone": table(Date=pd.to_datetime(["2024-01-30", "2024-01-31"]).tz_localize("Asia/Tokyo")),
    "text": table(Date=["01/30/2024", "01/31/2024"]),
    "compact": table(Date=[20240130, 20240131]),
    "seconds": table(Date=[1706572800, 1706659200]),
    "categories": table(Symbol=pd.Categorical(["acme", "acme"])),
    "days in the index": table().set_index("Date"),
    "small numbers": table().astype({"Open": "float32", "Close": "int16"}),
    "grouped text": table(Close=["11.0", "12"], Volume=["1,000", "12,000"]),
}


@pytest.mark.parametrize("kind", PARQUET)
def test_a_parquet_table_of_each_form_is_read(kind: str, tmp_path: Path) -> None:
    PARQUET[kind].to_parquet(tmp_path / "acme.parquet")
    bars = load(str(tmp_path / "acme.parquet")).bars
    assert days_of(bars) == ["2024-01-30", "2024-01-31"]
    assert closes(bars) == {"acme": [11, 12]}


@pytest.mark.parametrize("order", ["interleaved", "by symbol", "newest first"])
@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_a_long_table_of_several_symbols_is_read(order: str, ending: str, tmp_path: Path) -> None:
    later = table(Open=20.0, High=24.0, Low=18.0, Close=[22.0, 23.0]).iloc[1:]
    both = pd.concat([table().assign(Symbol="B"), later.assign(Symbol="A")], ignore_index=True)
    if order != "by symbol":
        both = both.sort_values("Date", ascending=order == "interleaved")
    path = tmp_path / f"all.{ending}"
    both = both.rename(columns={"Symbol": "Ticker"}) if order == "newest first" else both
    both.to_csv(path, index=False) if ending == "csv" else both.to_parquet(path)
    bars = load(str(path)).bars
    assert closes(bars) == {"B": [11, 12], "A": [23]}
    assert np.isnan(bars.close[bars.symbols.index("A"), 0])
