"""Parquet files: what holds of CSV files holds of them, and they say `row` for `line`."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from evolve.data import load
from evolve.errors import EvolveError
from tests.data.tables import assert_same, assert_sound, csv, days_of, frame, refusal

DAYS = ["2024-01-01", "2024-01-02", "2024-01-03", "2024-01-04"]


def table(**columns: Any) -> pd.DataFrame:
    """Return a correct table with a `Date` column, except for the given columns."""
    data = frame().reset_index()
    for name, values in columns.items():
        data[name] = values
    return data


def write(path: Path, data: pd.DataFrame) -> str:
    data.to_parquet(path)
    return f"parquet:{path}"


def test_csv_and_parquet_files_give_equal_bars(tmp_path: Path) -> None:
    data = table()
    data.to_csv(tmp_path / "acme.csv", index=False)
    one = load(write(tmp_path / "acme.parquet", data)).bars
    assert_same(one, load(f"csv:{tmp_path / 'acme.csv'}").bars)
    assert one.close[0].tolist() == [50, 50.5, 51, 51.5]
    assert one.adjustment[0].tolist() == [0.5] * 4


def test_prices_are_adjusted_by_adj_close(tmp_path: Path) -> None:
    bars = load(write(tmp_path / "acme.parquet", frame())).bars
    assert bars.open[0].tolist() == [49.75, 50.25, 50.75, 51.25]
    assert bars.high[0].tolist() == [50.5, 51, 51.5, 52]


@pytest.mark.parametrize(
    "dates",
    [
        pd.to_datetime(DAYS),
        DAYS,
        [pd.Timestamp(day).date() for day in DAYS],
        pd.to_datetime(DAYS).astype("datetime64[s]"),
        pd.to_datetime(DAYS).tz_localize("Asia/Tokyo"),
        pd.to_datetime(DAYS).tz_localize("America/New_York"),
    ],
    ids=["timestamps", "text", "dates", "seconds", "Tokyo", "New York"],
)
def test_dates_of_each_type_are_read(dates: object, tmp_path: Path) -> None:
    data = table(Date=dates)
    forms = [data, data.set_index("Date")] if isinstance(dates, pd.DatetimeIndex) else [data]
    for each in forms:
        assert days_of(load(write(tmp_path / "acme.parquet", each)).bars) == DAYS


def test_a_table_with_a_time_zone_has_equal_days_in_csv_and_parquet(
    tmp_path: Path,
) -> None:
    """Check midnights in the zone of the exchange, as yfinance returns them."""
    data = frame()
    data.index = data.index.tz_localize("Europe/Berlin")  # type: ignore[attr-defined]
    data.to_csv(tmp_path / "dax.csv")
    from_parquet = load(write(tmp_path / "dax.parquet", data)).bars
    assert days_of(from_parquet) == DAYS
    assert_same(load(f"csv:{tmp_path / 'dax.csv'}").bars, from_parquet)


def test_numbers_of_each_type_are_read(tmp_path: Path) -> None:
    for values in (
        np.array([100, 101, 102, 103], np.int32),
        np.array([100, 101, 102, 103], np.float32),
        [Decimal(value) for value in (100, 101, 102, 103)],
        pd.array([100, 101, 102, 103], dtype="Int64"),
    ):
        data = table(Close=values)
        bars = load(write(tmp_path / "acme.parquet", data)).bars
        assert_sound(bars)
        assert (bars.close / bars.adjustment)[0].tolist() == [100, 101, 102, 103]


def test_a_duplicate_column_is_an_error(tmp_path: Path) -> None:
    data = pa.Table.from_pandas(table(), preserve_index=False)
    pq.write_table(data.append_column("Close", data["Open"]), tmp_path / "acme.parquet")
    refusal(f"parquet:{tmp_path / 'acme.parquet'}")
    pq.write_table(data.append_column("close", data["Open"]), tmp_path / "acme.parquet")
    refusal(f"parquet:{tmp_path / 'acme.parquet'}")


def test_a_file_of_the_other_format_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "acme.data"
    csv(path, "2024-01-02,10,12,9,11,1000")
    assert "not a Parquet file" in refusal(f"parquet:{path}").message
    table().to_parquet(path)
    assert "not a CSV file" in refusal(f"csv:{path}").message


def test_a_missing_file_and_a_folder_without_files_are_errors(tmp_path: Path) -> None:
    assert "no such file" in refusal(f"parquet:{tmp_path / 'none.parquet'}").message
    error = refusal(f"parquet:{tmp_path}")
    assert "no Parquet files in" in error.message
    assert "no such file" not in error.message


@given(
    cut=st.floats(0, 1), flips=st.lists(st.tuples(st.floats(0, 1), st.integers(1, 255)), max_size=3)
)
@settings(
    max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_a_damaged_file_gives_bars_or_an_error(
    cut: float, flips: list[tuple[float, int]], tmp_path: Path
) -> None:
    path = tmp_path / "acme.parquet"
    table().to_parquet(path)
    content = bytearray(path.read_bytes())
    for position, change in flips:
        content[int(position * (len(content) - 1))] ^= change
    path.write_bytes(bytes(content[: int(cut * len(content))] if not flips else content))
    try:
        bars = load(f"parquet:{path}").bars
    except EvolveError:
        return
    assert_sound(bars)
