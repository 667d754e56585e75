"""Windows of a walk-forward: their cut, their trades and the account over all of them."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dsl.analysis.check import check
from evolve.backtest.backtest import backtest
from evolve.backtest.market import market
from evolve.backtest.metrics import measure
from evolve.data.split import MIN_PART_BARS
from evolve.errors import EvolveError
from evolve.validation.walk_forward import (
    WalkForward,
    Window,
    WindowResult,
    WindowSearch,
    cut_windows,
    hold,
    stitch,
    trade_window,
)
from tests.samples import random_bars

PROGRAM = check("strategy s { buy when close > sma(close, 5) sell when close < sma(close, 5) }")
COSTS = market(cash_rate=0.02)


@given(
    bars=st.integers(60 * MIN_PART_BARS, 5000), windows=st.integers(2, 30), anchored=st.booleans()
)
def test_windows_cover_the_second_half_without_overlap(
    bars: int, windows: int, anchored: bool
) -> None:
    cut = cut_windows(bars, windows, anchored)
    assert len(cut) == windows
    assert cut[0].begin == bars // 2
    assert cut[-1].end == bars
    for one, other in pairwise(cut):
        assert one.end == other.begin
    lengths = [each.end - each.begin for each in cut]
    assert max(lengths) - min(lengths) <= 1
    assert min(lengths) >= MIN_PART_BARS
    searched = [each.begin - each.first for each in cut]
    assert all(0 <= each.first < each.begin for each in cut)
    assert [each.first for each in cut] == [0] * windows or not anchored
    assert searched == [bars // 2] * windows or anchored


@pytest.mark.parametrize(("bars", "hint"), [(299, "at most 5 windows"), (80, "use more bars")])
def test_too_few_bars_for_the_windows_are_an_error(bars: int, hint: str) -> None:
    with pytest.raises(EvolveError) as caught:
        cut_windows(bars, 5 if bars < 100 else 6, True)
    assert hint in str(caught.value)
    assert f"{bars} bars" in str(caught.value)


BARS = random_bars(11, 400, 2)
WINDOWS = cut_windows(400, 4, True)


def trade_all(*with_winner: bool) -> list[WindowResult]:
    results: list[WindowResult] = []
    capital = COSTS.capital
    for window, has_winner in zip(WINDOWS, with_winner, strict=True):
        search = WindowSearch(window, PROGRAM if has_winner else None, 10)
        results.append(trade_window(search, BARS, COSTS, capital))
        capital = float(results[-1].performance.equity[-1])
    return results


def test_each_window_starts_flat_and_closes_at_its_end() -> None:
    for result in trade_all(True, True, True, True):
        assert result.outside is not None
        window = result.search.window
        times = BARS.time[window.begin : window.end]
        assert np.array_equal(result.outside.time, times)
        assert result.outside.trades
        for trade in result.outside.trades:
            assert times[0] < trade.entry_time <= trade.exit_time <= times[-1]
        profit = sum(each.profit for each in result.outside.trades)
        idle = market(cash_rate=0)
        free = backtest(PROGRAM, BARS, idle, window.begin, window.end)
        assert free.equity[-1] == pytest.approx(
            idle.capital + sum(each.profit for each in free.trades)
        )
        assert np.isfinite(profit)


def test_the_metrics_in_sample_are_those_of_the_bars_before() -> None:
    for result in trade_all(True, True, True, True):
        assert result.inside is not None
        before = BARS.slice(0, result.search.window.begin)
        assert result.inside.metrics == backtest(PROGRAM, before, COSTS).metrics


def test_the_joined_account_compounds_the_windows() -> None:
    results = trade_all(True, False, True, True)
    holding = hold(BARS, COSTS, 200, 400)
    joined = stitch([each.performance for each in results], holding)
    growth = 1.0
    for each in results:
        if each.outside is not None:
            growth *= 1 + each.outside.metrics["total_return"]
        else:
            growth *= each.performance.cash[-1] / each.performance.capital
    metrics = measure(joined)
    assert metrics["total_return"] == pytest.approx(growth - 1, rel=1e-9)
    assert np.array_equal(joined.benchmark, holding.equity)
    assert len(joined.equity) == len(joined.benchmark) == len(joined.cash) == 200
    assert metrics["num_trades"] == sum(
        each.outside.metrics["num_trades"] for each in results if each.outside
    )
    assert measure(holding)["total_return"] == pytest.approx(
        backtest(PROGRAM, BARS, COSTS, 200).benchmark_metrics["total_return"]
    )


def test_a_window_without_a_winner_earns_the_cash_rate() -> None:
    result = trade_all(False, True, True, True)[0]
    assert (result.inside, result.outside) == (None, None)
    days = (BARS.time[249] - BARS.time[200]) / np.timedelta64(1, "D")
    expected = COSTS.capital * (1 + 0.02 * days / 365)
    assert result.performance.equity[-1] == pytest.approx(expected, rel=1e-4)
    assert not result.performance.held.any()
    assert len(result.performance.trades.profits) == 0


def test_a_ruined_account_does_not_trade_again() -> None:
    search = WindowSearch(WINDOWS[0], PROGRAM, 10)
    result = trade_window(search, BARS, COSTS, 0.0)
    assert not result.performance.equity.any()
    assert result.outside is not None
    assert result.outside.metrics["num_trades"] > 0


def walk(*results: WindowResult, metric: str = "total_return") -> WalkForward:
    holding = hold(BARS, COSTS, 200, results[-1].search.window.end)
    joined = stitch([each.performance for each in results], holding)
    return WalkForward(metric, 4, True, 0, BARS.time, results, joined, holding)


def test_efficiency_and_spread_are_over_the_windows_with_a_winner() -> None:
    results = trade_all(True, False, True, True)
    found = walk(*results)
    traded = [each for each in results if each.outside and each.inside]
    inside = [each.inside.metrics["total_return"] for each in traded if each.inside]
    outside = [each.outside.metrics["total_return"] for each in traded if each.outside]
    assert found.spread == pytest.approx(np.std(outside, ddof=1))
    expected = np.mean(outside) / np.mean(inside) if np.mean(inside) > 0 else None
    assert found.efficiency == pytest.approx(expected)
    assert found.trials == 40
    assert found.is_complete
    assert not walk(*results[:2]).is_complete


def test_without_winners_there_is_no_efficiency_and_no_spread() -> None:
    found = walk(*trade_all(False, False, False, False))
    assert (found.efficiency, found.spread) == (None, None)
    assert found.metrics["num_trades"] == 0


def test_an_undefined_metric_gives_no_efficiency_and_no_spread() -> None:
    never = check("strategy never { buy when close < 0 sell when close > 0 }")
    search = [WindowSearch(each, never, 1) for each in (Window(0, 200, 250), Window(0, 250, 300))]
    results = [trade_window(each, BARS, COSTS, COSTS.capital) for each in search]
    found = walk(*results, metric="win_rate")
    assert (found.efficiency, found.spread) == (None, None)
