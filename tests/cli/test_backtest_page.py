"""Output of `evolve backtest` and `evolve data`, with common and unusual bars and strategies."""

from __future__ import annotations

import re
import signal
import subprocess
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from rich.console import Console

from tests.cli.conftest import WriteStrategy
from tests.cli.test_backtest_verb import BOTH
from tests.cli.test_backtest_verb import ONE as ONE_80
from tests.cli.test_backtest_verb import TWO as TWO_80
from tests.command_line import document, invoke, start
from tests.data.tables import HEAD, csv, hourly_csv
from tests.golden import golden

GOLDEN = Path(__file__).parent / "golden"
DIP = "strategy dip { buy when rsi(close, 3) < 25 sell when rsi(close, 3) > 60 stop 3 * atr(14) }"
ONE = ("--data", "synthetic:regime?seed=3&bars=700")
TWO = (*ONE, "--data", "synthetic:garch?seed=4&bars=500")


@pytest.fixture
def dip(evo: WriteStrategy) -> str:
    return evo(DIP)


@pytest.mark.parametrize(
    ("name", "args"),
    [
        ("backtest_one", ("backtest", DIP, *ONE, "--plot")),
        ("backtest_two", ("backtest", DIP, *TWO, "--fill", "close")),
        ("data_one", ("data", ONE[1], "--plot")),
        ("data_two", ("data", ONE[1], TWO[3])),
        ("signals_last", ("signals", DIP, *TWO, "--last")),
        ("backtest_one_80", ("backtest", BOTH, *ONE_80, "--borrow-bps=50", "--cash-rate=0.02")),
        ("backtest_two_80", ("backtest", BOTH, *TWO_80, "--fill=next_close", "--capital=50000")),
    ],
)  # fmt: skip
def test_output_is_that_of_the_golden_files(
    name: str, args: tuple[str, ...], evo: WriteStrategy, monkeypatch: pytest.MonkeyPatch
) -> None:
    if name.endswith("_80"):
        monkeypatch.setattr("evolve.cli.backtest_.result_console", lambda: Console(width=80))
    page = invoke(*[evo(each) if each.startswith("strategy") else each for each in args]).out
    golden(GOLDEN / f"{name}.txt", page)
    if name.endswith("_80"):
        assert "…" not in page
        assert [line for line in page.splitlines()[1:] if len(line) > 80] == []


def test_the_fill_is_named_and_a_fill_nobody_can_trade_is_marked(dip: str) -> None:
    for fill, text in {
        "close": "filled at the close, which nobody can trade",
        "next_close": "filled at the next close\n",
        "next_open": "filled at the next open\n",
    }.items():
        assert text in invoke("backtest", dip, *ONE, "--fill", fill).out


def test_a_cap_on_unknown_volume_names_only_those_symbols(dip: str, tmp_path: Path) -> None:
    days = [f"2024-01-{day:02d},10,12,9,11" for day in range(1, 29)]
    full = csv(tmp_path / "full.csv", *[f"{row},1000" for row in days])
    bare = csv(tmp_path / "bare.csv", *days, head=HEAD.removesuffix(",Volume"))
    data, cap = ("--data", full, "--data", bare), ("--max-volume-share", "0.1")
    assert "volume of bare is unknown on some bars" in invoke("backtest", dip, *data, *cap).err
    assert "volume" not in invoke("backtest", dip, *data).err
    assert "volume" not in invoke("backtest", dip, *data[:2], *cap).err


# -- unusual data


@pytest.mark.parametrize("bars", [1, 2, 3])
def test_one_to_three_bars_are_enough(bars: int, dip: str, tmp_path: Path) -> None:
    rows = [f"2024-01-0{day},10,12,9,11,5" for day in range(1, bars + 1)]
    data = ("--data", csv(tmp_path / "few.csv", *rows))
    assert f", {bars} bar" in invoke("backtest", dip, *data, "--plot").out
    found = document("backtest", dip, *data)
    assert found["metrics"]["final_equity"] == 10_000
    assert found["by_year"] == {"2024": 0.0}


def test_intraday_times_are_in_the_tables_the_document_and_the_files(
    dip: str, tmp_path: Path
) -> None:
    data, trades = ("--data", hourly_csv(tmp_path / "hours.csv")), tmp_path / "trades.csv"
    page = invoke("backtest", dip, *data, "--plot", "--trades", str(trades)).out
    assert len(re.findall(r"2024-01-\d\d \d\d:30", page)) > 10
    found = document("backtest", dip, *data)["trades"]
    assert {trade["entry_time"][13:16] for trade in found} == {":30"}
    assert set(pd.read_csv(trades)["entry_time"].str[10:11]) == {"T"}


def test_trades_of_several_symbols_name_their_symbol(dip: str, tmp_path: Path) -> None:
    """Use two symbols of which only one moves."""
    days = np.datetime64("2024-01-01") + np.arange(100)
    flat = csv(tmp_path / "flat.csv", *[f"{day},10,10,10,10,5" for day in days])
    rows = [f"{day},10,12,9,{9.5 + i % 7 / 3},5" for i, day in enumerate(days)]
    moving = csv(tmp_path / "moving.csv", *rows)
    page = invoke("backtest", dip, "--data", flat, "--data", moving).out
    assert "moving" in page.split("trades (")[1]


def test_markup_in_the_name_of_a_symbol_is_not_interpreted(dip: str, tmp_path: Path) -> None:
    days = np.datetime64("2024-01-01") + np.arange(60)
    rows = [f"{day},{name},10,12,9,{10 + i % 3 / 2},5" for name in ("[/b]", "X[red]")
            for i, day in enumerate(days)]  # fmt: skip
    spec = csv(tmp_path / "all.csv", *rows, head=HEAD.replace("Date", "Date,Symbol"))
    for args in (("backtest", dip, "--data", spec), ("data", spec)):
        page = invoke(*args).out
        assert "[/b]" in page
        assert "X[red]" in page


# -- unusual strategies


def test_a_strategy_whose_warm_up_is_longer_than_the_data_never_trades(
    evo: WriteStrategy,
) -> None:
    path = evo("strategy slow { buy when close > sma(close, 200) sell when close < open }")
    page = invoke("backtest", path, "--data", "synthetic:walk?bars=100").out
    assert re.search(r"num trades +0 ", page)
    assert "trades (" not in page


def test_a_strategy_that_never_trades_is_explained(evo: WriteStrategy) -> None:
    path = evo("strategy never { buy when close < 0 * close }")
    page = invoke("backtest", path, *ONE).out
    assert "trades (" not in page
    assert re.search(r"close < 0 \* close +0 +700 +700 +never true\n", page)
    assert "\nnever traded: `buy` was never true\n" in page
    assert page.splitlines()[-1].startswith("`evolve explain TERM` explains any term above")
    found = document("backtest", path, *TWO)
    rule = {"text": "close < 0 * close", "true": 0, "known": 1200, "bars": 1200}
    assert found["rules"] == {"buy": {**rule, "parts": [rule]}}
    assert found["entry_signals"] == {"bars": 0, "capped": 0, "blocked": {}}
    assert found["trades"] == []


def test_blocked_entries_and_capped_sizes_are_reported(evo: WriteStrategy) -> None:
    path = evo("strategy s { buy when close > open size 3 }")
    capped = r"note: `size` is capped at max_leverage 1 on (\d+) of (\d+) bars with an entry signal"
    note = re.search(capped, invoke("backtest", path, *ONE).err)
    assert note is not None
    assert note.group(1) == note.group(2)
    assert "capped" not in invoke("backtest", path, *ONE, "--max-leverage", "3").err
    path = evo("strategy s { buy when close > open sell when close > open }")
    lines = invoke("backtest", path, *ONE).out.rstrip().splitlines()[-4:-2]
    assert lines[0].startswith("never traded: `buy` was true on ")
    assert lines[1].endswith(": `sell` is true with `buy` and blocks it")


def test_ruin_is_reported(evo: WriteStrategy, tmp_path: Path) -> None:
    path = evo("strategy ruin { short when close > 0 * close size 300% }")
    rows = [f"2024-01-{day:02d}{f',{10 * day}' * 4},5" for day in range(1, 29)]
    data = ("--data", csv(tmp_path / "up.csv", *rows), "--max-leverage", "3")
    page = invoke("backtest", path, *data, "--plot").out
    assert "-100.0%" in page
    assert "not yet" in page
    found = document("backtest", path, *data)
    assert found["metrics"]["final_equity"] == 0
    assert found["by_year"] == {"2024": -1.0}
    assert found["trades"][-1]["reason"] == "ruin"


# -- terminals, pipes and signals


@pytest.mark.slow
def test_piped_output_has_no_colour_and_no_truncation(dip: str) -> None:
    with start(
        "backtest", dip, *ONE, "--plot", FORCE_COLOR="", NO_COLOR="1", COLUMNS="60"
    ) as running:
        out, err = running.communicate(timeout=60)
    assert running.returncode == 0, err
    assert "\x1b" not in out
    assert "…" not in out


def test_a_closed_pipe_is_no_error() -> None:
    """Close stdout after one line, like `evolve eval … | head -1`."""
    with start("eval", "close", "--data", "synthetic:walk?bars=20000") as running:
        assert running.stdout is not None and running.stderr is not None
        assert running.stdout.readline() == "time,WALK1\n"
        running.stdout.close()
        assert running.stderr.read() == ""
        assert running.wait(timeout=60) == 0


def test_an_interrupt_ends_a_command_with_one_word() -> None:
    """Write more than the buffer of a pipe, so that the interrupt meets a command that reads."""
    with start("check", "-", stdin=subprocess.PIPE) as running:
        assert running.stdin is not None
        running.stdin.write("#" * 1_000_000)
        running.send_signal(signal.SIGINT)
        out, err = running.communicate(timeout=60)
    assert (running.returncode, out, err.strip()) == (130, "", "interrupted")
