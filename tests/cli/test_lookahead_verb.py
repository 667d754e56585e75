"""`evolve check --lookahead`: what it prints, what it refuses, and how it ends."""

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
    """A folder, which is the current one, with some strategies in it."""
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


def prove(*args: str, status: int = 0) -> Output:
    return invoke("check", "--lookahead", *args, status=status)


def test_an_honest_strategy_has_two_lines() -> None:
    _, out, err = prove("mean.evo", *WALK)
    first, second = out.splitlines()
    assert first == (
        "mean: no look-ahead: with 20 futures cut off and 20 made false, every signal, setting and "
        "equity before stayed the same, bit for bit"
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
def test_each_strategy_of_each_file_is_proved(args: tuple[str, ...], names: list[str]) -> None:
    out = prove(*args, *WALK, *GARCH).out
    heads = [line for line in out.splitlines() if not line.startswith(" ")]
    assert [head.split(":")[0] for head in heads] == names


def test_issues_of_the_data_are_noted() -> None:
    assert "SP500 has no traded opens" in prove("dip.evo", "--data", "sample:sp500").err


@pytest.mark.parametrize(
    ("args", "status", "parts"),
    [
        (("dip.evo",), 1, ["--lookahead needs bars", "--data sample:sp500"]),
        (("broken.evo", *WALK), 1, ["E201", "broken.evo:1:23", "did you mean `close`"]),
        (("dip.evo", "broken.evo", *WALK), 1, ["E201", "broken.evo"]),
        (("future.evo", *WALK), 1, ["E304", "future"]),
        (("none.evo", *WALK), 1, ["none.evo"]),
        (("empty.evo", *WALK), 1, ["E107", "empty.evo"]),
        (("defines.evo", *WALK), 1, ["defines.evo holds no strategy"]),
        ((".", *WALK), 1, ["cannot be read"]),
        (("dip.evo", "--data", "sample:dax"), 1, ["unknown sample `dax`"]),
        (("dip.evo", "--data", "sampel:sp500"), 1, ["did you mean `sample`"]),
        (("dip.evo", *WALK, "--data", "none.csv"), 1, ["none.csv"]),
        (("dip.evo", *WALK, *WALK), 1, ["duplicate symbol"]),
        (("dip.evo", "--data", "synthetic:walk?bars=59"), 1, ["has 59 bars", "it takes 60"]),
        (WALK, 2, ["give a file"]),
        (("dip.evo", "--data"), 2, ["requires an argument"]),
        (("dip.evo", *WALK, "--dta", "x"), 2, ["--dta"]),
    ],
)
def test_wrong_use_is_refused_with_its_cause(
    args: tuple[str, ...], status: int, parts: list[str]
) -> None:
    err = refuse("check", "--lookahead", *args, status=status)
    assert [part for part in parts if part not in err] == []


def test_data_without_lookahead_is_a_mistake_of_use() -> None:
    assert "--data goes with --lookahead" in refuse("check", "dip.evo", *WALK, status=2)


def test_sixty_bars_are_enough() -> None:
    prove("dip.evo", "--data", "synthetic:walk?bars=60")


def peeks(program: Program, bars: Bars) -> tuple[Signals, ...]:
    return tuple(
        replace(each, orders=np.roll(each.orders, -1, axis=1)) for each in evaluate(program, bars)
    )


def test_a_strategy_that_sees_ahead_ends_in_1_and_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """No program can: so a reader that can stands in, for the strategy `dip` alone."""
    honest = lookahead.find_lookahead

    def look_ahead(program: Program, bars: Bars, terms: Market) -> lookahead.LookaheadReport:
        return honest(program, bars, terms, read=peeks if program.name == "dip" else evaluate)

    monkeypatch.setattr(lookahead, "look_ahead", look_ahead)
    out = prove("two.evo", *WALK, status=1).out
    lines = out.splitlines()
    assert lines[0] == "dip: it depends on the future"
    places = [line for line in lines if " at bar " in line]
    assert 1 <= len(places) <= 5
    for line in places:
        assert line.startswith(("  buy of WALK1 at bar ", "  sell of WALK1 at bar "))
        assert " changed when the future was " in line
    assert lines[len(places) + 1].startswith("mean: no look-ahead")


def test_standard_input_is_proved_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """`evolve check --help`: `Check strategy FILES (- for standard input)`."""
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(DIP.encode())))
    out = prove("-", *WALK).out
    assert out.startswith("dip: no look-ahead")


def test_the_document_has_an_entry_a_strategy() -> None:
    found = document("check", "--lookahead", "two.evo", *WALK)
    assert [each["strategy"] for each in found] == ["dip", "mean"]
