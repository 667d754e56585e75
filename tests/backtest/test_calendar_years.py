"""Bars per year and yearly growth, by the calendar, at every frequency."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dsl.analysis.check import check
from dsl.bars import Bars
from dsl.calendar_time import bars_per_year, trades_weekends, years_between
from evolve.backtest.backtest import Backtest, backtest
from evolve.backtest.market import market
from evolve.cli import _run
from evolve.data.align import align
from evolve.data.tables.frames import bars_from_frame
from evolve.fitness.fitness import FoldFitness
from evolve.fitness.goals import FitnessSpec

GROWTH = 0.24
FREE = market(commission_bps=0, slippage_bps=0)
HOLD = check("strategy keep { buy when true }")
START = "2012-01-02"
DAYS = pd.date_range(START, "2019-12-31")
WORKDAYS = pd.bdate_range(START, "2019-12-31")
SIX_DAYS = pd.DatetimeIndex([day for day in DAYS if day.day_of_week != 5])
RNG = np.random.default_rng(3)


def every(freq: str, count: int) -> pd.DatetimeIndex:
    return pd.date_range(START, periods=count, freq=freq)


def sessions(days: int, minutes: int) -> pd.DatetimeIndex:
    """Return bars of workdays from 9:30 to 16:00."""
    clock = pd.to_timedelta(np.arange(570, 960, minutes), unit="m")
    return pd.DatetimeIndex([day + time for day in WORKDAYS[:days] for time in clock])


def some(times: pd.DatetimeIndex, share: float) -> pd.DatetimeIndex:
    return times[RNG.random(len(times)) < share]


def without_years(times: pd.DatetimeIndex, *years: int) -> pd.DatetimeIndex:
    return times[~np.isin(times.year, years)]


NOMINAL = {  # bars per year by convention
    "days with weekends": (DAYS, 365),
    "workdays": (WORKDAYS, 252),
    "workdays with holidays": (some(WORKDAYS, 0.965), 252),
    "Sunday to Thursday": (WORKDAYS - pd.Timedelta(days=1), 252),
    "weeks": (every("7D", 300), 52),
    "months": (every("ME", 120), 12),
    "months, first workday": (every("BMS", 120), 12),
    "quarters": (every("QE", 40), 4),
    "hours round the clock": (every("h", 24 * 200), 365 * 24),
    "hours of sessions": (sessions(300, 60), 252 * 7),
    "5 minutes round the clock": (every("5min", 288 * 60), 365 * 288),
    "5 minutes of sessions": (sessions(100, 5), 252 * 78),
    "a coin with a few days lost": (some(DAYS, 0.95), 365),
}
UNUSUAL = {  # bars per year by the calendar
    "2 days": (every("2D", 900), 365.25 / 2),
    "3 days": (every("3D", 600), 365.25 / 3),
    "4 days": (every("4D", 500), 365.25 / 4),
    "5 days": (every("5D", 400), 365.25 / 5),
    "every second workday": (WORKDAYS[::2], 365.25 * 5 / 7 / 2),
    "every third workday": (WORKDAYS[::3], 365.25 * 5 / 7 / 3),
    "10 days": (every("10D", 200), 365.25 / 10),
    "2 weeks": (every("14D", 150), 365.25 / 14),
    "2 months": (every("2ME", 60), 6),
    "6 months": (every("6ME", 40), 2),
    "years": (every("YE", 30), 1),
    "days of currencies with a short Sunday": (SIX_DAYS, 365.25 * 6 / 7),
}
LOST = {  # bars over calendar years
    "sparse days": some(DAYS, 0.3),
    "sparse workdays": some(WORKDAYS, 0.5),
    "workdays with missing years": without_years(WORKDAYS, 2014, 2015, 2016),
    "weeks with missing years": without_years(every("7D", 400), 2014, 2015),
}


def bars_of(times: pd.DatetimeIndex, symbol: str = "A") -> Bars:
    """Build bars of a price that grows by a known rate a year."""
    years = (times - pd.Timestamp(START)) / pd.Timedelta(days=365.25)
    price = 100 * (1 + GROWTH) ** years.to_numpy()
    prices = dict.fromkeys(("Open", "High", "Low", "Close"), price)
    return bars_from_frame(pd.DataFrame({"Date": times, **prices}), symbol, "a", str)


def held(bars: Bars, start: int = 0, stop: int | None = None) -> Backtest:
    return backtest(HOLD, bars, FREE, start, stop)


def assert_grows(bars: Bars, rate: float) -> None:
    assert bars.bars_per_year == pytest.approx(rate, rel=2e-3)
    run = held(bars)
    assert run.performance.bars_per_year == run.holding.bars_per_year == bars.bars_per_year
    assert run.benchmark_metrics["cagr"] == pytest.approx(GROWTH, rel=1e-9)
    deviation = np.std(run.performance.returns, ddof=1)
    yearly = np.sqrt(bars.bars_per_year) * deviation
    assert run.metrics["volatility"] == pytest.approx(yearly, abs=1e-12)


@pytest.mark.parametrize("name", NOMINAL)
def test_a_usual_frequency_has_its_nominal_rate(name: str) -> None:
    times, rate = NOMINAL[name]
    bars = bars_of(times)
    assert bars.bars_per_year == rate
    assert_grows(bars, rate)


@pytest.mark.parametrize("name", UNUSUAL)
def test_an_unusual_frequency_has_the_rate_of_the_calendar(name: str) -> None:
    assert_grows(bars_of(UNUSUAL[name][0]), UNUSUAL[name][1])


@pytest.mark.parametrize("name", LOST)
def test_missing_bars_are_not_counted(name: str) -> None:
    times = LOST[name]
    assert_grows(bars_of(times), (len(times) - 1) / ((times[-1] - times[0]).days / 365.25))


# -- panels: the union of the times counts

CLOCK = pd.Timedelta(hours=14.5)
PANELS = {
    "weeks of Fridays beside weeks of Mondays": (
        pd.date_range("2012-01-06", periods=300, freq="7D"),
        pd.date_range("2012-01-02", periods=300, freq="7D"),
        365.25 * 2 / 7,
    ),
    "a coin beside a stock stamped 14:30": (DAYS, WORKDAYS + CLOCK, 365.25 * 12 / 7),
    "a coin beside a stock": (DAYS, WORKDAYS, 365),
    "two stocks with other clocks": (WORKDAYS, WORKDAYS + CLOCK, 504),
    "months at their start and their end": (every("MS", 90), every("ME", 90), 24),
    "a stock that ends": (WORKDAYS, WORKDAYS[:500], 252),
}


@pytest.mark.parametrize("name", PANELS)
def test_the_rate_of_a_panel_is_that_of_its_times(name: str) -> None:
    one, other, rate = PANELS[name]
    bars = align([bars_of(one, "A"), bars_of(other, "B")])
    assert bars.bars_per_year == pytest.approx(rate, rel=0.01)
    run = held(bars)
    rates = {each.performance.bars_per_year for each in (run, *run.sleeves)}
    assert rates == {bars.bars_per_year}
    years = {each.performance.years for each in (run, *run.sleeves)}
    assert years == {bars.years}
    grown = run.metrics["final_equity"] / 10_000
    assert run.metrics["cagr"] == pytest.approx(grown ** (1 / bars.years) - 1)


# -- windows


@pytest.mark.parametrize("name", [*NOMINAL, *UNUSUAL])
def test_each_half_of_usual_bars_has_the_rate_of_the_whole(name: str) -> None:
    times = (NOMINAL | UNUSUAL)[name][0]
    bars, half = bars_of(times), len(times) // 2
    for start, stop in ((0, half), (half, len(times))):
        run = held(bars, start, stop)
        assert run.performance.bars_per_year == pytest.approx(bars.bars_per_year, rel=0.02)
        assert run.benchmark_metrics["cagr"] == pytest.approx(GROWTH, rel=1e-9)


def test_the_rate_of_a_window_is_that_of_its_bars() -> None:
    """Precede the window by bars of another frequency."""
    times = pd.DatetimeIndex([*every("7D", 200), *pd.date_range("2016-01-01", periods=365)])
    bars = bars_of(times)
    assert held(bars, 200).performance.bars_per_year == 365
    assert held(bars, 0, 200).performance.bars_per_year == 52
    sharpe = FitnessSpec(("sharpe",), (), {}, 1, 0.0)
    noisy = bars_from_frame(
        pd.DataFrame({"Date": times} | {
            name: 100 + np.sin(np.arange(len(times)) * 2.0)
            for name in ("Open", "High", "Low", "Close")
        }), "A", "a", str,
    )  # fmt: skip
    (scores,) = FoldFitness(noisy, FREE, sharpe, start=200)([HOLD])
    run = held(noisy, 200)
    assert scores.values[0] == pytest.approx(run.metrics["sharpe"], rel=1e-6)


SHORT = {  # windows too short for the calendar
    "Monday to Friday": (WORKDAYS[:5], 252),
    "a day and the next": (WORKDAYS[:2], 252),
    "two weeks": (WORKDAYS[:10], 252),
    "a week with a holiday": (WORKDAYS[[0, 1, 3, 4, 5]], 252),
    "four weeks": (WORKDAYS[:20], 252),
    "Monday to Sunday of a coin": (DAYS[:7], 365),
    "a month of a coin": (DAYS[:31], 365),
    "a session of 5 minutes": (sessions(1, 5), 252 * 78),
    "two weeks of minutes": (sessions(10, 1), 252 * 390),
    "a day of a coin's hours, on Saturday": (
        pd.date_range("2012-01-07", periods=24, freq="h"), 365 * 24,
    ),
    "three weeks": (every("7D", 3), 52),
    "two months": (every("ME", 2), 12),
    "a month of every third day": (every("3D", 11), 365.25 / 3),
    "three weeks of every second day": (every("2D", 11), 365.25 / 2),
    "two months of every tenth day": (every("10D", 6), 365.25 / 10),
}  # fmt: skip


@pytest.mark.parametrize("name", SHORT)
def test_a_short_window_has_the_nominal_rate(name: str) -> None:
    times, rate = SHORT[name]
    assert bars_per_year(times.to_numpy()) == pytest.approx(rate)


@given(first=st.integers(0, 1000), count=st.integers(2, 300))
@settings(max_examples=200)
def test_windows_of_workdays_have_252_and_of_a_coin_365(first: int, count: int) -> None:
    assert bars_per_year(WORKDAYS[first : first + count].to_numpy()) in (252, 365.25 / 3)
    if count > 6:
        assert bars_per_year(DAYS[first : first + count].to_numpy()) == 365


@given(
    days=st.lists(st.integers(0, 4000), min_size=2, max_size=60, unique=True),
    hours=st.sampled_from([0, 7, 14]),
)
def test_the_rate_is_close_to_that_of_the_calendar(days: list[int], hours: int) -> None:
    """Allow a tenth, or the length of a long weekend."""
    time = (np.datetime64("2000-01-01", "h") + np.sort(days) * 24 + hours).astype("datetime64[ns]")
    returns, years = len(days) - 1, (max(days) - min(days)) / 365.25
    assert years_between(time) == pytest.approx(years)
    rate = bars_per_year(time)
    is_near = abs(rate - returns / years) <= 0.1 * returns / years * (1 + 1e-9)
    assert is_near or abs(returns / rate - years) <= 4 / 365.25 + 1e-12


@pytest.mark.parametrize("count", [0, 1])
def test_fewer_than_two_bars_have_no_years(count: int) -> None:
    time = WORKDAYS[:count].to_numpy()
    assert years_between(time) == 0.0
    assert bars_per_year(time) == 252
    assert not trades_weekends(time)


def test_a_coin_trades_weekends_and_no_other_market_does() -> None:
    assert trades_weekends(DAYS.to_numpy())
    assert trades_weekends(some(DAYS, 0.8).to_numpy())
    assert trades_weekends(every("h", 1000).to_numpy())
    for times in (WORKDAYS, WORKDAYS - pd.Timedelta(days=1), SIX_DAYS):
        assert not trades_weekends(times.to_numpy())


# -- printed rates


def test_all_reports_print_the_same_rate(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    times = every("3D", 400)
    price = 100 + np.sin(np.arange(400))
    path, strategy = tmp_path / "A.csv", tmp_path / "hold.evo"
    frame = pd.DataFrame({"Date": times, "Open": price, "High": price, "Low": price})
    frame.assign(Close=price).to_csv(path, index=False)
    strategy.write_text("strategy keep { buy when true }")
    assert _run(["data", str(path)]) == 0
    assert "per year   121.8 bars\n" in capsys.readouterr().out
    assert _run(["backtest", str(strategy), "--data", str(path)]) == 0
    assert "400 bars, 121.8 per year" in capsys.readouterr().out
    assert _run(["backtest", str(strategy), "--data", str(path), "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["data"]["bars_per_year"] == pytest.approx(121.75)
    growth = document["benchmark"]["total_return"] + 1
    assert document["benchmark"]["cagr"] == pytest.approx(growth ** (365.25 / 1197) - 1)
