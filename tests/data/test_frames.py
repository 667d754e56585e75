"""Parquet and Feather files of tables as libraries return them."""

from __future__ import annotations

import os
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.feather as feather
import pyarrow.parquet as pq
import pytest

from evolve.data import load
from evolve.data.sources import parquet
from tests.data.tables import assert_same, days_of, refusal

DAYS = pd.bdate_range("2024-01-01", periods=40, name="Date")
SECONDS = DAYS.as_unit("s").asi8


def prices(first: float = 100.0) -> pd.DataFrame:
    close = first + np.arange(40.0)
    return pd.DataFrame(
        {
            "Open": close - 0.5, "High": close + 1, "Low": close - 1, "Close": close,
            "Volume": np.arange(40) + 1000,
        },
        index=DAYS,
    )  # fmt: skip


def indexed(values: Any, name: str | None = "Date") -> pd.DataFrame:
    return prices().set_index(pd.Index(values, name=name))


def two(axis: int, *names: str | None) -> pd.DataFrame:
    tables: Any = {"AAPL": prices(), "MSFT": prices(50.0)}
    both: pd.DataFrame = pd.concat(tables, axis="index" if axis == 0 else "columns")
    if axis == 0:
        both.index.names = list(names)
    else:
        both.columns.names = list(names)
    return both


def download() -> pd.DataFrame:
    """Return a table of `yfinance.download`: prices on the first level, a missing first bar."""
    table = two(1, "Ticker", "Price").swaplevel(axis=1).sort_index(axis=1)
    table.loc[DAYS[0], (slice(None), "MSFT")] = np.nan
    return table


PANELS = {
    "yfinance": two(1, "Ticker", "Price").swaplevel(axis=1).sort_index(axis=1),
    "yfinance by ticker": two(1, "Ticker", "Price"),
    "yfinance with dates as a column": two(1, "Price", "Ticker").swaplevel(axis=1).reset_index(),
    "yfinance by ticker with dates as a column": two(1, "Ticker", "Price").reset_index(),
    "alpaca": two(0, "symbol", "timestamp").rename(columns=str.lower).assign(vwap=1.0),
    "alpaca with a zone": two(0, "symbol", "timestamp").tz_localize("UTC", level=1),
    "dates first": two(0, "symbol", "timestamp").swaplevel().sort_index(),
    "levels without names": two(0, None, None),
    "text in both levels": two(0, None, None).set_index(
        pd.MultiIndex.from_product([["AAPL", "MSFT"], DAYS.strftime("%Y-%m-%d")])
    ),
    "categories": two(0, "symbol", "date").reset_index().astype({"symbol": "category"}),
    "categories in the index": two(0, "symbol", "date").reset_index()
    .astype({"symbol": "category"}).set_index(["symbol", "date"]),
    "pyarrow types": two(0, "symbol", "date").reset_index().convert_dtypes(dtype_backend="pyarrow"),
}  # fmt: skip

TABLES = {
    "dates": indexed(DAYS),
    "date objects": indexed([day.date() for day in DAYS]),
    "text": indexed(DAYS.strftime("%Y-%m-%d")),
    "American text": indexed(DAYS.strftime("%m/%d/%Y")),
    "a zone": indexed(DAYS.tz_localize("America/New_York")),
    "seconds": indexed(SECONDS),
    "milliseconds": indexed(SECONDS * 1000, "timestamp"),
    "compact numbers": indexed([int(day) for day in DAYS.strftime("%Y%m%d")]),
    "periods": indexed(DAYS.to_period("D")),
    "a column of periods": prices().reset_index().assign(Date=DAYS.to_period("D")),
    "dates without a name": indexed(DAYS, None),
    "date objects without a name": indexed([day.date() for day in DAYS], None),
    "text without a name": indexed(DAYS.strftime("%Y-%m-%d"), None),
    "seconds without a name": indexed(SECONDS, None),
    "periods without a name": indexed(DAYS.to_period("D"), None),
    "an unknown name": indexed(DAYS, "day"),
    "a column, and numbered rows": prices().reset_index(),
    "a column, and dates in the index": prices().reset_index().set_index(DAYS.rename("time")),
    "decimals": prices().map(lambda value: Decimal(str(value))),
    "nullable types": prices().convert_dtypes(),
    "pyarrow types": prices().reset_index().convert_dtypes(dtype_backend="pyarrow"),
}


def write(path: Path, table: pd.DataFrame) -> str:
    if path.suffix == ".feather":
        feather.write_feather(pa.Table.from_pandas(table), path)
    else:
        table.to_parquet(path)
    return str(path)


@pytest.mark.parametrize("ending", ["parquet", "feather"])
@pytest.mark.parametrize("kind", TABLES)
def test_dates_of_each_kind_are_found_in_the_index(kind: str, ending: str, tmp_path: Path) -> None:
    bars = load(write(tmp_path / f"acme.{ending}", TABLES[kind])).bars
    assert bars.symbols == ("acme",)
    prices().to_csv(tmp_path / "acme.csv")
    assert_same(bars, load(f"csv:{tmp_path / 'acme.csv'}").bars)


@pytest.mark.parametrize("ending", ["parquet", "feather"])
@pytest.mark.parametrize("kind", PANELS)
def test_symbols_of_each_kind_are_found_in_the_levels(
    kind: str, ending: str, tmp_path: Path
) -> None:
    bars = load(write(tmp_path / f"both.{ending}", PANELS[kind])).bars
    assert bars.symbols == ("AAPL", "MSFT")
    assert days_of(bars) == [str(day.date()) for day in DAYS]
    assert bars.close[:, 0].tolist() == [100.0, 50.0]
    assert bars.volume[:, -1].tolist() == [1039.0, 1039.0]


def test_months_and_weeks_begin_on_their_first_day(tmp_path: Path) -> None:
    for frequency, first in (("M", "2020-01-01"), ("W", "2020-01-06"), ("Q", "2020-01-01")):
        table = indexed(pd.period_range("2020-01-06", periods=40, freq=frequency))
        assert days_of(load(write(tmp_path / "acme.parquet", table)).bars)[0] == first


def test_an_empty_bar_of_a_download_is_dropped(tmp_path: Path) -> None:
    bars = load(write(tmp_path / "both.parquet", download())).bars
    assert [len(bars.select_symbol(row)) for row in (0, 1)] == [40, 39]


def test_a_wrong_cell_of_a_download_has_the_number_of_its_row(tmp_path: Path) -> None:
    table = download()
    table.loc[DAYS[7], ("Close", "MSFT")] = np.inf
    message = refusal(write(tmp_path / "both.parquet", table)).message
    assert "row 8" in message
    assert "`Close`" in message


def test_numbers_that_are_no_dates_number_the_rows(tmp_path: Path) -> None:
    table = prices().reset_index(drop=True)
    assert "missing date column" in refusal(write(tmp_path / "a.parquet", table)).message


def test_a_folder_of_feather_files_is_read_without_the_name_of_the_source(tmp_path: Path) -> None:
    for name in ("A", "B"):
        write(tmp_path / f"{name}.feather", prices())
    assert load(str(tmp_path)).bars.symbols == ("A", "B")
    assert load(f"parquet:{tmp_path}/*.feather").bars.symbols == ("A", "B")


# -- limits


@pytest.mark.parametrize("ending", ["parquet", "feather"])
def test_a_table_above_the_limit_is_refused(
    ending: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    days = pd.bdate_range("2000-01-03", periods=4000, name="Date")
    table = prices().sample(4000, replace=True, random_state=1).set_index(days)
    path, size = write(tmp_path / f"a.{ending}", table), 4000 * 6 * parquet.CELL_BYTES
    monkeypatch.setattr(parquet, "MAX_TABLE_BYTES", size)
    assert len(load(path).bars) == 4000
    monkeypatch.setattr(parquet, "MAX_TABLE_BYTES", size - 1)
    error = refusal(path)
    assert f"a.{ending} is too large: expected a table of at most" in error.message
    assert error.hint


def test_a_small_file_with_many_rows_is_refused_before_they_are_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Check 3.2 million equal numbers in four columns, a file of some kilobytes."""
    monkeypatch.setattr(parquet, "MAX_TABLE_BYTES", 100_000_000)
    monkeypatch.setattr(pq.ParquetFile, "read", None)
    column = pa.array(np.zeros(3_200_000, np.int8))
    table = pa.table(dict.fromkeys(("open", "high", "low", "close"), column))
    pq.write_table(table, tmp_path / "a.parquet", compression="zstd")
    assert (tmp_path / "a.parquet").stat().st_size < 100_000
    assert "found 0.102 GB" in refusal(str(tmp_path / "a.parquet")).message


def test_a_long_text_in_each_row_is_refused_before_it_is_decoded(tmp_path: Path) -> None:
    count, text = 4000, "x" * 900_000
    note = pa.DictionaryArray.from_arrays(pa.array(np.zeros(count, np.int32)), [text])
    table = pa.table({"close": np.ones(count), "note": note})
    pq.write_table(table, tmp_path / "a.parquet", store_schema=False)
    assert (tmp_path / "a.parquet").stat().st_size < 2_000_000
    assert "found 3.6 GB" in refusal(str(tmp_path / "a.parquet")).message


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes")
def test_a_pipe_in_a_folder_is_refused_without_waiting(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.parquet")
    message = refusal(f"parquet:{tmp_path}").message
    assert "expected a regular file, found a pipe" in message
