"""Bars from tables in memory pass the door of files: same bars, and the same refusals in words."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from dsl.bars import Bars
from evolve.api import bars
from evolve.data import load
from evolve.errors import EvolveError
from tests.api.tables import build_table
from tests.samples import random_bars

TABLE = build_table()
OTHER = build_table(100, seed=2)
Change = Callable[[pd.DataFrame], pd.DataFrame]


def stack(tables: dict[str, pd.DataFrame], is_ticker_first: bool) -> pd.DataFrame:
    """Return tables with a header of two levels, as yfinance has it."""
    both = pd.concat(tables, axis=1)
    return both if is_ticker_first else both.swaplevel(axis=1)


FORMS: dict[str, Change] = {
    "times in the index": lambda frame: frame,
    "times in a column": lambda frame: frame.reset_index(names="Date"),
    "upper case": lambda frame: frame.rename(columns=str.upper),
    "one letter": lambda frame: frame.rename(columns=lambda name: name[0].lower()),
    "newest first": lambda frame: frame.iloc[::-1],
    "local times": lambda frame: frame.tz_localize("America/New_York"),
    "periods": lambda frame: frame.to_period("D"),
    "text": lambda frame: frame.astype(str).set_index(frame.index.astype(str)),
    "nullable numbers": lambda frame: frame.convert_dtypes(),
    "objects": lambda frame: frame.astype(object),
    "one ticker of yfinance": lambda frame: stack({"PRICES": frame}, is_ticker_first=False),
}


@pytest.mark.parametrize("name", FORMS)
def test_a_table_in_any_usual_form_gives_the_bars_of_its_file(name: str, tmp_path: Path) -> None:
    TABLE.to_parquet(tmp_path / "PRICES.parquet")
    assert bars(FORMS[name](TABLE)).hash == load(f"{tmp_path}/PRICES.parquet").bars.hash


@pytest.mark.parametrize("name", FORMS)
def test_a_table_never_changes_and_its_changes_do_not_reach_the_bars(name: str) -> None:
    frame = FORMS[name](TABLE.assign(adjustment=1.0)).copy()
    before = frame.copy()
    built = bars(frame)
    values = built.close.copy(), built.volume.copy()
    pd.testing.assert_frame_equal(frame, before)
    frame.iloc[:, :] = frame.iloc[::-1].to_numpy()
    np.testing.assert_array_equal(built.close, values[0])
    np.testing.assert_array_equal(built.volume, values[1])


@pytest.mark.parametrize("is_ticker_first", [True, False])
def test_a_header_of_two_levels_gives_the_bars_of_a_dict(is_ticker_first: bool) -> None:
    tables = {"ONE": TABLE, "TWO": OTHER}
    assert bars(stack(tables, is_ticker_first)).hash == bars(tables).hash


def test_a_dict_of_tables_is_aligned_as_a_folder_of_files_is(tmp_path: Path) -> None:
    for name, frame in {"A": TABLE, "B": OTHER}.items():
        frame.to_parquet(tmp_path / f"{name}.parquet")
    built = bars({"A": TABLE, "B": OTHER})
    assert built.symbols == ("A", "B")
    assert built.hash == bars(tmp_path).hash == bars(str(tmp_path)).hash
    assert np.isnan(built.close[1, len(OTHER) :]).all()


def test_the_key_of_a_dict_names_a_symbol_that_its_table_names_otherwise() -> None:
    assert bars({"A": TABLE.assign(Symbol="B")}).symbols == ("A",)
    with pytest.raises(EvolveError, match="the table of A: expected one symbol, found X, Y"):
        bars({"A": stack({"X": TABLE, "Y": OTHER}, is_ticker_first=True)})


def test_specs_paths_and_lists_of_them_give_bars(tmp_path: Path) -> None:
    TABLE.to_csv(tmp_path / "a.csv", index_label="Date")
    OTHER.to_csv(tmp_path / "b.csv", index_label="Date")
    both = bars([tmp_path / "a.csv", f"csv:{tmp_path}/b.csv"])
    assert both.symbols == ("a", "b")
    assert bars(tmp_path / "a.csv").hash == load(f"csv:{tmp_path}/a.csv").bars.hash


def test_symbols_without_traded_opens_are_marked_as_those_of_specs_are() -> None:
    sample = load("sample:sp500").bars
    panels = {name: getattr(sample, name)[0] for name in ("open", "high", "low", "close", "volume")}
    table = pd.DataFrame(panels, index=pd.DatetimeIndex(sample.time))
    assert sample.closes_only == ("SP500",)
    assert bars({"SP500": table}).closes_only == ("SP500",)


def test_what_a_person_should_know_goes_to_the_log(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, "evolve"):
        bars({"A": TABLE, "B": OTHER})
        assert "survivorship bias: these 2 symbols" in caplog.text
        caplog.clear()
        late = TABLE.set_index(TABLE.index[:-1].append(pd.DatetimeIndex(["2020-06-16 15:59"])))
        assert len(bars(late)) == len(TABLE) - 1
    assert "no complete bar" in caplog.text


def put(frame: pd.DataFrame, column: str, value: object, row: int = 3) -> pd.DataFrame:
    """Return a copy with one other value."""
    values = frame[column].astype(object).copy()
    values.iloc[row] = value
    return frame.assign(**{column: values})


REFUSED: dict[str, tuple[Change, str]] = {
    "NaN": (lambda f: put(f, "Close", np.nan), "row 2020-01-06, column `Close`: expected a number"),
    "None": (lambda f: put(f, "Open", None), "row 2020-01-06, column `Open`: expected a number"),
    "infinite": (lambda f: put(f, "High", np.inf), "column `High`: expected a number, found `inf`"),
    "negative": (lambda f: f.assign(Close=-f["Close"]), "column `close`: expected a number above"),
    "zero": (lambda f: put(f, "Low", 0.0), "row 2020-01-06, column `low`: expected a number above"),
    "complex": (lambda f: f.assign(Close=f["Close"] + 1j), "column `Close`: expected a number"),
    "boolean": (lambda f: f.assign(Close=True), "column `Close`: expected a number, found `True`"),
    "text": (lambda f: put(f, "Close", "high"), "column `Close`: expected a number, found `high`"),
    "nested": (lambda f: put(f, "Close", [1]), "column `Close`: expected a number, found `"),
    "high below low": (lambda f: f.assign(High=1.0), "row 2020-01-01: high 1 is below low"),
    "unordered": (lambda f: f.iloc[[0, 2, 1]], "row 2020-01-02: dates out of order: 2020-01-02"),
    "duplicate": (lambda f: f.iloc[[0, 1, 1]], "row 2020-01-02: duplicate date 2020-01-02"),
    "empty": (lambda f: f.iloc[:0], "the table has no rows"),
    "no close": (lambda f: f.drop(columns="Close"), "missing column `close`"),
    "no times": (lambda f: f.reset_index(drop=True), "missing date column"),
    "no time in a row": (
        lambda f: f.set_index(f.index.where(f.index != f.index[2])), "row NaT, column `Date`"
    ),
    "twice the column": (lambda f: pd.concat([f, f], axis=1), "duplicate column `Open`"),
    "twice the letter": (
        lambda f: f.set_axis(["o", "h", "l", "c", "c"], axis=1), "duplicate column `c`"
    ),
    "three levels": (
        lambda f: stack({"A": stack({"B": f}, is_ticker_first=True)}, is_ticker_first=True),
        "missing column `open`",
    ),
    "other levels": (
        lambda f: f.set_axis(pd.MultiIndex.from_product([list("abcde"), ["A"]]), axis=1),
        "missing column `open`",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_a_wrong_table_is_refused_with_its_row_and_column(name: str) -> None:
    change, expected = REFUSED[name]
    wrong = change(TABLE.copy())
    with pytest.raises(EvolveError) as error:
        bars(wrong)
    assert expected in error.value.message
    assert error.value.hint
    with pytest.raises(EvolveError, match="the table of A"):
        bars({"A": wrong, "B": TABLE})


def corrupt(name: str, value: float) -> Bars:
    """Return bars with one other value in a panel."""
    sound = random_bars(1)
    panel = getattr(sound, name).copy()
    panel[0, 5] = value
    return replace(sound, **{name: panel})


def with_times(order: list[int]) -> Bars:
    sound = random_bars(1)
    time = sound.time.copy()
    time[: len(order)] = time[order]
    return replace(sound, time=time)


WRONG_BARS: dict[str, tuple[Callable[[], Bars], str]] = {
    "no bars": (lambda: random_bars(1).slice(0, 0), "the bars are empty"),
    "unordered": (lambda: with_times([1, 0]), "expected ascending times, found 2010-01-04"),
    "duplicate": (lambda: with_times([0, 0]), "expected ascending times, found"),
    "days": (
        lambda: replace(random_bars(1), time=random_bars(1).time.astype("datetime64[D]")),
        "expected times of type datetime64[ns]",
    ),
    "no open": (lambda: corrupt("open", np.nan), "`open`: expected a number, as in the other"),
    "no close": (lambda: corrupt("close", np.nan), "`open`: expected a number, as in the other"),
    "negative": (lambda: corrupt("low", -1.0), "`low`: expected a number from"),
    "infinite": (lambda: corrupt("high", np.inf), "`high`: expected a number from"),
    "high below low": (lambda: corrupt("high", 1.0), "`high`: expected at least the low"),
    "volume": (lambda: corrupt("volume", -1.0), "`volume`: expected a number from 0"),
    "adjustment": (lambda: corrupt("adjustment", np.nan), "`adjustment`: expected a number above"),
    "whole numbers": (
        lambda: replace(random_bars(1), close=np.full((1, 200), 100)), "contiguous float64"
    ),
    "every second value": (
        lambda: replace(random_bars(1), high=random_bars(1).high.repeat(2, axis=1)[:, ::2]),
        "`high` as contiguous float64",
    ),
    "one name twice": (
        lambda: replace(random_bars(1, symbols=2), symbols=("A", "A")), "duplicate symbol in A, A"
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", WRONG_BARS)
def test_wrong_bars_of_a_program_are_refused_with_their_place(name: str) -> None:
    build, expected = WRONG_BARS[name]
    with pytest.raises(EvolveError) as error:
        bars(build())
    assert expected in error.value.message


@pytest.mark.parametrize("spec", ["sample:stocks", "sample:sp500", "synthetic:walk?seed=1&bars=90"])
def test_bars_of_a_source_are_returned_as_they_are(spec: str) -> None:
    loaded = load(spec).bars
    assert bars(loaded) is loaded
