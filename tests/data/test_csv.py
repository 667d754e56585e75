"""CSV files are read, or rejected with the location of the error."""

from __future__ import annotations

import os
from datetime import date
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from evolve.data import DataRequest, load
from evolve.errors import EvolveError
from tests.data.tables import HEAD, ROWS, assert_same, assert_sound, csv, days_of, refusal


def test_a_csv_file_is_read(tmp_path: Path) -> None:
    data = load(csv(tmp_path / "acme.csv", *ROWS))
    bars = data.bars
    assert bars.symbols == ("acme",)
    assert days_of(bars) == ["2024-01-02", "2024-01-03", "2024-01-04", "2024-01-05"]
    assert bars.open[0].tolist() == [10, 11, 12, 13]
    assert bars.high[0].tolist() == [12, 13, 14, 15]
    assert bars.low[0].tolist() == [9, 10, 11, 12]
    assert bars.close[0].tolist() == [11, 12, 13, 14]
    assert bars.volume[0].tolist() == [1000, 1100, 1200, 1300]
    assert bars.adjustment[0].tolist() == [1, 1, 1, 1]
    assert not data.fallback_used
    assert (data.first_day, data.last_day, data.as_of) == ("2024-01-02", "2024-01-05", "")
    assert_sound(bars)


@pytest.mark.parametrize(
    "head",
    [
        "date,open,high,low,close,volume",
        "DATE,OPEN,HIGH,LOW,CLOSE,VOLUME",
        " Date , Open , High , Low , Close , Volume ",
        "timestamp,open,high,low,close,volume",
        "Datetime,Open,High,Low,Close,Volume",
        ",Open,High,Low,Close,Volume",
        "Date,Open,High,Low,Close,Vol",
        "\ufeffDate,Open,High,Low,Close,Volume",
    ],
)
def test_the_case_and_spaces_of_a_header_do_not_matter(head: str, tmp_path: Path) -> None:
    plain = load(csv(tmp_path / "plain.csv", *ROWS)).bars
    assert_same(load(csv(tmp_path / "other.csv", *ROWS, head=head)).bars, plain)


def test_the_order_of_columns_does_not_matter_and_others_are_ignored(tmp_path: Path) -> None:
    head = "Note,Volume,Close,Low,High,Open,Date"
    rows = [",".join(["x", *reversed(row.split(","))]) for row in ROWS]
    plain = load(csv(tmp_path / "plain.csv", *ROWS)).bars
    assert_same(load(csv(tmp_path / "other.csv", *rows, head=head)).bars, plain)


def test_a_missing_volume_is_unknown(tmp_path: Path) -> None:
    rows = [row.rsplit(",", 1)[0] for row in ROWS]
    bars = load(csv(tmp_path / "acme.csv", *rows, head="Date,Open,High,Low,Close")).bars
    assert np.all(np.isnan(bars.volume))
    assert_sound(bars)


@pytest.mark.parametrize(
    "offset", ["+09:00", "+01:00", "-05:00", "Z", "+00:00"], ids=["Tokyo", "Paris", "NY", "Z", "0"]
)
def test_a_date_with_an_offset_keeps_its_day(offset: str, tmp_path: Path) -> None:
    """Check dates as pandas writes them for a table of yfinance."""
    rows = [row.replace(",", f" 00:00:00{offset},", 1) for row in ROWS]
    bars = load(csv(tmp_path / "zone.csv", *rows)).bars
    assert days_of(bars) == ["2024-01-02", "2024-01-03", "2024-01-04", "2024-01-05"]


def test_the_range_of_days_includes_both_ends(tmp_path: Path) -> None:
    spec = csv(tmp_path / "acme.csv", *ROWS)
    assert days_of(load(DataRequest(spec, date(2024, 1, 3), date(2024, 1, 4))).bars) == [
        "2024-01-03",
        "2024-01-04",
    ]
    assert len(load(DataRequest(spec, start=date(2024, 1, 4))).bars) == 2
    assert len(load(DataRequest(spec, end=date(2024, 1, 3))).bars) == 2
    with pytest.raises(EvolveError, match="2024-01-02 to 2024-01-05"):
        load(DataRequest(spec, start=date(2025, 1, 1)))


def test_the_last_day_of_a_range_is_included_whole(tmp_path: Path) -> None:
    rows = [f"2024-01-02T{hour}:30:00,10,12,9,11,5" for hour in (10, 16)]
    spec = csv(tmp_path / "hours.csv", *rows)
    assert len(load(DataRequest(spec, end=date(2024, 1, 2))).bars) == 2


def test_a_folder_without_csv_files_is_an_error(tmp_path: Path) -> None:
    assert "no CSV files in" in refusal(f"csv:{tmp_path}").message


def test_a_missing_file_is_an_error(tmp_path: Path) -> None:
    error = refusal(f"csv:{tmp_path / 'none.csv'}")
    assert "no such file: " in error.message
    assert error.hint


def test_an_impossible_file_name_is_an_error() -> None:
    for name in ("a" * 300 + ".csv", "\0.csv", "~no-such-user-at-all/prices.csv"):
        refusal(f"csv:{name}")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_an_unreadable_file_is_an_error(tmp_path: Path) -> None:
    spec = csv(tmp_path / "acme.csv", *ROWS)
    (tmp_path / "acme.csv").chmod(0)
    refusal(spec)


def test_an_option_is_an_error_with_and_without_a_source(tmp_path: Path) -> None:
    spec = csv(tmp_path / "acme.csv", *ROWS)
    assert "unknown option `seed`" in refusal(f"{spec}?seed=1").message
    assert "unknown option `seed`" in refusal(f"{tmp_path / 'acme.csv'}?seed=1").message


# -- any content gives bars or an EvolveError

fuzz = settings(
    max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def load_or_reject(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    try:
        bars = load(f"csv:{path}").bars
    except EvolveError as error:
        assert error.message
        return
    assert_sound(bars)


@given(content=st.binary(max_size=400))
@example(content=b"\xef\xbb\xbf")
@fuzz
def test_arbitrary_bytes_give_bars_or_an_error(content: bytes, tmp_path: Path) -> None:
    load_or_reject(tmp_path / "fuzz.csv", content)


@given(content=st.binary(max_size=200))
@fuzz
def test_arbitrary_bytes_after_a_header_give_bars_or_an_error(
    content: bytes, tmp_path: Path
) -> None:
    load_or_reject(tmp_path / "fuzz.csv", f"{HEAD}\n{ROWS[0]}\n".encode() + content)


ODD_CELLS = [
    "", "1", "2.5", "0", "-1", "1e5", "1e-300", "1e300", "1e999", "9e307", "nan", "inf", "-inf",
    "NA", "None", "True", "False", "1_0", "0x1", "1+2j", "2024", "20240102", "2024-01-02",
    "1677-01-01", "2262-04-12", "9999-12-31", "0001-01-01", "2024-01-02T10:00", "2024-W01",
    "2024-01-02T10:00+09:00", "2024-001", "10:30", "now", "today", "NaT", '"1,000"', '""', "'", "#",
]  # fmt: skip
cells = st.one_of(
    st.sampled_from(ODD_CELLS),
    st.integers(-(10**30), 10**30).map(str),
    st.floats().map(str),
    st.dates().map(str),
    st.text(st.characters(exclude_characters=",\n\r", codec="utf-8"), max_size=5),
)
names = st.sampled_from(
    ["Date", "Time", "", "Open", "High", "Low", "Close", "Volume", "Adj Close", "close", "Notes"]
)


@st.composite
def files(draw: st.DrawFn) -> bytes:
    is_plain = draw(st.booleans())
    head = [*HEAD.split(","), "Adj Close"] if is_plain else draw(st.lists(names, max_size=9))
    rows = [",".join(head)]
    for row in range(draw(st.integers(0, 4))):
        width = len(head) if is_plain else draw(st.integers(0, 10))
        good = [f"2024-01-0{row + 1}", "10", "12", "9", "11", "5", "10"]
        wrong = draw(st.sets(st.integers(0, 9), max_size=2 if is_plain else 10))
        rows.append(
            ",".join(
                draw(cells) if column in wrong or column >= len(good) else good[column]
                for column in range(width)
            )
        )
    return "\n".join(rows).encode()


@pytest.mark.slow
@given(content=files())
@settings(parent=fuzz, max_examples=400)
def test_arbitrary_cells_give_bars_or_an_error(content: bytes, tmp_path: Path) -> None:
    load_or_reject(tmp_path / "fuzz.csv", content)
