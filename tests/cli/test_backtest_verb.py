"""`evolve backtest`: document, files, options and errors."""

from __future__ import annotations

import re
from pathlib import Path
from random import Random
from typing import get_args

import click
import numpy as np
import pandas as pd
import pytest
from pydantic import ValidationError

from evolve.backtest.backtest import backtest
from evolve.backtest.market import COSTS, market
from evolve.cli.backtest_ import command
from evolve.config.schema import Backtest as Settings
from evolve.data.generators import random_walk
from tests.backtest.test_sleeves import panel_of
from tests.cli.conftest import WriteStrategy
from tests.command_line import document, invoke, refuse
from tests.programs import random_programs

BOTH = (
    "strategy both { buy when rsi(close, 3) < 25 sell when rsi(close, 3) > 60 "
    "short when rsi(close, 3) > 80 cover when rsi(close, 3) < 40 "
    "stop 3 * atr(14) trail 9% target 12% hold 9 size 80% }"
)
ONE = ("--data", "synthetic:garch?seed=7&bars=600")
TWO = (*ONE, "--data", "synthetic:regime?seed=8&bars=400")
SYMBOLS = ["GARCH7", "REGIME8"]
OPTIONS = {name: f"--{name.replace('_', '-')}" for name in Settings.model_fields}


@pytest.fixture
def both(evo: WriteStrategy) -> str:
    return evo(BOTH)


# -- the document and the files


@pytest.mark.parametrize("data", [ONE, TWO], ids=["one", "two"])
def test_the_document_has_the_figures_of_the_tables(data: tuple[str, ...], both: str) -> None:
    found, page = document("backtest", both, *data), invoke("backtest", both, *data).out
    assert set(found) == {
        "data", "metrics", "benchmark", "by_symbol", "by_year", "at_costs", "rules",
        "entry_signals", "trades",
    }  # fmt: skip
    rows = {line[:34].strip(): line[34:].split() for line in page.splitlines()[4:30]}
    for name, value in found["metrics"].items():
        cell, _ = rows[name.replace("_", " ")]
        number = float(cell.rstrip("%").replace(",", "")) / (100 if "%" in cell else 1)
        tolerance = 0.00051 if "%" in cell else 0.0051 if "." in cell else 0.51
        assert number == pytest.approx(value, abs=tolerance)
    assert found["at_costs"]["1x"] == found["metrics"]
    assert list(found["at_costs"]) == ["1x", "2x", "4x"]
    assert list(found["by_symbol"]) == (SYMBOLS if data is TWO else [])
    for year, growth in found["by_year"].items():
        assert re.search(rf"^{year} +{growth:.1%}".replace("-0.0%", "-?0.0%"), page, re.MULTILINE)
    whole = np.prod([1 + growth for growth in found["by_year"].values()])
    assert whole == pytest.approx(1 + found["metrics"]["total_return"])
    assert found["metrics"].keys() == found["benchmark"].keys()
    assert f"trades ({len(found['trades'])}, the last 20)" in page
    assert len(found["trades"]) == found["metrics"]["num_trades"]
    assert (found["data"]["bars"], found["data"]["bars_per_year"]) == (600, 252)


@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_the_files_have_the_figures_of_the_document(ending: str, both: str, tmp_path: Path) -> None:
    trades, equity = tmp_path / f"trades.{ending}", tmp_path / f"equity.{ending}"
    files = ("--trades", str(trades), "--equity", str(equity))
    found = document("backtest", both, *TWO, *files)
    read = pd.read_csv if ending == "csv" else pd.read_parquet
    bars, closed = read(equity), read(trades)
    last, final = bars.iloc[-1], found["metrics"]["final_equity"]
    assert last["equity"] == pytest.approx(final, rel=1e-12 if ending == "csv" else 0)
    assert last["benchmark"] == pytest.approx(found["benchmark"]["final_equity"], rel=1e-12)
    assert bars["drawdown"].min() == pytest.approx(found["metrics"]["max_drawdown"], rel=1e-12)
    assert closed["profit"].sum() == pytest.approx(final - 10_000)
    assert closed["costs"].sum() == pytest.approx(found["metrics"]["costs_paid"])
    assert len(closed) == len(found["trades"])
    assert set(closed["symbol"]) == set(SYMBOLS)
    assert len(bars) == 600
    for name in SYMBOLS:
        equity_of_symbol = found["by_symbol"][name]["final_equity"]
        assert last[f"equity_{name}"] == pytest.approx(equity_of_symbol)


@pytest.mark.parametrize(
    ("trades", "equity", "status", "named"),
    [
        ("trades.csv", "equity.txt", 1, "unknown format: equity.txt"),
        ("trades.csv", "none/equity.csv", 1, "cannot write none/equity.csv"),
        ("out.csv", "out.csv", 1, "duplicate output file: out.csv"),
        ("trades.csv", ".", 2, "'--equity'"),
        ("folder.csv", "equity.csv", 2, "folder.csv"),
    ],
)
def test_an_error_of_one_file_leaves_no_file(
    trades: str, equity: str, status: int, named: str, both: str, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    (tmp_path / "folder.csv").mkdir()
    files = ("--trades", trades, "--equity", equity)
    assert named in refuse("backtest", both, *ONE, *files, status=status)
    assert sorted(each.name for each in tmp_path.rglob("*")) == ["both.evo", "folder.csv"]


# -- costs


@pytest.mark.parametrize("seed", range(3))
def test_higher_costs_never_raise_the_equity(seed: int) -> None:
    """Use strategies that only buy, at the next open, because no order is dropped there."""
    rng = Random(seed)
    for bars in (random_walk(300, seed), panel_of(seed)):
        for program in random_programs(15, rng, ("long",)):
            terms = market(
                commission_bps=rng.choice([0, 1, 30]), slippage_bps=rng.choice([0, 5, 50]),
                slippage_range=rng.choice([0, 0.02]), commission_per_share=rng.choice([0, 0.01]),
            )  # fmt: skip
            runs = [backtest(program, bars, terms.scale_costs(factor)) for factor in (0, 1, 2, 4)]
            equities = [run.metrics["final_equity"] for run in runs]
            assert equities == sorted(equities, reverse=True)
            assert runs[0].metrics["costs_paid"] == pytest.approx(0.0, abs=1e-6)
            assert len({len(run.trades) for run in runs}) == 1


def test_scaled_costs_change_every_cost_and_nothing_else() -> None:
    terms = market(1234, "next_close", 1, 2, 3, 4, 0.5, 6, 0.07, 8, 0.9)
    scaled = terms.scale_costs(3.0)
    for name, value in terms._asdict().items():
        factor = 3.0 if name in COSTS else 1.0
        assert getattr(scaled, name) == pytest.approx(factor * value)
    assert terms.scale_costs(1.0) == terms


def test_costs_are_scaled_at_the_command_line(both: str) -> None:
    at_costs = document("backtest", both, *ONE)["at_costs"]
    assert at_costs["1x"]["final_equity"] > at_costs["4x"]["final_equity"]
    free = ("--commission-bps", "0", "--slippage-bps", "0")
    page = invoke("backtest", both, *ONE, *free).out
    table = page.split("at higher costs")[1].split("bars with a true rule")[0]
    rows = [line.split()[-3:] for line in table.splitlines() if re.search(r"\d", line)]
    assert rows[0] == ["1x", "2x", "4x"]
    assert len(rows) == 7
    assert all(len(set(row)) == 1 for row in rows[1:])


# -- options


def test_every_setting_is_an_option_with_its_default() -> None:
    options = {each.name: each for each in command.get_params(click.Context(command))}
    for name, info in Settings.model_fields.items():
        option = options[name]
        assert isinstance(option, click.Option)
        assert option.opts == [OPTIONS[name]]
        assert option.default == info.default
        assert str(info.description) in (option.help or "").lower()
        if name == "fill":
            assert isinstance(option.type, click.Choice)
            assert tuple(option.type.choices) == get_args(info.annotation)


VALUES = {
    "capital": "77", "fill": "close", "commission_bps": "50", "commission_per_share": "0.5",
    "commission_minimum": "9", "slippage_bps": "50", "slippage_range": "0.5", "borrow_bps": "900",
    "cash_rate": "0.09", "max_leverage": "0.5", "max_volume_share": "1e-6",
}  # fmt: skip


def test_every_option_changes_the_result(both: str) -> None:
    plain = document("backtest", both, *ONE)["metrics"]
    assert VALUES.keys() == OPTIONS.keys()
    for name, value in VALUES.items():
        found = document("backtest", both, *ONE, OPTIONS[name], value)["metrics"]
        assert found["final_equity"] != plain["final_equity"], name


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in OPTIONS if name != "fill"])
def test_an_option_accepts_the_values_of_its_setting(name: str, both: str) -> None:
    outcomes = set()
    for value in (
        "-1", "-0.0001", "0", "0.05", "1", "1.0001", "100", "101", "1000", "1001", "10000",
        "10001", "1e3", "5%", "nan", "-inf", "x", "", "1,000", " 1",
    ):  # fmt: skip
        try:
            Settings.model_validate({name: value})
            is_allowed = True
        except ValidationError:
            is_allowed = False
        args = ("backtest", both, "--data", "synthetic:walk?bars=30", OPTIONS[name], value)
        _, out, err = invoke(*args, status=0 if is_allowed else 2)
        if not is_allowed:
            assert out == ""
            assert f"Invalid value for '{OPTIONS[name]}'" in err
        outcomes.add(is_allowed)
    assert outcomes == {True, False}


@pytest.mark.parametrize("name", ["capital", "commission_per_share", "commission_minimum"])
def test_infinite_money_is_rejected(name: str, both: str) -> None:
    assert OPTIONS[name] in refuse("backtest", both, *ONE, OPTIONS[name], "inf", status=2)
