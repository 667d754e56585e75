"""Files of brokers, exchanges and vendors are read as their authors mean them, or refused."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pytest

from evolve.data import load
from tests.data.dialects import MT5, MT5_HEAD, SAMPLES, Sample
from tests.data.tables import assert_sound, csv, refusal

OHLC = "Date,Open,High,Low,Close"


def write(path: Path, sample: Sample) -> str:
    text = sample.text
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return f"csv:{path}"


def check(spec: str, sample: Sample) -> None:
    bars = load(spec).bars
    times = [str(each)[:16].removesuffix("T00:00") for each in bars.time]
    assert times == list(sample.times)
    assert bars.close[0].tolist() == pytest.approx(list(sample.closes), rel=1e-12)
    volumes = sample.volumes or (float("nan"),) * len(times)
    np.testing.assert_allclose(bars.volume[0], volumes, rtol=1e-12)
    assert bars.symbols == (sample.symbol,)
    assert_sound(bars)


@pytest.mark.parametrize("name", SAMPLES)
def test_a_file_of_each_dialect_is_read(name: str, tmp_path: Path) -> None:
    check(write(tmp_path / "acme.csv", SAMPLES[name]), SAMPLES[name])


@pytest.mark.parametrize("name", ["MetaTrader 5 in UTF-16", "Binance, us", "Cboe"])
def test_a_compressed_file_of_a_dialect_is_read(name: str, tmp_path: Path) -> None:
    sample = SAMPLES[name]
    content = sample.text if isinstance(sample.text, bytes) else sample.text.encode()
    packed = sample._replace(text=gzip.compress(content))
    check(write(tmp_path / "acme.csv.gz", packed), sample)


# The unit of small numbers is clear from several rows only.
CUT = [name for name in SAMPLES if not {"1970", "1973", "UTF-16"} & set(name.split())]


@pytest.mark.parametrize("name", CUT)
def test_no_dialect_depends_on_a_second_row(name: str, tmp_path: Path) -> None:
    sample = SAMPLES[name]
    text = sample.text if isinstance(sample.text, str) else sample.text.decode("cp1252")
    lines = text.splitlines()
    first = next(i for i, line in enumerate(lines) if sum(c.isdigit() for c in line) > 12)
    content = "\n".join(lines[: first + 1]).encode("utf-8" if "€" not in text else "cp1252")
    (tmp_path / "acme.csv").write_bytes(content)
    bars = load(str(tmp_path / "acme.csv")).bars
    assert len(bars) == 1
    assert float(bars.close[0, 0]) in sample.closes


# -- decimal marks


@pytest.mark.parametrize(
    ("cells", "closes"),
    [
        (("12,50", "13,25"), (12.5, 13.25)),
        (("1.234,56", "1.300,00"), (1234.56, 1300)),
        (("1.234,56", "1.300"), (1234.56, 1300)),
        (("1 234.5", "1 300.25"), (1234.5, 1300.25)),
        (("1\u00a0234,5", "1\u202f300,25"), (1234.5, 1300.25)),
        (("1\u2009234", "1\u2009300"), (1234, 1300)),
        (("1'234.5", "1\u2019300"), (1234.5, 1300)),
        (("1,234.5", "1,300"), (1234.5, 1300)),
        (("1,234,567", "1,300"), (1_234_567, 1300)),
        (("1.234.567", "1.300"), (1_234_567, 1300)),
        (("12,5", "1,300"), (12.5, 1.3)),
        (("0,998", "1,300"), (0.998, 1.3)),
        (("1234,567", "1300,125"), (1234.567, 1300.125)),
        (("1.200", "1.300"), (1.2, 1.3)),
    ],
)
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_a_number_with_one_clear_reading_is_read(
    cells: tuple[str, str], closes: tuple[float, float], delimiter: str, tmp_path: Path
) -> None:
    rows = [
        delimiter.join([f"2024-01-0{day}", *[f'"{cell}"' if delimiter == "," else cell] * 4])
        for day, cell in enumerate(cells, 2)
    ]
    spec = csv(tmp_path / "a.csv", *rows, head=OHLC.replace(",", delimiter))
    assert load(spec).bars.close[0].tolist() == list(closes)


def test_one_cell_settles_the_decimal_mark_of_all_columns_of_a_file(tmp_path: Path) -> None:
    rows = ["2024-01-02;1,085;1,090;1,080;1,081;1.000", "2024-01-03;1,085;1,090;1,080;1,0812;2.000"]
    bars = load(csv(tmp_path / "a.csv", *rows, head=f"{OHLC};Volume".replace(",", ";"))).bars
    assert bars.close[0].tolist() == [1.081, 1.0812]
    assert bars.volume[0].tolist() == [1000, 2000]
    rows = ['2024-01-02,10.5,12,9,11,"1,000"', '2024-01-03,10,12,9,11,"2,000"']
    bars = load(csv(tmp_path / "b.csv", *rows, head=f"{OHLC},Volume")).bars
    assert bars.volume[0].tolist() == [1000, 2000]


def test_the_symbols_of_a_file_share_its_decimal_mark(tmp_path: Path) -> None:
    rows = ["2024-01-02;A;1,085;1,090;1,080;1,081", "2024-01-02;B;1,5;1,9;1,2;1,4"]
    bars = load(csv(tmp_path / "a.csv", *rows, head="Date;Symbol;Open;High;Low;Close")).bars
    assert bars.close[:, 0].tolist() == [1.081, 1.4]


def test_a_number_with_two_readings_is_refused_with_both(tmp_path: Path) -> None:
    rows = ['2024-01-02,1,3,1,"1,200"', '2024-01-03,1,3,1,"1,300"']
    error = refusal(csv(tmp_path / "a.csv", *rows, head=OHLC))
    assert "line 2, column `Close`: ambiguous number `1,200`: 1.2 or 1200" in error.message
    assert "decimals with a point" in error.hint


def test_two_decimal_marks_in_one_file_are_refused(tmp_path: Path) -> None:
    rows = ['2024-01-02,10.5,13,9,"12,5"']
    error = refusal(csv(tmp_path / "a.csv", *rows, head=OHLC))
    assert "line 2, column `Close`: expected a number, found `12,5`" in error.message


# -- layouts


@pytest.mark.parametrize("text", [
    "2024.01.02,09:30,1.1,1.0,1.2,1.15,123\n",
    "1704153600,1.15,1.2,1.0,1.3,5.5,3\n",
])  # fmt: skip
def test_a_layout_that_the_prices_contradict_is_refused(text: str, tmp_path: Path) -> None:
    """Check rows whose second price is not the highest, or whose third is not the lowest."""
    (tmp_path / "a.csv").write_text(text)
    error = refusal(str(tmp_path / "a.csv"))
    assert "no header" in error.message and "Open, High, Low, Close" in error.message
    assert "header" in error.hint


def test_rows_above_a_header_are_refused(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(f"2024-01-02,10,12,9,11\n{OHLC}\n2024-01-03,10,12,9,11\n")
    assert "line 1 is a row above the header in line 2" in refusal(str(tmp_path / "a.csv")).message


def test_an_error_names_the_line_below_a_preamble(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(f"sep=,\n# x\n{OHLC}\n2024-01-02,10,12,9,x\n")
    assert "line 4, column `Close`" in refusal(str(tmp_path / "a.csv")).message
    (tmp_path / "a.csv").write_text(f"# x\n{OHLC}\n2024-01-02,10,12,9,1\n2024-01-03,1,1,1,1,1,1\n")
    assert "line 4: expected 5 cells, found 7" in refusal(str(tmp_path / "a.csv")).message


def test_an_error_without_a_header_names_the_line(tmp_path: Path) -> None:
    rows = "2024.01.02,09:30,1.1,1.2,1.0,1.15,123\n" * 2
    (tmp_path / "a.csv").write_text(rows)
    assert "line 2: duplicate date" in refusal(str(tmp_path / "a.csv")).message


def test_tick_volumes_serve_only_if_all_volumes_are_zero(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(MT5.replace("\t1620\t0\t", "\t1620\t5\t"))
    assert load(str(tmp_path / "a.csv")).bars.volume[0].tolist() == [0, 5]
    head = MT5_HEAD.replace("\t<VOL>", "")
    rows = [line.replace("\t0\t8", "\t8") for line in MT5.splitlines()[1:]]
    (tmp_path / "a.csv").write_text("\n".join([head, *rows]))
    assert load(str(tmp_path / "a.csv")).bars.volume[0].tolist() == [1789, 1620]


@pytest.mark.parametrize("zone", ["US/Eastern", "America/New_York"])
def test_a_repeated_hour_in_a_named_zone_loses_no_bar(zone: str, tmp_path: Path) -> None:
    clocks = ["00:30:00", "01:00:00", "01:30:00", "01:00:00", "01:30:00", "02:00:00"]
    rows = [f"20241103 {clock} {zone},10,12,9,11" for clock in clocks]
    bars = load(csv(tmp_path / "a.csv", *rows, head=OHLC)).bars
    assert np.diff(bars.time).tolist() == [1_800_000_000_000] * 5


def test_a_repeated_hour_with_offsets_of_dukascopy_loses_no_bar(tmp_path: Path) -> None:
    rows = [f"27.10.2024 02:00:00.000 GMT+0{hours}00,10,12,9,11" for hours in (2, 1)]
    bars = load(csv(tmp_path / "a.csv", *rows, head=OHLC.replace("Date", "Local time"))).bars
    assert [str(each)[:16] for each in bars.time] == ["2024-10-27T00:00", "2024-10-27T01:00"]


@pytest.mark.parametrize(
    "cells", [("45321", "45322"), ("7", "8"), ("1", "61"), ("240102", "240103")]
)
def test_numbers_without_a_plausible_unit_are_refused_with_the_accepted_forms(
    cells: tuple[str, str], tmp_path: Path
) -> None:
    error = refusal(csv(tmp_path / "a.csv", *[f"{each},10,12,9,11" for each in cells], head=OHLC))
    assert f"found `{cells[0]}`" in error.message
    assert "2020-01-31" in error.hint and "31.01.2020" in error.hint and "since 1970" in error.hint


def test_seconds_that_resemble_compact_hours_of_1701_are_seconds(tmp_path: Path) -> None:
    spec = csv(tmp_path / "a.csv", "1701012000,10,12,9,11", "1701015600,10,12,9,11", head=OHLC)
    assert [str(each)[:16] for each in load(spec).bars.time] == [
        "2023-11-26T15:20", "2023-11-26T16:20",
    ]  # fmt: skip


def test_a_cell_after_the_last_column_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(f"{OHLC}\n2024-01-02,10,12,9,11,\n2024-01-03,10,12,9,11,5\n")
    assert "line 3: expected 5 cells, found more" in refusal(str(tmp_path / "a.csv")).message
