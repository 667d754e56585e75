"""Test on the holdout: its statistic by hand, its minimum activity and its power."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from dsl.analysis.check import check
from evolve.backtest.backtest import backtest
from evolve.backtest.market import market
from evolve.backtest.performance import Performance, Trades
from evolve.validation.holdout import (
    MIN_BARS_HELD,
    MIN_TRADES,
    HoldoutTest,
    appraisal_returns,
    assess_holdout,
    holdout_power,
)
from evolve.validation.sharpe import CRITICAL_T
from tests.samples import random_bars

TEST = HoldoutTest(t=2.0, ratio=1.0, trades=20, bars_held=60, bars=300, opening=1)


def performance(equity: list[float], benchmark: list[float], cash: list[float]) -> Performance:
    curves = [np.array(each) for each in (equity, benchmark, cash)]
    none = np.zeros(0)
    trades = Trades(none, none, none, none)
    held = np.ones(len(equity))
    return Performance(equity[0], curves[0], curves[1], curves[2], held, trades, 252.0, 1.0)


def test_the_returns_are_those_of_a_hand_computed_regression() -> None:
    """Check r = (.10, .00, .05, -.05) and b = (.04, -.02, .02, .00): beta = .004 / .002 = 2."""
    r, b = np.array([0.10, 0.00, 0.05, -0.05]), np.array([0.04, -0.02, 0.02, 0.00])
    curves = [[1.0, *np.cumprod(1 + each).tolist()] for each in (r, b, np.zeros(4))]
    found = appraisal_returns(performance(*curves))
    np.testing.assert_allclose(found, [0.02, 0.04, 0.01, -0.05], atol=1e-12)


def test_cash_is_taken_off_both_returns() -> None:
    cash = [1.0, 1.01, 1.0201]
    found = appraisal_returns(performance(cash, [1.0, 1.05, 1.02], cash))
    np.testing.assert_allclose(found, 0.0, atol=1e-12)


def test_a_constant_benchmark_has_no_beta() -> None:
    found = appraisal_returns(performance([1.0, 1.1, 1.21], [1.0] * 3, [1.0] * 3))
    np.testing.assert_allclose(found, [0.1, 0.1])


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("symbols", [1, 3])
def test_t_is_the_ratio_over_its_error_at_zero(seed: int, symbols: int) -> None:
    """Check t = mean / deviation * sqrt(T - 1), and the metric: mean / deviation * sqrt(A)."""
    bars = random_bars(seed, 700, symbols)
    program = check("strategy s { buy when close > sma(close, 10) sell when rsi(close, 5) > 60 }")
    result = backtest(program, bars, market(cash_rate=0.02), start=200)
    returns = appraisal_returns(result.performance)
    assert len(returns) == 499
    ratio = float(np.mean(returns) / np.std(returns, ddof=1))
    found = assess_holdout(result, 3)
    assert found.t == pytest.approx(ratio * math.sqrt(498), rel=1e-9)
    assert found.ratio == pytest.approx(
        ratio * math.sqrt(result.performance.bars_per_year), rel=1e-9
    )
    assert found.ratio == result.metrics["appraisal_ratio"]
    assert (found.trades, found.bars, found.opening) == (len(result.trades), 500, 3)
    held = np.array([each.held for each in result.sleeves or (result,)])
    assert found.bars_held == np.count_nonzero(held.any(axis=0))


def test_the_holdout_begins_flat_and_earlier_bars_only_warm_it() -> None:
    bars = random_bars(1, 400)
    program = check("strategy s { buy when sma(close, 150) > 0 hold 3 }")
    whole = assess_holdout(backtest(program, bars, market(), start=200), 1)
    cold = assess_holdout(backtest(program, bars.slice(200, 400), market()), 1)
    assert whole.bars == cold.bars == 200
    assert whole.trades > cold.trades


@pytest.mark.parametrize(
    ("change", "shortage"),
    [
        ({}, ""),
        ({"trades": MIN_TRADES, "bars_held": MIN_BARS_HELD}, ""),
        ({"trades": 9}, "9 closed trades, and at least 10 are needed"),
        ({"bars_held": 29}, "29 bars with a position, and at least 30 are needed"),
        ({"trades": 0, "bars_held": 0}, "0 closed trades, and at least 10 are needed"),
    ],
)
def test_it_needs_ten_trades_and_thirty_bars(change: dict[str, int], shortage: str) -> None:
    found = replace(TEST, **change)
    assert found.shortage == shortage
    assert found.passed == (not shortage)


@pytest.mark.parametrize(
    ("t", "passed"), [(1.644, False), (CRITICAL_T, True), (9.0, True), (-9.0, False)]
)
def test_it_passes_from_the_critical_value_on(t: float, passed: bool) -> None:
    assert replace(TEST, t=t).passed is passed


def test_a_strategy_that_never_trades_has_no_significance() -> None:
    program = check("strategy s { buy when close > 1e9 hold 3 }")
    found = assess_holdout(backtest(program, random_bars(1, 300), market()), 1)
    assert (found.t, found.trades, found.bars_held) == (0.0, 0, 0)
    assert not found.passed


def test_a_strategy_that_holds_the_market_has_no_significance() -> None:
    """Its residual returns are rounding errors, whose ratio could be any number."""
    bars = random_bars(3, 400)
    program = check("strategy s { buy when close > 0 }")
    result = backtest(program, bars, market(commission_bps=0, slippage_bps=0), start=50)
    result = replace(result, performance=replace(result.performance, benchmark=result.equity * 3))
    found = assess_holdout(result, 1)
    assert (found.ratio, found.t) == (0.0, 0.0)
    assert np.ptp(appraisal_returns(result.performance)) > 0.0


def test_the_power_grows_with_the_ratio_and_the_bars() -> None:
    program = check("strategy s { buy when close > sma(close, 10) hold 3 }")
    train = backtest(program, random_bars(2, 900), market(commission_bps=0, slippage_bps=0))
    ratio = train.metrics["appraisal_ratio"] / math.sqrt(train.performance.bars_per_year)
    powers = [holdout_power(train, bars) for bars in (30, 300, 3000, 300_000)]
    assert powers == sorted(powers, reverse=ratio < 0)
    bars = 2 + (CRITICAL_T / ratio) ** 2 if ratio > 0 else 2
    assert holdout_power(train, round(bars)) == pytest.approx(0.5 if ratio > 0 else 0.05, abs=0.01)
