"""`--start` is the first day traded; earlier bars warm the indicators."""

from __future__ import annotations

import csv
import io
import json
from datetime import date
from pathlib import Path

import numpy as np
import pytest

from dsl.analysis.check import check
from evolve.backtest.backtest import backtest
from evolve.backtest.market import market
from evolve.cli import _run
from evolve.data import load

SAMPLE = ("--data", "sample:sp500")
TWO = ("--data", "synthetic:regime?seed=3&bars=700", "--data", "synthetic:garch?seed=4&bars=500")
TREND = "strategy trend { buy when close > sma(close, 200) sell when close < sma(close, 190) }"


@pytest.fixture
def trend(tmp_path: Path) -> str:
    path = tmp_path / "trend.evo"
    path.write_text(TREND)
    return str(path)


def printed(capsys: pytest.CaptureFixture[str], *args: str) -> tuple[str, str]:
    assert _run(args) == 0
    captured = capsys.readouterr()
    return captured.out, captured.err


def rows(text: str) -> list[list[str]]:
    return list(csv.reader(io.StringIO(text)))


@pytest.mark.parametrize("data", [SAMPLE, TWO], ids=["one", "two"])
def test_signals_and_values_are_those_of_all_the_bars(
    data: tuple[str, ...], trend: str, capsys: pytest.CaptureFixture[str]
) -> None:
    whole = {}
    for verb in (("signals", trend), ("eval", "sma(close, 200)")):
        for start in ((), ("--start", "2000-12-02")):
            whole[verb, start], _ = printed(capsys, *verb, *data, *start)
        head, *all_rows = rows(whole[verb, ()])
        assert [head, *[row for row in all_rows if row[0] >= "2000-12-02"]] == rows(
            whole[verb, ("--start", "2000-12-02")]
        )
    assert all(row[1] for row in rows(whole[verb, ("--start", "2000-12-02")])[1:200])


@pytest.mark.parametrize("data", [SAMPLE, TWO], ids=["one", "two"])
def test_the_backtest_begins_on_the_day_with_warm_indicators(
    data: tuple[str, ...], trend: str, capsys: pytest.CaptureFixture[str]
) -> None:
    specs = data[1::2]
    cut = ("--start", "2000-12-01")
    out, err = printed(capsys, "backtest", trend, *data, *cut, "--json")
    document, bars = json.loads(out), load(specs).bars
    first = int(np.searchsorted(bars.time, np.datetime64("2000-12-01")))
    expected = backtest(check(TREND), bars, market(), first)
    assert document["metrics"]["final_equity"] == expected.metrics["final_equity"]
    assert document["benchmark"]["final_equity"] == expected.benchmark_metrics["final_equity"]
    assert len(document["trades"]) == len(expected.trades) > 0
    assert min(trade["entry_time"] for trade in document["trades"]) >= "2000-12-01"
    assert next(iter(document["by_year"])) == "2000"
    window = load(specs, start=date(2000, 12, 1)).bars
    assert document["data"]["bars"] == len(window)
    assert document["data"]["hash"] == window.hash
    assert document["data"]["start"] == str(window.time[0])[:10]
    page, _ = printed(capsys, "backtest", trend, *data, *cut)
    assert page.splitlines()[1].startswith(
        f"{str(window.time[0])[:10]} to {str(window.time[-1])[:10]}, {len(window):,} bars, "
    )
    assert "warm-up" not in err


def test_the_page_names_the_fill_of_symbols_with_and_without_traded_opens(
    trend: str, capsys: pytest.CaptureFixture[str]
) -> None:
    for data, fill in ((SAMPLE, "next close"), ((*SAMPLE, *TWO), "next open")):
        page, _ = printed(capsys, "backtest", trend, *data)
        _, window, closes, *_ = page.splitlines()
        assert window.endswith(f"filled at the {fill}")
        assert closes.startswith("SP500 without traded opens: filled at the next close; stops")


def test_a_year_is_traded_alone(trend: str, capsys: pytest.CaptureFixture[str]) -> None:
    year = ("--start", "2018-01-01", "--end", "2018-12-31", "--json")
    alone = json.loads(printed(capsys, "backtest", trend, *SAMPLE, *year)[0])
    whole = json.loads(printed(capsys, "backtest", trend, *SAMPLE, "--json")[0])
    expected = [each for each in whole["trades"] if each["entry_time"] > "2018"]
    times = [(each["entry_time"], each["exit_time"]) for each in alone["trades"]]
    first, *rest = times  # it buys at once what the whole run holds since the year before
    assert first[0] == "2018-01-03"
    assert rest == [(each["entry_time"], each["exit_time"]) for each in expected]
    assert len(rest) == 5
    assert alone["data"]["start"] == "2018-01-02"


def test_the_position_of_today_is_one_entered_since_the_start(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "once.evo"
    path.write_text("strategy once { buy when crossover(close, sma(close, 200)) }")
    args = ("signals", str(path), *SAMPLE, "--end", "2013-12-31", "--last")
    entries = [row[0] for row in rows(printed(capsys, *args[:-1])[0]) if row[1] == "1"]
    assert f"long since {entries[0][:4]}" in printed(capsys, *args)[0]
    after = str(np.datetime64(entries[0]) + np.timedelta64(1, "D"))
    (later,) = [each for each in entries if each >= after][:1]
    assert f"long since {later[:4]}" in printed(capsys, *args, "--start", after)[0]
    none = ("--start", str(np.datetime64(entries[-1]) + np.timedelta64(1, "D")))
    assert ": flat; orders" in printed(capsys, *args, *none)[0]


def test_a_warm_up_that_earlier_bars_do_not_cover_is_noted(
    trend: str, capsys: pytest.CaptureFixture[str]
) -> None:
    few = (*SAMPLE, "--end", "1999-03-03")
    note = "`trend`: a warm-up of 199 bars leaves 0 of 41 bars: take more data"
    for verb in (("backtest", trend), ("signals", trend), ("signals", trend, "--last")):
        assert note in printed(capsys, *verb, *few)[1]
    assert (
        note.replace("trend", "sma(close, 200)")
        in printed(capsys, "eval", "sma(close, 200)", *few)[1]
    )
    assert "warm-up" not in printed(capsys, "eval", "sma(close, 10)", *few)[1]
    assert "warm-up" not in printed(capsys, "backtest", trend, *SAMPLE)[1]
    late = (*SAMPLE, "--start", "1999-06-01", "--end", "1999-12-31")
    assert "leaves 53 of 150 bars" in printed(capsys, "backtest", trend, *late)[1]


def test_data_is_cut(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out, _ = printed(
        capsys, "data", "sample:sp500", "--start", "2018-12-24", "-o", str(tmp_path / "x.csv")
    )
    assert "2018-12-24 to 2018-12-31, 5 bars" in out
    assert len((tmp_path / "x.csv").read_text().splitlines()) == 6
