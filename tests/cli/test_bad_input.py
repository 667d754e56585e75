"""Bad files and specs at the command line: one clear error, exit code 1, and nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest

from evolve.cli import _run
from tests.data.tables import HEAD, ROWS, csv
from tests.data.test_csv import BAD_ROWS, WHOLE_FILES

HEADS = {
    "no close": "Date,Open,High,Low,Volume",
    "no date": "Day,Open,High,Low,Close,Volume",
    "close twice": "Date,Open,High,Low,Close,Close",
    "volume twice, once in short": "Date,Open,High,Low,Close,Volume,Vol",
}
ROWS_OF_HEADS = [row + ",1" for row in ROWS]
LONG = "Date,Symbol,Open,High,Low,Close,Volume"
LONG_ROWS = {
    "a symbol missing": ["2024-01-02,A,10,12,9,11,1", "2024-01-03,,10,12,9,11,1"],
    "a date twice for one": ["2024-01-02,A,10,12,9,11,1", "2024-01-02,A,10,12,9,11,1"],
    "unsorted for one": [
        "2024-01-03,A,10,12,9,11,1", "2024-01-04,B,10,12,9,11,1",
        "2024-01-02,A,10,12,9,11,1", "2024-01-04,A,10,12,9,11,1",
    ],
}  # fmt: skip
DATES = {
    "two ways to read": ["01/02/2024", "01/03/2024"],
    "two formats": ["2024-01-02", "01/31/2024"],
    "no such month": ["31/31/2024", "30/30/2024"],
    "a clock without a day": ["10:30", "10:35"],
    "seconds of a far year": ["99999999999999999999", "99999999999999999999"],
    "a negative number": ["-5", "-4"],
}
SPECS = (
    "bloomberg:SPY", "yaho:SPY", "SPY", "", "csv:", "csv:none.csv", "none.csv", "csv:*.csv",
    "csv:none/*.csv", "parquet:none.parquet", "parquet:*.parquet", "sample:dax", "sample:",
    "sample:sp500?bars=3", "synthetic:wlak", "synthetic:walk?sede=1", "synthetic:walk?bars=1",
    "synthetic:walk?bars=x", "synthetic:walk?bars=1e9", "synthetic:walk?seed=-1",
    "synthetic:walk?volatility=0", "synthetic:walk?drift=99", "synthetic:walk?rule=close > open",
    "synthetic:garch?alpha=0.9&beta=0.9", "synthetic:garch?freedom=1", "synthetic:ar?wander=-1",
    "synthetic:regime?bars_a_regime=0", "synthetic:planted", "synthetic:planted?rule=",
    "synthetic:planted?rule=close", "synthetic:planted?rule=close >", "yahoo:S PY",
    "synthetic:planted?rule=close > close[-1]", "yahoo:../../etc/passwd", "yahoo:SPY?interval=2d",
    "yahoo:SPY?period=max", "csv:~no-such-user-at-all/prices.csv",
)  # fmt: skip


def refused(capsys: pytest.CaptureFixture[str], *args: str) -> str:
    """What is said of bad input."""
    assert _run(args) == 1
    said = capsys.readouterr()
    assert said.out == ""
    assert "Traceback" not in said.err
    assert "fault of evolve" not in said.err
    assert said.err.count("error:") + said.err.count("error[") == 1
    assert len(said.err.splitlines()) < 12
    return said.err


@pytest.mark.parametrize("kind", BAD_ROWS)
def test_a_bad_row(kind: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows, parts = BAD_ROWS[kind]
    spec, made = csv(tmp_path / "acme.csv", *rows), tmp_path / "out.csv"
    said = refused(capsys, "data", spec, "-o", str(made))
    assert [part for part in ["acme.csv", *parts] if part not in said] == []
    assert [each.name for each in tmp_path.iterdir()] == ["acme.csv"]


@pytest.mark.parametrize("kind", WHOLE_FILES)
def test_a_bad_file(kind: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "acme.csv").write_bytes(WHOLE_FILES[kind][0])
    assert "acme.csv" in refused(capsys, "data", f"csv:{tmp_path / 'acme.csv'}")


@pytest.mark.parametrize("kind", HEADS)
def test_a_bad_header(kind: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    spec = csv(tmp_path / "acme.csv", *ROWS_OF_HEADS, head=HEADS[kind])
    said = refused(capsys, "data", spec)
    assert "acme.csv" in said
    assert "columns" in said or "Date" in said


@pytest.mark.parametrize("kind", LONG_ROWS)
def test_a_bad_row_of_several_symbols(
    kind: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    spec = csv(tmp_path / "all.csv", *LONG_ROWS[kind], head=LONG)
    said = refused(capsys, "data", spec)
    line = {"a symbol missing": 3, "a date twice for one": 3, "unsorted for one": 4}[kind]
    assert f"all.csv, line {line}" in said


@pytest.mark.parametrize("kind", DATES)
def test_a_bad_date(kind: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = [f"{date},10,12,9,11,1" for date in DATES[kind]]
    said = refused(capsys, "data", csv(tmp_path / "acme.csv", *rows))
    assert "acme.csv, line" in said
    assert "`Date`" in said
    assert "write dates as 2020-01-31" in said


@pytest.mark.parametrize("spec", SPECS)
def test_a_bad_spec(
    spec: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    said = refused(capsys, "data", "--", spec)
    assert said.count("\n  =") >= 1 or "help" in said or "^" in said
    assert list(tmp_path.iterdir()) == []


def test_a_bad_file_among_good_ones(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("A", "B"):
        csv(tmp_path / f"{name}.csv", *ROWS)
    csv(tmp_path / "C.csv", ROWS[0], "2024-01-03,1,2,3,4,5")
    assert "C.csv, line 3" in refused(capsys, "data", f"csv:{tmp_path}")


def test_all_wrong_specs_of_a_list_are_named(capsys: pytest.CaptureFixture[str]) -> None:
    said = refused(capsys, "data", "sample:dax", "sample:sp500", "csv:none.csv")
    assert "dax" in said
    assert "none.csv" in said


def test_symbols_that_do_not_go_together(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    weekly = [f"2024-0{month}-{day:02d},10,12,9,11,1" for month in (1, 2) for day in (1, 8, 15, 22)]
    spec = csv(tmp_path / "W.csv", *weekly, head=HEAD)
    assert "different lengths" in refused(capsys, "data", spec, "sample:sp500")
    assert "SP500 comes twice" in refused(capsys, "data", "sample:sp500", "sample:sp500")
