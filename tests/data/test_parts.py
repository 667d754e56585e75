"""Files that hold parts of one symbol are joined in time; other files are symbols of their own."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from evolve.data import load
from evolve.notices import NoticeList
from tests.data.tables import assert_same, refusal

CONTRACTS = {"CL-202303": ("2022-11-03", 80), "CL-202304": ("2022-12-05", 80)}


def prices(first: str, count: int, price: float = 100.0) -> pd.DataFrame:
    days = pd.bdate_range(first, periods=count)
    close = price + np.arange(count) / 10
    columns = {"Open": close, "High": close + 1, "Low": close - 1, "Close": close + 0.5}
    return pd.DataFrame({"Date": days, **columns, "Volume": 10.0})


def write(path: Path, table: pd.DataFrame) -> None:
    path.parent.mkdir(exist_ok=True)
    if path.suffix == ".parquet":
        table.to_parquet(path)
    else:
        table.to_csv(path, index=False)


@pytest.mark.parametrize(
    ("names", "symbol"),
    [
        (("AAPL-2023-01.csv", "AAPL-2023-02.csv"), "AAPL"),
        (("BTCUSDT-1d-2023-01.csv", "BTCUSDT-1d-2023-02.csv"), "BTCUSDT-1d"),
        (("eurusd_202301.csv", "eurusd_202302.csv"), "eurusd"),
        (("A 2023-01-01 2023-01-31.csv", "A 2023-02-01 2023-02-28.csv"), "A"),
        (("A_20230101_to_20230131.csv", "A_20230201_to_20230228.csv"), "A"),
        (("BRK.B-2023-01.parquet", "BRK.B-2023-02.parquet"), "BRK.B"),
        (("A-1.csv", "A-2.csv"), "A"),
        (("A_part1.csv", "A_part2.csv"), "A"),
        (("x/A.csv", "y/A.csv"), "A"),
        (("A (1).csv", "A (2).csv"), "A"),
        (("A.csv", "A (1).csv"), "A"),
        (("A/2023-01.csv", "A/2023-02.csv"), "A"),
        (("A/1.csv", "A/2.csv"), "A"),
        (("2023-01_A.csv", "2023-02_A.csv"), "A"),
        (("A_2023-01_1d.csv", "A_2023-02_1d.csv"), "A_1d"),
        (("A_BID_01.01.2023-31.01.2023.csv", "A_BID_01.02.2023-28.02.2023.csv"), "A_BID"),
    ],
)
def test_files_that_differ_in_a_period_or_number_are_parts(
    names: tuple[str, str], symbol: str, tmp_path: Path
) -> None:
    whole = prices("2023-01-02", 42)
    for name, part in zip(names, (whole[:22], whole[22:]), strict=True):
        write(tmp_path / name, part)
    write(tmp_path / "whole.csv", whole)
    ending = names[0].rpartition(".")[2]
    folder = f"{tmp_path}/*" if "/" in names[0] else tmp_path
    notices = NoticeList()
    bars = load(
        f"{'parquet' if ending == 'parquet' else 'csv'}:{folder}/*[0-9Ad)].{ending}", notices
    ).bars
    assert bars.symbols == (symbol,)
    assert_same(bars, load(f"csv:{tmp_path / 'whole.csv'}").bars)
    (notice,) = notices.texts
    assert notice.startswith(f"{symbol}: joined 2 files, ")
    assert notice.endswith("from 2023-01-02 to 2023-02-28")
    assert Path(names[0]).name in notice


@pytest.mark.parametrize(
    "names", [("A-2022.csv", "A-2023.csv"), ("A 2022 Q4.csv", "A 2023 Q1.csv")]
)
def test_parts_by_year_or_quarter_may_be_at_any_prices(
    names: tuple[str, str], tmp_path: Path
) -> None:
    write(tmp_path / names[0], prices("2022-10-03", 60))
    write(tmp_path / names[1], prices("2023-01-02", 60, price=900.0))
    bars = load(f"csv:{tmp_path}").bars
    assert (bars.symbols, len(bars)) == (("A",), 120)


@pytest.mark.parametrize(
    "files",
    [
        CONTRACTS,
        {"A-1": ("2022-01-03", 50), "A-2": ("2022-01-03", 50, 300.0)},
        {"A-1": ("2022-01-03", 50), "A-2": ("2022-03-01", 50)},
        {"A-1": ("2022-01-03", 50, 100.0), "A-2": ("2022-05-02", 50, 300.0)},
        {"005930": ("2022-01-03", 50), "005935": ("2022-05-02", 50)},
        {"ES.A": ("2022-01-03", 50), "ES.B": ("2022-05-02", 50)},
        {"A": ("2022-01-03", 50), "A-2": ("2022-05-02", 50, 300.0)},
        {"01": ("2022-01-03", 50), "02": ("2022-02-01", 50, 300.0)},
        {"A-2023-06-31": ("2023-01-03", 50), "A-2023-07-31": ("2023-05-02", 50, 300.0)},
    ],
    ids=lambda files: " ".join(files),
)
def test_files_of_different_symbols_do_not_change(
    files: dict[str, tuple[str, int]], tmp_path: Path
) -> None:
    """Check contracts of a future, funds with a number, and tickers of digits."""
    for name, arguments in files.items():
        write(tmp_path / f"{name}.csv", prices(*arguments))
    notices = NoticeList()
    bars = load(f"csv:{tmp_path}", notices).bars
    assert sorted(bars.symbols) == sorted(files)
    assert not [text for text in notices.texts if "joined" in text]


def test_a_symbol_column_joins_the_symbols_of_all_files(tmp_path: Path) -> None:
    for name, first in (("one", "2023-01-02"), ("two", "2023-03-01")):
        tables = [prices(first, 20, price).assign(Symbol=s) for s, price in (("B", 5), ("A", 50))]
        write(tmp_path / f"{name}.csv", pd.concat(tables))
    notices = NoticeList()
    bars = load(f"csv:{tmp_path}", notices).bars
    assert (bars.symbols, len(bars)) == (("B", "A"), 40)
    assert bars.priced.all()
    assert [text.split(":")[0] for text in notices.texts[:2]] == ["B", "A"]


@pytest.mark.parametrize(
    ("names", "symbol"),
    [(("A-2023-01", "A-2023-02"), None), (("one", "two"), "A"), (("x/A", "y/A"), None)],
)
def test_parts_that_overlap_are_an_error_with_both_files_and_the_first_time(
    names: tuple[str, str], symbol: str | None, tmp_path: Path
) -> None:
    extra = {} if symbol is None else {"Symbol": symbol}
    write(tmp_path / f"{names[0]}.csv", prices("2023-01-02", 23).assign(**extra))
    write(tmp_path / f"{names[1]}.csv", prices("2023-02-01", 20).assign(**extra))
    folder = f"{tmp_path}/*/*.csv" if "/" in names[0] else tmp_path
    error = refusal(f"csv:{folder}")
    for part in ("duplicate symbol `A`", *(f"{name}.csv" for name in names), "from 2023-02-01"):
        assert part in error.message


@pytest.mark.parametrize(
    "names", [("A-1", "A-2"), ("A", "A-2023-02"), ("A", "A (1)"), ("A", "A copy"), ("1", "2")]
)
def test_files_of_similar_names_with_equal_opens_overlap(
    names: tuple[str, str], tmp_path: Path
) -> None:
    whole = prices("2023-01-02", 60)
    write(tmp_path / f"{names[0]}.csv", whole[:40])
    write(tmp_path / f"{names[1]}.csv", whole[30:])
    error = refusal(f"csv:{tmp_path}")
    for part in ("duplicate symbol", *(f"{name}.csv" for name in names), "from 2023-02-13"):
        assert part in error.message


def test_a_live_bar_at_the_end_of_a_part_is_an_overlap(tmp_path: Path) -> None:
    whole = prices("2023-01-02", 60)
    live = whole[:31].copy()
    live["Close"] -= 0.25 * (live.index == 30)
    write(tmp_path / "A-1.csv", live)
    write(tmp_path / "A-2.csv", whole[30:])
    assert "overlap from 2023-02-13" in refusal(f"csv:{tmp_path}").message


def test_symbols_that_follow_each_other_in_time_are_reported(tmp_path: Path) -> None:
    whole = prices("2023-01-02", 60)
    write(tmp_path / "A-Jan.csv", whole[:22])
    write(tmp_path / "A-Feb.csv", whole[22:])
    notices = NoticeList()
    load([f"csv:{tmp_path}/A-Jan.csv", f"csv:{tmp_path}/A-Feb.csv"], notices)
    (notice,) = (text for text in notices.texts if "ends" in text)
    assert notice.startswith("A-Jan, A-Feb: each begins after another ends")
    write(tmp_path / "B.csv", whole)
    notices = NoticeList()
    load(f"csv:{tmp_path}", notices)
    assert not [text for text in notices.texts if "ends" in text]


def test_a_live_row_at_the_end_of_a_part_is_left_out(tmp_path: Path) -> None:
    whole = prices("2023-01-02", 60)
    live = whole[:31].copy()
    live["Date"] = [f"{each:%Y-%m-%d}" for each in live["Date"][:30]] + ["2023-02-13 15:32:11"]
    write(tmp_path / "A-1.csv", live)
    write(tmp_path / "A-2.csv", whole[30:])
    write(tmp_path / "whole.txt", whole)
    notices = NoticeList()
    bars = load(f"csv:{tmp_path}/A-*.csv", notices).bars
    assert_same(bars, replace(load(f"csv:{tmp_path}/whole.txt").bars, symbols=("A",)))
    assert sum("2023-02-13 15:32:11, is left out" in text for text in notices.texts) == 1


def test_bars_of_two_lengths_are_no_parts(tmp_path: Path) -> None:
    hours = prices("2023-01-02", 60 * 24).assign(
        Date=pd.date_range("2023-01-02", periods=60 * 24, freq="h")
    )
    days = hours[::24]
    write(tmp_path / "XBTUSD_60.csv", hours)
    write(tmp_path / "XBTUSD_1440.csv", days)
    assert "expected bars of one length" in refusal(f"csv:{tmp_path}").message
