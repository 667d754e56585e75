"""Broken Parquet files: one error with location, value, expectation and fix."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from tests.command_line import refuse

DAYS = ["2024-01-02", "2024-01-03"]


def table(**columns: Any) -> pd.DataFrame:
    """Return a correct table of two rows, except for the given columns."""
    correct = {"Date": DAYS, "Open": 10.0, "High": 12.0, "Low": 9.0, "Close": 11.0, "Volume": 5}
    return pd.DataFrame(correct | columns)


TABLES: dict[str, tuple[pd.DataFrame, list[str]]] = {
    "no rows": (table().iloc[:0], ["no rows"]),
    "no columns": (pd.DataFrame(index=range(3)), []),
    "no close": (table().drop(columns="Close"), ["missing column `close`"]),
    "three columns of six": (table()[["Date", "Open", "Volume"]], ["`high`, `low`, `close`",
                                                                   "Date, Open, Volume"]),
    "small numbers for dates": (table(Date=[1, 2]), ["`Date`", "expected a date"]),
    "a date far away": (
        table(Date=pd.to_datetime(["2024-01-02", "9999-01-01"]).astype("datetime64[s]")),
        ["row 2", "9999"],
    ),
    "no dates": (table().drop(columns="Date"), ["missing date column"]),
    "a price of text": (table(Open=["10", "x"]), ["row 2", "`Open`", "`x`"]),
    "an infinite price": (table(High=[12, np.inf]), ["row 2", "`High`", "inf"]),
    "a missing price": (table(Low=[9, None]), ["row 2", "`Low`", "empty"]),
    "a missing whole number": (
        table(Volume=pd.array([5, None], dtype="Int64")), ["row 2", "`Volume`", "empty"],
    ),
    "a price of 0": (table(Close=[11, 0]), ["row 2", "`close`", "above 0, found 0"]),
    "a negative volume": (table(Volume=[5, -1]), ["row 2", "`volume`", "-1"]),
    "a high below the low": (table(High=[12, 8.5]), ["row 2", "8.5", "9"]),
    "true for a volume": (table(Volume=[True, False]), ["row 1", "`Volume`", "`True`"]),
    "timestamps for prices": (table(Open=pd.to_datetime(DAYS)), ["row 1", "`Open`"]),
    "durations for prices": (table(Open=pd.to_timedelta([1, 2], unit="D")), ["row 1", "`Open`"]),
    "lists for prices": (table(Open=[[10, 11], [12, 13]]), ["row 1", "`Open`"]),
    "a list for a price": (table(Open=[[10], [12]]), ["row 1", "`Open`"]),
    "structs for prices": (table(Open=[{"a": 1}, {"a": 2}]), ["row 1", "`Open`"]),
    "durations for dates": (table(Date=pd.to_timedelta([1, 2], unit="D")), ["row 1", "`Date`"]),
    "lists for dates": (table(Date=[[1, 2], [3, 4]]), ["row 1", "`Date`"]),
    "a missing date": (table(Date=pd.to_datetime(["2024-01-02", "NaT"])), ["row 2", "`Date`"]),
    "a missing number for a date": (table(Date=[1.7e9, np.nan]), ["row 2", "`Date`", "missing"]),
    "a date of text": (table(Date=["2024-01-02", "soon"]), ["row 2", "`Date`", "`soon`"]),
    "an ambiguous date": (table(Date=["01/02/2024", "01/03/2024"]), ["row 1", "ambiguous"]),
    "a duplicate date": (table(Date=["2024-01-02"] * 2), ["row 2", "duplicate"]),
    "out of order": (
        pd.concat([table(), table(Date=["2024-01-01", "2024-01-04"])]), ["row 3", "2024-01-01"],
    ),
    "a missing symbol": (table(Symbol=["A", None]), ["row 2", "`Symbol`", "missing"]),
    "a blank symbol": (table(Symbol=["A", " "]), ["row 2", "`Symbol`", "missing"]),
    "a duplicate date of one symbol": (
        table(Symbol=["A", "A"], Date=["2024-01-02"] * 2), ["row 2", "duplicate"],
    ),
    "unknown headers of two levels": (
        table().set_axis(pd.MultiIndex.from_product([list("abcdef"), ["A"]]), axis="columns"),
        ["missing column"],
    ),
    "a wrong row of a filtered table": (
        table(Close=[11, np.nan]).set_axis([70, 90]), ["row 2", "`Close`"],
    ),
}  # fmt: skip


@pytest.mark.parametrize("kind", TABLES)
def test_a_broken_table_is_one_error(kind: str, tmp_path: Path) -> None:
    broken, words = TABLES[kind]
    path = tmp_path / "acme.parquet"
    broken.to_parquet(path)
    text = refuse("data", str(path), "-o", str(tmp_path / "out.csv"))
    assert [part for part in ["acme.parquet", *words] if part not in text] == []
    assert "\n  = " in text
    assert [each.name for each in tmp_path.iterdir()] == ["acme.parquet"]


@pytest.mark.parametrize(
    "kind",
    ["empty", "text", "magic bytes", "cut", "wrong middle", "wrong end"],
)
def test_a_broken_parquet_file_is_one_error(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "acme.parquet"
    table().to_parquet(path)
    whole = path.read_bytes()
    path.write_bytes(
        {
            "empty": b"",
            "text": b"Date,Open,High,Low,Close\n2024-01-02,10,12,9,11\n",
            "magic bytes": b"PAR1" + bytes(50) + b"PAR1",
            "cut": whole[:-30],
            "wrong middle": whole[:20] + b"\xff" * 40 + whole[60:],
            "wrong end": whole[:-60] + b"\xff" * 40 + whole[-20:],
        }[kind]
    )
    text = refuse("data", f"parquet:{path}", "-o", str(tmp_path / "out.csv"))
    assert "acme.parquet is not a Parquet file" in text
    assert "\n  = " in text
    assert [each.name for each in tmp_path.iterdir()] == ["acme.parquet"]
