"""`--start` is the first day traded; earlier bars warm the indicators."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import numpy as np
import pytest

from dsl.analysis.check import check
from evolve.backtest.backtest import backtest
from evolve.backtest.market import market
from evolve.data import DataRequest, load
from tests.cli.conftest import WriteStrategy
from tests.command_line import csv_rows, document, invoke

SAMPLE = ("--data", "sample:sp500")
TWO = ("--data", "synthetic:regime?seed=3&bars=700", "--data", "synthetic:garch?seed=4&bars=500")
TREND = "strategy trend { buy when close > sma(close, 200) sell when close < sma(close, 190) }"


@pytest.fixture
def trend(evo: WriteStrategy) -> str:
    return evo(TREND)


@pytest.mark.parametrize("data", [SAMPLE, TWO], ids=["one", "two"])
def test_signals_and_values_equal_those_of_all_bars(data: tuple[str, ...], trend: str) -> None:
    for command in (("signals", trend), ("eval", "sma(close, 200)")):
        header, *rows = csv_rows(*command, *data)
        cut = csv_rows(*command, *data, "--start", "2000-12-02")
        assert cut == [header, *[row for row in rows if row[0] >= "2000-12-02"]]
        assert len(cut) > 200
    assert all(row[1] for row in cut[1:200])


@pytest.mark.parametrize("data", [SAMPLE, TWO], ids=["one", "two"])
def test_a_backtest_begins_on_the_start_day_with_warm_indicators(
    data: tuple[str, ...], trend: str
) -> None:
    specs = data[1::2]
    cut = ("--start", "2000-12-01")
    found, bars = document("backtest", trend, *data, *cut), load(specs).bars
    first = int(np.searchsorted(bars.time, np.datetime64("2000-12-01")))
    expected = backtest(check(TREND), bars, market(), first)
    assert found["metrics"]["final_equity"] == expected.metrics["final_equity"]
    assert found["benchmark"]["final_equity"] == expected.benchmark_metrics["final_equity"]
    assert len(found["trades"]) == len(expected.trades) > 0
    assert min(trade["entry_time"] for trade in found["trades"]) >= "2000-12-01"
    assert next(iter(found["by_year"])) == "2000"
    window = load(DataRequest(specs, start=date(2000, 12, 1))).bars
    assert found["data"]["bars"] == len(window)
    assert found["data"]["hash"] == window.hash
    assert found["data"]["start"] == str(window.time[0])[:10]
    _, page, err = invoke("backtest", trend, *data, *cut)
    assert page.splitlines()[1].startswith(
        f"{str(window.time[0])[:10]} to {str(window.time[-1])[:10]}, {len(window):,} bars, "
    )
    assert "warm-up" not in err


def test_the_fill_is_named_for_symbols_with_and_without_traded_opens(trend: str) -> None:
    for data, fill in ((SAMPLE, "next close"), ((*SAMPLE, *TWO), "next open")):
        _, window, closes, *_ = invoke("backtest", trend, *data).out.splitlines()
        assert window.endswith(f"filled at the {fill}")
        assert closes.startswith("SP500 without traded opens: filled at the next close; stops")


def test_one_year_can_be_traded(trend: str) -> None:
    year = ("--start", "2018-01-01", "--end", "2018-12-31")
    alone = document("backtest", trend, *SAMPLE, *year)
    whole = document("backtest", trend, *SAMPLE)
    expected = [each for each in whole["trades"] if each["entry_time"] > "2018"]
    times = [(each["entry_time"], each["exit_time"]) for each in alone["trades"]]
    first, *rest = times  # the whole run holds this position since the year before
    assert first[0] == "2018-01-03"
    assert rest == [(each["entry_time"], each["exit_time"]) for each in expected]
    assert len(rest) == 5
    assert alone["data"]["start"] == "2018-01-02"


def test_the_last_position_was_entered_since_the_start(evo: WriteStrategy) -> None:
    path = evo("strategy once { buy when crossover(close, sma(close, 200)) }")
    args = ("signals", path, *SAMPLE, "--end", "2013-12-31", "--last")
    entries = [row[0] for row in csv_rows(*args[:-1]) if row[1] == "1"]
    assert f"long since {entries[0][:4]}" in invoke(*args).out
    after = str(np.datetime64(entries[0]) + np.timedelta64(1, "D"))
    (later,) = [each for each in entries if each >= after][:1]
    assert f"long since {later[:4]}" in invoke(*args, "--start", after).out
    none = ("--start", str(np.datetime64(entries[-1]) + np.timedelta64(1, "D")))
    assert ": flat; orders" in invoke(*args, *none).out


def test_a_warm_up_without_enough_earlier_bars_is_reported(trend: str) -> None:
    few = (*SAMPLE, "--end", "1999-03-03")
    note = "`trend`: a warm-up of 199 bars leaves 0 of 41 bars: use more data"
    for verb in (("backtest", trend), ("signals", trend), ("signals", trend, "--last")):
        assert note in invoke(*verb, *few).err
    other = note.replace("trend", "sma(close, 200)")
    assert other in invoke("eval", "sma(close, 200)", *few).err
    assert "warm-up" not in invoke("eval", "sma(close, 10)", *few).err
    assert "warm-up" not in invoke("backtest", trend, *SAMPLE).err
    late = (*SAMPLE, "--start", "1999-06-01", "--end", "1999-12-31")
    assert "leaves 53 of 150 bars" in invoke("backtest", trend, *late).err


def test_data_is_cut_at_the_start(tmp_path: Path) -> None:
    cut = ("--start", "2018-12-24", "-o", str(tmp_path / "x.csv"))
    out = invoke("data", "sample:sp500", *cut).out
    assert "2018-12-24 to 2018-12-31, 5 bars" in out
    assert len((tmp_path / "x.csv").read_text().splitlines()) == 6
