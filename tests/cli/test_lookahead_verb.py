"""`evolve check --lookahead`: output, errors and exit codes."""

from __future__ import annotations

import io
import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from dsl.analysis.program import Program
from dsl.bars import Bars
from dsl.evaluate import Signals, evaluate
from evolve.analysis import lookahead
from evolve.backtest.market import Market
from tests.command_line import Output, document, invoke, refuse

DIP = "strategy dip { buy when rsi(close, 3) < 25 sell when rsi(close, 3) > 60 stop 3 * atr(14) }"
MEAN = "strategy mean { buy when close > sma(close, 50) sell when close < sma(close, 50) }"
WALK = ("--data", "synthetic:walk?seed=1&bars=200")
GARCH = ("--data", "synthetic:garch?seed=2&bars=150")

pytestmark = pytest.mark.usefixtures("files")


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Change to a folder with some strategies, and return it."""
    texts = {
        "dip.evo": DIP, "mean.evo": MEAN, "two.evo": f"{DIP}\n{MEAN}\n", "empty.evo": "",
        "broken.evo": "strategy s { buy when clos > 1 }", "defines.evo":
        "define far(x: number) -> like x = x + x\n", "future.evo":
        "strategy s { buy when close[-1] > close }",
    }  # fmt: skip
    for name, text in texts.items():
        (tmp_path / name).write_text(text)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def check_lookahead(*args: str, status: int = 0) -> Output:
    return invoke("check", "--lookahead", *args, status=status)


def test_a_strategy_without_look_ahead_has_two_lines() -> None:
    _, out, err = check_lookahead("mean.evo", *WALK)
    first, second = out.splitlines()
    assert first == (
        "mean: no look-ahead: with the later bars removed at 20 bars and replaced at 20, all "
        "earlier signals, settings and equity are identical, bit for bit"
    )
    assert second.startswith("  ")
    assert "49 bars" in second
    assert err == ""


@pytest.mark.parametrize(
    ("args", "names"),
    [
        (("dip.evo", "mean.evo"), ["dip", "mean"]),
        (("two.evo",), ["dip", "mean"]),
        (("two.evo", "dip.evo"), ["dip", "mean", "dip"]),
    ],
)
def test_each_strategy_of_each_file_is_checked(args: tuple[str, ...], names: list[str]) -> None:
    out = check_lookahead(*args, *WALK, *GARCH).out
    heads = [line for line in out.splitlines() if not line.startswith(" ")]
    assert [head.split(":")[0] for head in heads] == names


def test_notices_about_the_data_are_printed() -> None:
    assert "SP500 has no traded opens" in check_lookahead("dip.evo", "--data", "sample:sp500").err


@pytest.mark.parametrize(
    ("args", "status", "parts"),
    [
        (("dip.evo",), 1, ["--lookahead requires --data", "--data sample:sp500"]),
        (("broken.evo", *WALK), 1, ["E201", "broken.evo:1:23", "did you mean `close`"]),
        (("dip.evo", "broken.evo", *WALK), 1, ["E201", "broken.evo"]),
        (("future.evo", *WALK), 1, ["E304", "future"]),
        (("none.evo", *WALK), 1, ["none.evo"]),
        (("empty.evo", *WALK), 1, ["E107", "empty.evo"]),
        (("defines.evo", *WALK), 1, ["no strategy in", "defines.evo"]),
        ((".", *WALK), 1, ["cannot read"]),
        (("dip.evo", "--data", "sample:dax"), 1, ["unknown sample `dax`"]),
        (("dip.evo", "--data", "sampel:sp500"), 1, ["did you mean `sample`"]),
        (("dip.evo", *WALK, "--data", "none.csv"), 1, ["none.csv"]),
        (("dip.evo", *WALK, *WALK), 1, ["duplicate symbol `WALK1`"]),
        (
            ("dip.evo", "--data", "synthetic:walk?bars=59"),
            1,
            ["has 59 bars", "expected at least 60 bars"],
        ),
        (WALK, 2, ["expected a file"]),
        (("dip.evo", "--data"), 2, ["requires an argument"]),
        (("dip.evo", *WALK, "--dta", "x"), 2, ["--dta"]),
    ],
)
def test_an_error_names_its_cause(args: tuple[str, ...], status: int, parts: list[str]) -> None:
    err = refuse("check", "--lookahead", *args, status=status)
    assert [part for part in parts if part not in err] == []


def test_data_without_lookahead_is_a_usage_error() -> None:
    assert "--data requires --lookahead" in refuse("check", "dip.evo", *WALK, status=2)


def test_sixty_bars_are_enough() -> None:
    check_lookahead("dip.evo", "--data", "synthetic:walk?bars=60")


def read_future(program: Program, bars: Bars) -> tuple[Signals, ...]:
    return tuple(
        replace(each, orders=np.roll(each.orders, -1, axis=1)) for each in evaluate(program, bars)
    )


def test_look_ahead_is_reported_with_exit_code_1(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give `dip` an evaluator that reads the future, because no program can."""
    original = lookahead.find_lookahead

    def find_lookahead(program: Program, bars: Bars, terms: Market) -> lookahead.LookaheadReport:
        return original(
            program, bars, terms, read=read_future if program.name == "dip" else evaluate
        )

    monkeypatch.setattr(lookahead, "find_lookahead", find_lookahead)
    out = check_lookahead("two.evo", *WALK, status=1).out
    lines = out.splitlines()
    assert lines[0] == "dip: look-ahead: it depends on later bars"
    violations = [line for line in lines if " at bar " in line]
    assert 1 <= len(violations) <= 5
    for line in violations:
        assert line.startswith(("  buy of WALK1 at bar ", "  sell of WALK1 at bar "))
        assert " changed when the future was " in line
    assert lines[len(violations) + 1].startswith("mean: no look-ahead")


def test_standard_input_is_checked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(DIP.encode())))
    out = check_lookahead("-", *WALK).out
    assert out.startswith("dip: no look-ahead")


def test_the_document_has_one_entry_per_strategy() -> None:
    found = document("check", "--lookahead", "two.evo", *WALK)
    assert [each["strategy"] for each in found] == ["dip", "mean"]
