"""`evolve backtest` as a person, a program and a file see it, and what it refuses."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Any, get_args

import click
import numpy as np
import pandas as pd
import pytest
from pydantic import ValidationError
from rich.console import Console

from evolve.cli import _run
from evolve.cli.backtest_ import command
from evolve.config.schema import Backtest as Costs

GOLDEN = Path(__file__).parent / "golden"
BOTH = (
    "strategy both { buy when rsi(close, 3) < 25 sell when rsi(close, 3) > 60 "
    "short when rsi(close, 3) > 80 cover when rsi(close, 3) < 40 "
    "stop 3 * atr(14) trail 9% target 12% hold 9 size 80% }"
)
ONE = ("--data", "synthetic:garch?seed=7&bars=600")
TWO = (*ONE, "--data", "synthetic:regime?seed=8&bars=400")
NAMES = ("GARCH7", "REGIME8")
FIELDS = {name: f"--{name.replace('_', '-')}" for name in Costs.model_fields}


@pytest.fixture
def both(tmp_path: Path) -> str:
    path = tmp_path / "both.evo"
    path.write_text(BOTH)
    return str(path)


def said(capsys: pytest.CaptureFixture[str], *args: str, status: int = 0) -> tuple[str, str]:
    assert _run(["backtest", *args]) == status, capsys.readouterr()
    printed = capsys.readouterr()
    assert "Traceback" not in printed.out + printed.err
    assert "fault of evolve" not in printed.err
    return printed.out, printed.err


def document(capsys: pytest.CaptureFixture[str], *args: str) -> dict[str, Any]:
    out, _ = said(capsys, *args, "--json")

    def refuse(word: str) -> None:
        raise AssertionError(f"{word} is no JSON")

    made: dict[str, Any] = json.loads(out, parse_constant=refuse)
    return made


@pytest.mark.parametrize(
    ("name", "args"),
    [
        ("backtest_one_80", (*ONE, "--borrow-bps", "50", "--cash-rate", "0.02")),
        ("backtest_two_80", (*TWO, "--fill", "next_close", "--capital", "50000")),
    ],
)
def test_golden_pages_of_eighty_columns(
    name: str, args: tuple[str, ...], both: str, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    monkeypatch.setattr("evolve.cli.backtest_.result_console", lambda: Console(width=80))
    found, _ = said(capsys, both, *args)
    path = GOLDEN / f"{name}.txt"
    if os.environ.get("UPDATE_GOLDEN"):
        path.parent.mkdir(exist_ok=True)
        path.write_text(found)
    assert found == path.read_text()
    assert "…" not in found
    assert [line for line in found.splitlines()[1:] if len(line) > 80] == []


@pytest.mark.parametrize("data", [ONE, TWO], ids=["one", "two"])
def test_the_document_is_what_the_tables_say(
    data: tuple[str, ...], both: str, capsys: pytest.CaptureFixture[str]
) -> None:
    made, (page, _) = document(capsys, both, *data), said(capsys, both, *data)
    rows = {line[:34].strip(): line[34:].split() for line in page.splitlines()[4:30]}
    for name, value in made["metrics"].items():
        shown = rows[name.replace("_", " ")]
        number = float(shown[0].rstrip("%").replace(",", "")) / (100 if "%" in shown[0] else 1)
        close = 0.00051 if "%" in shown[0] else 0.0051 if "." in shown[0] else 0.51
        assert number == pytest.approx(value, abs=close)
        assert len(shown) == 2
    assert made["at_costs"]["1x"] == made["metrics"]
    assert list(made["at_costs"]) == ["1x", "2x", "4x"]
    assert list(made["by_symbol"]) == (list(NAMES) if data is TWO else [])
    for year, growth in made["by_year"].items():
        assert re.search(rf"^{year} +{growth:.1%}".replace("-0.0%", "-?0.0%"), page, re.MULTILINE)
    whole = np.prod([1 + growth for growth in made["by_year"].values()])
    assert whole == pytest.approx(1 + made["metrics"]["total_return"])
    assert made["metrics"].keys() == made["benchmark"].keys()
    assert f"trades ({len(made['trades'])}, the last 20)" in page
    assert len(made["trades"]) == made["metrics"]["num_trades"]
    assert made["data"]["bars"] == 600


@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_files_say_what_the_document_says(
    ending: str, both: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    trades, equity = tmp_path / f"trades.{ending}", tmp_path / f"equity.{ending}"
    made = document(capsys, both, *TWO, "--trades", str(trades), "--equity", str(equity))
    read = pd.read_csv if ending == "csv" else pd.read_parquet
    worth, closed = read(equity), read(trades)
    final = made["metrics"]["final_equity"]
    assert worth["equity"].iloc[-1] == pytest.approx(final, rel=1e-12 if ending == "csv" else 0)
    assert closed["profit"].sum() == pytest.approx(final - 10_000)
    assert closed["costs"].sum() == pytest.approx(made["metrics"]["costs_paid"])
    assert set(closed["symbol"]) == set(NAMES)
    assert len(worth) == 600
    for name in NAMES:
        own = made["by_symbol"][name]["final_equity"]
        assert worth[f"equity_{name}"].iloc[-1] == pytest.approx(own)


def test_one_file_that_is_refused_leaves_none(
    both: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Both files, or neither."""
    monkeypatch.chdir(tmp_path)
    for bad in ("equity.txt", "none/equity.csv"):
        said(capsys, both, *ONE, "--trades", "trades.csv", "--equity", bad, status=1)
        assert [each.name for each in tmp_path.iterdir()] == ["both.evo"]


def test_two_tables_do_not_fit_in_one_file(
    both: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The second would replace the first without a word."""
    place = str(tmp_path / "out.csv")
    assert _run(["backtest", both, *ONE, "--trades", place, "--equity", place]) in (1, 2)
    assert "out.csv" in capsys.readouterr().err


def test_a_folder_is_no_file(
    both: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "x.csv").mkdir()
    _, err = said(capsys, both, *ONE, "--equity", "x.csv", status=2)
    assert "x.csv" in err
    assert _run(["data", ONE[1], "-o", "x.csv"]) in (1, 2)
    err = capsys.readouterr().err
    assert "x.csv" in err
    assert ".part" not in err
    assert sorted(each.name for each in tmp_path.iterdir()) == ["both.evo", "x.csv"]


def test_every_setting_of_costs_is_an_option_with_its_default() -> None:
    options = {each.name: each for each in command.get_params(click.Context(command))}
    for name, info in Costs.model_fields.items():
        option = options[name]
        assert isinstance(option, click.Option)
        assert option.opts == [FIELDS[name]]
        assert option.default == info.default
        assert str(info.description) in (option.help or "").lower()
        if name == "fill":
            assert isinstance(option.type, click.Choice)
            assert tuple(option.type.choices) == get_args(info.annotation)


@pytest.mark.parametrize("name", [name for name in FIELDS if name != "fill"])
@pytest.mark.parametrize(
    "value",
    ["-1", "-0.0001", "0", "0.05", "1", "1.0001", "100", "101", "1000", "1001", "10000", "10001",
     "1e3", "5%", "nan", "-inf", "x", "", "1,000", " 1"],
)  # fmt: skip
def test_an_option_takes_what_the_setting_takes(
    name: str, value: str, both: str, capsys: pytest.CaptureFixture[str]
) -> None:
    try:
        Costs.model_validate({name: value})
        allowed = True
    except ValidationError:
        allowed = False
    status = _run(["backtest", both, "--data", "synthetic:walk?bars=30", FIELDS[name], value])
    printed = capsys.readouterr()
    assert status == (0 if allowed else 2)
    if not allowed:
        assert printed.out == ""
        assert f"Invalid value for '{FIELDS[name]}'" in printed.err


@pytest.mark.parametrize("name", ["capital", "commission_per_share", "commission_minimum"])
def test_endless_money_is_refused(name: str, both: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Every figure of such a run is `–`, or nothing is ever bought."""
    assert _run(["backtest", both, *ONE, FIELDS[name], "inf"]) == 2
    assert FIELDS[name] in capsys.readouterr().err
