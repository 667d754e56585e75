"""`evolve backtest` at its edges: dearer costs, odd data, odd terminals, a reader that is gone."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pytest

from dsl.analysis.check import check
from dsl.analysis.program import Program
from evolve.backtest.backtest import backtest
from evolve.backtest.market import COSTS, market
from evolve.cli import _run
from evolve.data.generators import random_walk
from evolve.search.grow import grow_rules
from evolve.search.space import build_space
from tests.backtest.test_sleeves import panel_of

DIP = "strategy dip { buy when rsi(close, 3) < 25 sell when rsi(close, 3) > 60 stop 3 * atr(14) }"
ONE = ("--data", "synthetic:garch?seed=7&bars=300")
HEAD = "Date,Open,High,Low,Close,Volume"
EVOLVE = [sys.executable, "-c", "from evolve.cli import main; main()"]


@pytest.fixture
def dip(tmp_path: Path) -> str:
    path = tmp_path / "dip.evo"
    path.write_text(DIP)
    return str(path)


def said(capsys: pytest.CaptureFixture[str], *args: str, status: int = 0) -> tuple[str, str]:
    assert _run(args) == status
    printed = capsys.readouterr()
    assert "Traceback" not in printed.out + printed.err
    assert "fault of evolve" not in printed.err
    return printed.out, printed.err


def figures(capsys: pytest.CaptureFixture[str], *args: str) -> dict[str, Any]:
    made: dict[str, Any] = json.loads(said(capsys, *args, "--json")[0])
    return made


def prices(path: Path, rows: list[str], head: str = HEAD) -> str:
    path.write_text("\n".join([head, *rows]) + "\n")
    return str(path)


# -- dearer markets


@pytest.mark.parametrize("seed", range(3))
def test_dearer_is_never_richer(seed: int) -> None:
    """For who only buys, at the next open, by proportion: no order is dropped for its price."""
    space, rng = build_space(directions=("long",)), Random(seed)
    for bars in (random_walk(300, seed), panel_of(seed)):
        for _ in range(15):
            program = Program("p", grow_rules(space, rng))
            terms = market(
                commission_bps=rng.choice([0, 1, 30]), slippage_bps=rng.choice([0, 5, 50]),
                slippage_range=rng.choice([0, 0.02]), commission_per_share=rng.choice([0, 0.01]),
            )  # fmt: skip
            runs = [backtest(program, bars, terms.dearer(times)) for times in (0, 1, 2, 4)]
            equities = [run.metrics["final_equity"] for run in runs]
            assert equities == sorted(equities, reverse=True)
            assert runs[0].metrics["costs_paid"] == pytest.approx(0.0, abs=1e-6)
            assert len({len(run.trades) for run in runs}) == 1


def test_dearer_is_every_cost_and_nothing_else() -> None:
    terms = market(1234, "next_close", 1, 2, 3, 4, 0.5, 6, 0.07, 8, 0.9)
    dearer = terms.dearer(3.0)
    for name, value in terms._asdict().items():
        times = 3.0 if name in COSTS else 1.0
        assert getattr(dearer, name) == pytest.approx(times * value)
    assert terms.dearer(1.0) == terms


def test_without_costs_all_columns_are_one(dip: str, capsys: pytest.CaptureFixture[str]) -> None:
    free = ("--commission-bps", "0", "--slippage-bps", "0")
    page, _ = said(capsys, "backtest", dip, *ONE, *free)
    table = page.split("at higher costs")[1].split("bars with a true rule")[0]
    rows = [line.split()[-3:] for line in table.splitlines() if re.search(r"\d", line)]
    assert rows[0] == ["1x", "2x", "4x"]
    assert len(rows) == 7
    assert all(len(set(row)) == 1 for row in rows[1:])


# -- fills and volume


def test_a_close_fill_is_called_what_it_is(dip: str, capsys: pytest.CaptureFixture[str]) -> None:
    for fill, words in {
        "close": "filled at the close, as no one can trade",
        "next_close": "filled at the next close\n",
        "next_open": "filled at the next open\n",
    }.items():
        assert words in said(capsys, "backtest", dip, *ONE, "--fill", fill)[0]


def test_a_cap_on_unknown_volume_is_told_of_those_symbols_alone(
    dip: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    days = [f"2024-01-{day:02d},10,12,9,11" for day in range(1, 29)]
    full = prices(tmp_path / "full.csv", [f"{row},1000" for row in days])
    bare = prices(tmp_path / "bare.csv", days, "Date,Open,High,Low,Close")
    data = [word for spec in (full, bare) for word in ("--data", spec)]
    cap = ("--max-volume-share", "0.1")
    assert "volume of bare is not always" in said(capsys, "backtest", dip, *data, *cap)[1]
    assert "volume" not in said(capsys, "backtest", dip, *data)[1]
    assert "volume" not in said(capsys, "backtest", dip, "--data", full, *cap)[1]


# -- odd data and strategies


@pytest.mark.parametrize("bars", [1, 2, 3])
def test_hardly_any_bars(
    bars: int, dip: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = [f"2024-01-0{day},10,12,9,11,5" for day in range(1, bars + 1)]
    data = ("--data", prices(tmp_path / "few.csv", rows))
    page, _ = said(capsys, "backtest", dip, *data, "--plot")
    assert f", {bars} bar" in page
    made = figures(capsys, "backtest", dip, *data)
    assert made["metrics"]["final_equity"] == 10_000
    assert made["by_year"] == {"2024": 0.0}


def test_a_strategy_that_waits_longer_than_the_data_lasts(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path, data = tmp_path / "slow.evo", ("--data", "synthetic:walk?bars=100")
    path.write_text("strategy slow { buy when close > sma(close, 200) sell when close < open }")
    page, _ = said(capsys, "backtest", str(path), *data)
    assert figures(capsys, "backtest", str(path), *data)["trades"] == []
    assert re.search(r"num trades +0 ", page)
    assert "trades (" not in page


def test_hours_are_kept_on_the_page_and_in_the_document(
    dip: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    moments = np.datetime64("2024-01-01T09:30") + np.arange(120) * np.timedelta64(1, "h")
    closes = 100 + 3 * np.sin(np.arange(120) / 3.0)
    rows = [f"{t},{c},{c + 1},{c - 1},{c},9" for t, c in zip(moments, closes, strict=True)]
    data = ("--data", prices(tmp_path / "hours.csv", rows))
    page, _ = said(capsys, "backtest", dip, *data, "--plot")
    assert len(re.findall(r"2024-01-0\d \d\d:30", page)) > 10
    made = figures(capsys, "backtest", dip, *data)
    assert all(trade["entry_time"][13:16] == ":30" for trade in made["trades"])


def test_trades_among_several_symbols_name_theirs(
    dip: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """One symbol never moves, and never trades: whose are the trades?"""
    days = np.datetime64("2024-01-01") + np.arange(100)
    rows = [f"{day},10,12,9,{9.5 + i % 7 / 3},5" for i, day in enumerate(days)]
    flat = prices(tmp_path / "flat.csv", [f"{day},10,10,10,10,5" for day in days])
    lively = prices(tmp_path / "lively.csv", rows)
    page, _ = said(capsys, "backtest", dip, "--data", flat, "--data", lively)
    assert "lively" in page.split("trades (")[1]


def test_a_name_of_a_file_is_no_markup(
    dip: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    days = np.datetime64("2024-01-01") + np.arange(60)
    rows = [f"{day},{name},10,12,9,{10 + i % 3 / 2},5" for name in ("[/b]", "X[red]")
            for i, day in enumerate(days)]  # fmt: skip
    spec = prices(tmp_path / "all.csv", rows, "Date,Symbol,Open,High,Low,Close,Volume")
    for verb in (("backtest", dip, "--data", spec), ("data", spec)):
        page, _ = said(capsys, *verb)
        assert "[/b]" in page
        assert "X[red]" in page


# -- terminals, pipes, and the one who has enough


def started(*args: str, **more: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [*EVOLVE, *args], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env={**os.environ, **more},
    )  # fmt: skip


def test_a_page_that_is_piped_has_no_colour(dip: str) -> None:
    running = started("backtest", dip, *ONE, "--plot", FORCE_COLOR="", NO_COLOR="1", COLUMNS="60")
    out, err = running.communicate(timeout=60)
    assert running.returncode == 0, err
    assert "\x1b" not in out
    assert "…" not in out


def test_a_reader_that_has_gone_is_no_error(dip: str) -> None:
    """`evolve eval … | head -1`: done, and not a word of it."""
    running = started("eval", "close", "--data", "synthetic:walk?bars=20000")
    assert running.stdout is not None
    assert running.stdout.readline() == "time,WALK1\n"
    running.stdout.close()
    assert running.stderr is not None
    err = running.stderr.read()
    running.stderr.close()
    assert (running.wait(timeout=60), err) == (0, "")


def test_ctrl_c_ends_it_in_one_word(dip: str, tmp_path: Path) -> None:
    place = tmp_path / "trades.csv"
    running = started("backtest", dip, "--data", "sample:sp500", "--trades", str(place))
    assert running.stderr is not None
    assert running.stderr.readline().startswith("note: ")  # the data are there, work begins
    running.send_signal(signal.SIGINT)
    out, err = running.communicate(timeout=60)
    assert "Traceback" not in err
    if running.returncode != 0:
        assert (running.returncode, out, err.strip()) == (130, "", "interrupted")
    assert {each.name for each in tmp_path.iterdir()} <= {"dip.evo", "trades.csv"}


def test_a_strategy_that_is_ruined_has_a_page(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "ruin.evo"
    path.write_text("strategy ruin { short when close > 0 * close size 300% }")
    rows = [f"2024-01-{day:02d},{10 * day},{10 * day},{10 * day},{10 * day},5" for day in
            range(1, 29)]  # fmt: skip
    data = ("--data", prices(tmp_path / "up.csv", rows), "--max-leverage", "3")
    page, _ = said(capsys, "backtest", str(path), *data, "--plot")
    assert "-100.0%" in page
    assert "not yet" in page
    made = figures(capsys, "backtest", str(path), *data)
    assert made["metrics"]["final_equity"] == 0
    assert made["by_year"] == {"2024": -1.0}
    assert made["trades"][-1]["reason"] == "ruin"
    assert check(path.read_text()).name == "ruin"
