"""Exported files: exact round trips and atomic writes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import BinaryIO

import numpy as np
import pandas as pd
import pytest

from dsl.analysis.check import check
from dsl.bars import PANELS, Bars
from evolve.backtest.backtest import Backtest, backtest
from evolve.backtest.market import Market, market
from evolve.data.generators import random_walk
from evolve.errors import EvolveError
from evolve.report.export import EXTENSIONS, equity_frame, trades_frame, write_table
from tests.backtest.test_sleeves import panel_of

RULES = "strategy s { buy when rsi(close, 3) < 30 sell when rsi(close, 3) > 60 stop 2 * atr(9) }"
NEVER = "strategy s { buy when close < 0 * close }"
NO_COSTS = market(9000, commission_bps=0, slippage_bps=0)
COSTS = market(9000, commission_bps=20, slippage_bps=10, commission_minimum=1, slippage_range=0.05)


def to_hourly(bars: Bars) -> Bars:
    time = np.datetime64("2024-01-01T09:30", "ns") + np.arange(len(bars)) * np.timedelta64(1, "h")
    return Bars(bars.symbols, time, **{name: getattr(bars, name).copy() for name in PANELS})


def run_backtest(bars: Bars, terms: Market = COSTS, rules: str = RULES) -> Backtest:
    return backtest(check(rules), bars, terms)


RUNS: dict[str, Callable[[], Backtest]] = {
    "one symbol": lambda: run_backtest(random_walk(300, 3)),
    "several symbols": lambda: run_backtest(panel_of(4)),
    "without costs": lambda: run_backtest(panel_of(4), NO_COSTS),
    "hours": lambda: run_backtest(to_hourly(random_walk(300, 3))),
    "no trade": lambda: run_backtest(random_walk(50, 3), rules=NEVER),
    "one bar": lambda: run_backtest(random_walk(50, 3).slice(0, 1)),
}


def read_back(path: Path) -> pd.DataFrame:
    """Read a table; convert the text of a CSV to exact numbers and times."""
    if path.suffix == ".parquet":
        return pd.read_parquet(path)
    found = pd.read_csv(path, dtype=str)
    for name in found.columns:
        if "time" in name:
            found[name] = found[name].to_numpy().astype("datetime64[ns]")
        elif name not in ("symbol", "side", "reason"):
            found[name] = [float(cell) for cell in found[name]]
    return found


@pytest.mark.parametrize("ending", EXTENSIONS)
@pytest.mark.parametrize("run", RUNS)
def test_equity_has_an_exact_round_trip(run: str, ending: str, tmp_path: Path) -> None:
    result = RUNS[run]()
    path = tmp_path / f"equity{ending}"
    write_table(equity_frame(result), path)
    found = read_back(path)
    assert found["time"].to_numpy().astype("datetime64[ns]").tolist() == result.time.tolist()
    assert found["equity"].tolist() == result.equity.tolist()
    assert found["benchmark"].tolist() == result.benchmark.tolist()
    assert found["positions"].tolist() == result.held.tolist()
    assert found["equity"].iloc[-1] == result.metrics["final_equity"]
    assert found["drawdown"].min() == result.metrics["max_drawdown"]
    parts = [name for name in found.columns if name.startswith("equity_")]
    assert parts == [f"equity_{each.symbols[0]}" for each in result.sleeves]
    for name, sleeve in zip(parts, result.sleeves, strict=True):
        assert found[name].tolist() == sleeve.equity.tolist()


@pytest.mark.parametrize("ending", EXTENSIONS)
@pytest.mark.parametrize("run", [run for run in RUNS if run not in ("no trade", "one bar")])
def test_trades_have_an_exact_round_trip(run: str, ending: str, tmp_path: Path) -> None:
    result = RUNS[run]()
    path = tmp_path / f"trades{ending}"
    write_table(trades_frame(result), path)
    found = read_back(path)
    assert len(found) == len(result.trades) == result.metrics["num_trades"] > 5
    for row, trade in zip(found.to_dict("records"), result.trades, strict=True):
        for name, value in asdict(trade).items():
            known = np.datetime64(row[name], "ns") if "time" in name else row[name]
            assert known == value
    assert found["profit"].sum() == pytest.approx(result.equity[-1] - 9000, abs=1e-6)
    assert found["costs"].sum() == pytest.approx(result.metrics["costs_paid"])
    assert found["exit_time"].is_monotonic_increasing


def test_daily_times_have_no_hours_in_csv_and_intraday_times_have(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    write_table(equity_frame(RUNS["one symbol"]()), path)
    assert path.read_text().splitlines()[1].startswith("2000-01-03,9000.0,")
    write_table(equity_frame(RUNS["hours"]()), path)
    assert path.read_text().splitlines()[1].startswith("2024-01-01T09:30,9000.0,")
    write_table(trades_frame(RUNS["hours"]()), path)
    assert all(line.count("T") >= 2 for line in path.read_text().splitlines()[1:])


def test_a_file_without_trades_has_a_header(tmp_path: Path) -> None:
    path = tmp_path / "none.csv"
    write_table(trades_frame(RUNS["no trade"]()), path)
    (header,) = path.read_text().splitlines()
    assert header.startswith("symbol,entry_time,exit_time,side,shares")


def test_files_with_and_without_trades_have_equal_column_types(tmp_path: Path) -> None:
    found = []
    for run in ("one symbol", "no trade"):
        write_table(trades_frame(RUNS[run]()), tmp_path / "trades.parquet")
        found.append(pd.read_parquet(tmp_path / "trades.parquet").dtypes.astype(str).to_dict())
    assert found[0] == found[1]


@pytest.mark.parametrize(
    "name", ["out", "out.txt", "out.csv.gz", "out.xlsx", ".csv", "out.parquet.bak", "csv"]
)
def test_other_suffixes_are_rejected(name: str, tmp_path: Path) -> None:
    with pytest.raises(EvolveError, match=r"unknown format: .*\n.*\.csv or \.parquet"):
        write_table(pd.DataFrame({"a": [1]}), tmp_path / name)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("target", ["{name}", "none/{name}", "file/{name}"])
@pytest.mark.parametrize("name", ["out.csv", "out.parquet"])
def test_a_path_that_cannot_be_written_is_named(name: str, target: str, tmp_path: Path) -> None:
    """Write to a folder, into a missing folder, and below a file."""
    (tmp_path / name).mkdir()
    (tmp_path / "file").write_text("text")
    path = tmp_path / target.format(name=name)
    with pytest.raises((EvolveError, OSError)) as caught:
        write_table(pd.DataFrame({"a": [1]}), path)
    assert sorted(each.name for each in tmp_path.iterdir()) == sorted(["file", name])
    assert list((tmp_path / name).iterdir()) == []
    assert isinstance(caught.value, EvolveError), caught.value
    assert f"cannot write {path}" in caught.value.message


@pytest.mark.parametrize("ending", EXTENSIONS)
def test_a_failed_write_preserves_the_old_file(
    ending: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def write_half(frame: pd.DataFrame, target: Path | BinaryIO, **_: object) -> None:
        if isinstance(target, Path):
            target.write_text("half")
        else:
            target.write(b"half")
        raise OSError(28, "No space left on device")

    path = tmp_path / f"out{ending}"
    path.write_text("old")
    monkeypatch.setattr(pd.DataFrame, "to_csv", write_half)
    monkeypatch.setattr(pd.DataFrame, "to_parquet", write_half)
    with pytest.raises((OSError, EvolveError), match="No space left"):
        write_table(pd.DataFrame({"a": [1]}), path)
    assert path.read_text() == "old"
    assert [each.name for each in tmp_path.iterdir()] == [path.name]


def test_a_longer_file_is_replaced_completely(tmp_path: Path) -> None:
    path = tmp_path / "out.csv"
    path.write_text("x" * 100_000)
    write_table(pd.DataFrame({"a": [1, 2]}), path)
    assert path.read_text() == "a\n1\n2\n"


def test_a_symbol_with_a_comma_or_a_quote_stays_one_cell(tmp_path: Path) -> None:
    bars = random_walk(200, 1)
    quoted = Bars(('A,"B"',), bars.time, **{name: getattr(bars, name) for name in PANELS})
    path = tmp_path / "t.csv"
    write_table(trades_frame(run_backtest(quoted)), path)
    assert set(pd.read_csv(path)["symbol"]) == {'A,"B"'}
