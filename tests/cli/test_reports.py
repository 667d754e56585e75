"""What people read of a backtest and of data, kept as golden files; and what they write out."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from evolve.cli import _run
from evolve.config.schema import Backtest as Costs

GOLDEN = Path(__file__).parent / "golden"
DIP = "strategy dip { buy when rsi(close, 3) < 25 sell when rsi(close, 3) > 60 stop 3 * atr(14) }"
ONE = ("--data", "synthetic:regime?seed=3&bars=700")
TWO = (*ONE, "--data", "synthetic:garch?seed=4&bars=500")
HOURS = "Date,Open,High,Low,Close,Volume"


@pytest.fixture
def dip(tmp_path: Path) -> str:
    path = tmp_path / "dip.evo"
    path.write_text(DIP)
    return str(path)


def printed(capsys: pytest.CaptureFixture[str], *args: str, status: int = 0) -> str:
    assert _run(args) == status
    return capsys.readouterr().out


def hourly(path: Path, days: int = 20) -> str:
    """A file of hourly bars, seven a day."""
    time = [
        np.datetime64("2024-01-02T10:30") + np.timedelta64(day, "D") + np.timedelta64(hour, "h")
        for day in range(days)
        for hour in range(7)
        if (day + 1) % 7 not in (5, 6)
    ]
    close = 100 + 3 * np.sin(np.arange(len(time)) / 3.0)
    rows = [f"{t},{c - 0.1},{c + 1},{c - 1},{c},1000" for t, c in zip(time, close, strict=True)]
    path.write_text("\n".join([HOURS, *rows]) + "\n")
    return str(path)


@pytest.mark.parametrize(
    ("name", "args"),
    [
        ("backtest_one", ("backtest", "DIP", *ONE, "--plot")),
        ("backtest_two", ("backtest", "DIP", *TWO, "--fill", "close")),
        ("data_one", ("data", ONE[1], "--plot")),
        ("data_two", ("data", ONE[1], TWO[3])),
        ("signals_last", ("signals", "DIP", *TWO, "--last")),
    ],
)
def test_golden_pages(
    name: str, args: tuple[str, ...], dip: str, capsys: pytest.CaptureFixture[str]
) -> None:
    found = printed(capsys, *[dip if each == "DIP" else each for each in args])
    path = GOLDEN / f"{name}.txt"
    if os.environ.get("UPDATE_GOLDEN"):
        path.parent.mkdir(exist_ok=True)
        path.write_text(found)
    assert found == path.read_text()


def test_the_document_and_the_files_say_the_same(
    dip: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    trades, equity = tmp_path / "trades.csv", tmp_path / "equity.parquet"
    out = printed(
        capsys, "backtest", dip, *TWO, "--json", "--trades", str(trades), "--equity", str(equity)
    )
    document = json.loads(out)
    worth, closed = pd.read_parquet(equity), pd.read_csv(trades)
    assert worth["equity"].iloc[-1] == document["metrics"]["final_equity"]
    assert worth["benchmark"].iloc[-1] == document["benchmark"]["final_equity"]
    assert worth["drawdown"].min() == document["metrics"]["max_drawdown"]
    parts = worth["equity_REGIME3"] + worth["equity_GARCH4"]
    assert parts.to_numpy() == pytest.approx(worth["equity"].to_numpy())
    assert len(closed) == len(document["trades"]) == document["metrics"]["num_trades"]
    assert closed["profit"].sum() == pytest.approx(worth["equity"].iloc[-1] - 10_000)
    assert set(document["by_symbol"]) == {"REGIME3", "GARCH4"}
    assert document["at_costs"]["1x"] == document["metrics"]
    years = document["by_year"].values()
    assert np.prod([1 + each for each in years]) == pytest.approx(
        1 + document["metrics"]["total_return"]
    )
    assert document["data"]["bars_per_year"] == 252


def test_costs_that_double_never_help_and_none_are_none(
    dip: str, capsys: pytest.CaptureFixture[str]
) -> None:
    at = json.loads(printed(capsys, "backtest", dip, *ONE, "--json"))["at_costs"]
    equities = [each["final_equity"] for each in at.values()]
    assert equities == sorted(equities, reverse=True)
    free = ("--commission-bps", "0", "--slippage-bps", "0")
    at = json.loads(printed(capsys, "backtest", dip, *ONE, *free, "--json"))["at_costs"]
    assert at["1x"] == at["4x"]


def test_times_of_day_are_kept(
    dip: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    spec, trades = hourly(tmp_path / "hours.csv"), tmp_path / "trades.csv"
    out = printed(capsys, "backtest", dip, "--data", spec, "--trades", str(trades))
    assert "1764 a year" in out
    assert ":30" in out
    assert pd.read_csv(trades)["entry_time"].str.contains("T").all()


@pytest.mark.parametrize("place", ["out.txt", "no/such/folder/out.csv", "."])
def test_a_place_that_cannot_be_written_is_refused(
    place: str, dip: str, tmp_path: Path, capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    status = _run(["backtest", dip, *ONE, "--trades", place])
    assert status in (1, 2)
    said = capsys.readouterr()
    assert said.out == ""
    assert place in said.err
    assert [each.name for each in tmp_path.iterdir()] == ["dip.evo"]


def test_every_cost_of_an_experiment_is_an_option(capsys: pytest.CaptureFixture[str]) -> None:
    page = " ".join(printed(capsys, "backtest", "--help").split())
    for name, info in Costs.model_fields.items():
        assert f"--{name.replace('_', '-')} " in page
        if info.default is not None:
            assert f"[default: {info.default}" in page


@pytest.mark.parametrize(
    "option", [("--fill", "soon"), ("--slippage-bps", "-1"), ("--max-volume-share", "2"),
               ("--capital", "0"), ("--max-leverage", "x")],
)  # fmt: skip
def test_a_cost_out_of_range_is_refused(
    option: tuple[str, str], dip: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _run(["backtest", dip, *ONE, *option]) == 2
    assert option[0] in capsys.readouterr().err


def test_a_cap_without_a_volume_is_told(
    dip: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = [f"2024-01-{day:02d},10,12,9,11" for day in range(1, 29)]
    path = tmp_path / "bare.csv"
    path.write_text("\n".join(["Date,Open,High,Low,Close", *rows]))
    assert _run(["backtest", dip, "--data", str(path), "--max-volume-share", "0.1"]) == 0
    assert "the volume of bare is not always known" in capsys.readouterr().err


def test_a_strategy_without_a_trade_has_a_page(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "never.evo"
    path.write_text("strategy never { buy when close < 0 * close }")
    out = printed(capsys, "backtest", str(path), *ONE)
    assert "trades (" not in out
    assert "num trades" in out
    assert re.search(r"close < 0 \* close +0 +700 +700 +never true\n", out)
    assert "\nnever traded: `buy` was never true\n" in out
    assert out.splitlines()[-1].startswith("`evolve explain TERM` explains any term above")
    document = json.loads(printed(capsys, "backtest", str(path), *TWO, "--json"))
    rule = {"text": "close < 0 * close", "true": 0, "known": 1200, "bars": 1200}
    assert document["rules"] == {"buy": {**rule, "parts": [rule]}}
    assert document["entry_signals"] == {"bars": 0, "capped": 0, "blocked": {}}


def test_a_blocked_entry_and_a_capped_size_are_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "s.evo"
    path.write_text("strategy s { buy when close > open size 3 }")
    assert _run(["backtest", str(path), *ONE]) == 0
    capped = r"note: `size` is capped at max_leverage 1 on (\d+) of (\d+) bars with an entry signal"
    note = re.search(capped, capsys.readouterr().err)
    assert note is not None
    assert note.group(1) == note.group(2)
    assert _run(["backtest", str(path), *ONE, "--max-leverage", "3"]) == 0
    assert "capped" not in capsys.readouterr().err
    path.write_text("strategy s { buy when close > open sell when close > open }")
    out = printed(capsys, "backtest", str(path), *ONE)
    lines = out.rstrip().splitlines()[-4:-2]
    assert lines[0].startswith("never traded: `buy` was true on ")
    assert lines[1].endswith(": `sell` is true with `buy` and blocks it")


def test_look_ahead_is_proved_at_the_command_line(
    dip: str, capsys: pytest.CaptureFixture[str]
) -> None:
    out = printed(capsys, "check", "--lookahead", dip, *TWO)
    assert "dip: no look-ahead" in out
    assert "bit for bit" in out
    assert _run(["check", "--lookahead", dip]) == 1
    assert "--data sample:sp500" in capsys.readouterr().err
    assert _run(["check", dip, *ONE]) == 2
    assert "--lookahead" in capsys.readouterr().err
    assert _run(["check", "--lookahead", dip, "--data", "synthetic:walk?bars=20"]) == 1
    assert "too few" in capsys.readouterr().err
