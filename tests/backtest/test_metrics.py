"""Metrics against published figures, against numpy, and on degenerate backtests."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from dsl.analysis.check import check
from evolve.backtest.appraisal import ReturnSums, appraisal
from evolve.backtest.backtest import Backtest, backtest
from evolve.backtest.market import Market, market
from evolve.backtest.metrics import METRICS, measure
from evolve.backtest.performance import Performance, Trades, bar_returns
from evolve.data.generators import random_walk
from tests.backtest.ledger import bars_of, free, play, scripted

RETURNS = [0.01, -0.02, 0.015, 0, 0.005, -0.01, 0.02, -0.005, 0, 0.012]
FIGURES = {
    "sharpe": 3.504666,
    "sortino": 5.915404,
    "max_drawdown": -0.02,
    "calmar": 46.98767,
    "cagr": 0.9397534,
}
A = 252.0


def curve(
    returns: NDArray[np.float64] | list[float], capital: float = 10_000.0
) -> NDArray[np.float64]:
    """Return equity that starts at the capital and has these returns."""
    grown: NDArray[np.float64] = capital * np.cumprod(
        np.concatenate([[1.0], 1 + np.array(returns)])
    )
    return grown


def run_of(
    returns: NDArray[np.float64] | list[float],
    benchmark: NDArray[np.float64] | list[float] | None = None,
    cash_rate: float = 0.0,
) -> Performance:
    equity = curve(returns)
    other = equity if benchmark is None else curve(benchmark)
    return Performance(
        capital=10_000.0,
        equity=equity,
        benchmark=other,
        cash=curve([cash_rate / A] * len(returns)),
        held=np.ones(len(equity), np.bool_),
        trades=Trades(
            profits=np.array([equity[-1] - equity[0]]),
            costs=np.array([3.0]),
            turnover=np.array([20_000.0]),
            bars=np.array([float(len(returns))]),
        ),
        bars_per_year=A,
        years=len(returns) / A,
    )


def test_figures_of_other_libraries() -> None:
    found = measure(run_of(RETURNS))
    assert {name: found[name] for name in FIGURES} == pytest.approx(FIGURES, rel=2e-7)


@pytest.mark.parametrize("rate", [0.0, 0.04])
def test_every_metric_of_a_curve_against_numpy(rate: float) -> None:
    """Compute each metric from equity, benchmark and days, with ratios in excess of cash."""
    bars = random_walk(600, 3)
    program = check("strategy s { buy when close > sma(close, 20) sell when close < sma(close, 20) }")  # fmt: skip # noqa: E501
    run = backtest(program, bars, market(cash_rate=rate))
    found, root, count = run.metrics, math.sqrt(252), len(bars)
    days = np.diff(bars.time) / np.timedelta64(1, "D")
    cash = rate * days / 365
    own, other = (curve[1:] / curve[:-1] - 1 for curve in (run.equity, run.benchmark))
    r, b = own - cash, other - cash
    beta = np.cov(r, b)[0, 1] / np.var(b, ddof=1)
    residual = r - beta * b
    scaled = 1 + cash + r * b.std() / r.std()
    path = np.concatenate([[1.0], np.cumprod(scaled)])
    growth = run.equity[-1] / 10_000
    expected = {
        "sharpe": root * r.mean() / r.std(ddof=1),
        "sortino": root * r.mean() / math.sqrt((np.minimum(r, 0) ** 2).sum() / (count - 1)),
        "beta": beta,
        "alpha": 252 * residual.mean(),
        "appraisal_ratio": root * residual.mean() / residual.std(ddof=1),
        "information_ratio": root * (r - b).mean() / (r - b).std(ddof=1),
        "volatility": root * own.std(ddof=1),
        "total_return": growth - 1,
        "cagr": growth ** (365.25 / days.sum()) - 1,
        "return_at_benchmark_volatility": path[-1] - 1,
        "drawdown_at_benchmark_volatility": (path / np.maximum.accumulate(path) - 1).min(),
    }
    assert {name: found[name] for name in expected} == pytest.approx(expected, rel=1e-7)


@pytest.mark.parametrize("seed", range(20))
def test_the_appraisal_ratio_is_the_sharpe_ratio_of_residual_returns(seed: int) -> None:
    rng = np.random.default_rng(seed)
    b = rng.normal(rng.normal(0, 0.001), 0.01, 250)
    r = rng.normal(0, 0.003, 250) + rng.normal() * b
    if seed % 2:
        r[rng.random(250) < 0.8] = 0.0  # mostly flat, as strategies are
    residual = r - np.cov(r, b)[0, 1] / np.var(b, ddof=1) * b
    expected = math.sqrt(A) * residual.mean() / residual.std(ddof=1)
    assert measure(run_of(r, b))["appraisal_ratio"] == pytest.approx(expected, rel=1e-7)


def test_the_appraisal_ratio_does_not_depend_on_beta() -> None:
    rng = np.random.default_rng(1)
    b, own = rng.normal(0.001, 0.01, 400), rng.normal(0.0005, 0.004, 400)
    own = own - np.cov(own, b)[0, 1] / np.var(b, ddof=1) * b
    values = [measure(run_of(own + beta * b, b))["appraisal_ratio"] for beta in (-1, 0, 0.5, 2)]
    assert values == pytest.approx([values[0]] * 4, rel=1e-6)


def test_the_benchmark_has_no_alpha_against_itself() -> None:
    rng = np.random.default_rng(2)
    found = measure(run_of(rng.normal(0.0005, 0.01, 1000)))
    assert found["appraisal_ratio"] == 0.0
    assert found["information_ratio"] == 0.0
    assert found["beta"] == pytest.approx(1.0)
    assert found["alpha"] == pytest.approx(0.0, abs=1e-12)
    assert found["return_at_benchmark_volatility"] == pytest.approx(found["total_return"])
    assert found["drawdown_at_benchmark_volatility"] == pytest.approx(found["max_drawdown"])


@pytest.mark.parametrize("leverage", [0.25, 0.5, 1.0, -1.0, 3.0])
def test_a_multiple_of_the_benchmark_has_no_appraisal_ratio(leverage: float) -> None:
    b = np.random.default_rng(3).normal(0.0005, 0.01, 1000)
    found = measure(run_of(leverage * b, b))
    assert found["appraisal_ratio"] == 0.0
    assert found["beta"] == pytest.approx(leverage)


def test_ratios_without_variance_are_0() -> None:
    for returns in ([0.0] * 10, [0.001] * 10):
        for benchmark in ([0.0] * 10, RETURNS):
            found = measure(run_of(returns, benchmark))
            assert found["sharpe"] == 0.0
            assert found["appraisal_ratio"] == 0.0
    assert measure(run_of([0.0] * 10, RETURNS))["sortino"] == 0.0
    assert measure(run_of(RETURNS, [0.0] * 10))["beta"] == 0.0


def test_with_a_constant_benchmark_the_appraisal_ratio_is_the_sharpe_ratio() -> None:
    found = measure(run_of(RETURNS, [0.0] * 10))
    assert found["appraisal_ratio"] == pytest.approx(found["sharpe"])


def test_the_appraisal_ratio_from_sums_equals_the_metric() -> None:
    rng = np.random.default_rng(4)
    r, b = rng.normal(0, 0.01, 60), rng.normal(0, 0.01, 60)

    def ratio(count: int) -> float:
        x, y = r[:count], b[:count]
        sums = (x.sum(), (x * x).sum(), (x * y).sum(), y.sum(), (y * y).sum())
        return float(appraisal(ReturnSums(count, *map(float, sums)), A))

    for count in (3, 10, 60):
        expected = measure(run_of(r[:count], b[:count]))["appraisal_ratio"]
        assert ratio(count) == pytest.approx(expected, rel=1e-7)
    assert ratio(0) == ratio(1) == 0.0


def test_bar_returns_after_ruin_are_0() -> None:
    assert bar_returns(np.array([100.0, 50.0, 0.0, 0.0])).tolist() == [-0.5, -1.0, 0.0]


def test_drawdown_counts_the_capital_and_its_bars() -> None:
    # 990 of 1000 on bar 1, a high of 1100 on bar 2, a fall to 880, and recovery on bar 5.
    result = play(
        "10 buy | 10 10 10 9.9 | 9.9 11 9.9 11 | 11 11 8.8 8.8 | 8.8 10 8.8 9.9 | 9.9 12 9.9 12"
    )
    assert result.metrics["max_drawdown"] == pytest.approx(-0.2)
    assert result.metrics["max_drawdown_bars"] == 3
    # A first bar below the capital is a drawdown.
    begun = replace(result.performance, equity=result.equity[1:2])
    assert METRICS["max_drawdown"].compute(begun) == pytest.approx(-0.01)


def test_metrics_of_a_ledger() -> None:
    # Two longs of all the money: 1000 -> 1500 from 10 to 15, then 1500 -> 1200 from 10 to 8.
    result = play("10 buy | 10 15 10 15 sell | 15 15 10 10 buy | 10 | 8")
    found = result.metrics
    assert found["num_trades"] == 2
    assert found["win_rate"] == 0.5
    assert found["profit_factor"] == pytest.approx(500 / 300)
    assert found["avg_trade"] == pytest.approx(100)
    assert found["costs_paid"] == 0.0
    assert found["final_equity"] == pytest.approx(1200)
    assert found["total_return"] == pytest.approx(0.2)
    # A position at the closes of 1, 3 and 4; the one sold at the last close is gone by then.
    assert found["exposure"] == pytest.approx(3 / 6)
    # Traded 1000 + 1500 + 1500 + 1200 in 5 days: a year has 365.25 of them.
    assert result.performance.bars_per_year == 365.0
    mean = (1000 + 1500 + 1500 + 1500 + 1200 + 1200) / 6
    assert found["turnover"] == pytest.approx(5200 / mean / (5 / 365.25))


# -- degenerate backtests

BARS = (
    "10 11 9 10 buy | 12 13 11 12 sell | 13 14 12 13 short | 12 13 11 12 cover | 11 12 10 11"
    "| 10 11 9 10"
)
STILL = "10 buy"
JUMP = BARS.replace("12 13 11 12 sell", "10 9e5 10 9e5 sell")
MISSING = ". buy"
NEVER, ALWAYS, SHORT = (
    f"strategy s {{ {rule} }}" for rule in ("buy when false", "buy when true", "short when true")
)
RUNS: dict[str, Callable[[], Backtest]] = {
    "no trades": lambda: run(NEVER, BARS, free()),
    "no trades, interest": lambda: run(NEVER, BARS, free(cash_rate=0.05)),
    "no bar": lambda: run(ALWAYS, BARS, free(), 2, 2),
    "one bar": lambda: run(ALWAYS, BARS, free(), 0, 1),
    "one bar, later": lambda: run(ALWAYS, BARS, free(), 3, 4),
    "two bars": lambda: run(ALWAYS, BARS, free(), 0, 2),
    "two bars, hardly any money": lambda: run(ALWAYS, BARS, free(commission_minimum=999.0), 0, 2),
    "two bars, riches": lambda: run(ALWAYS, JUMP, free(), 0, 2),
    "a price that never moves": lambda: run(ALWAYS, STILL, free()),
    "no prices": lambda: run(ALWAYS, MISSING, free()),
    "ruin": lambda: run(SHORT, JUMP, free(cash_rate=0.1, borrow_bps=50)),
    "ruin at the close": lambda: run(SHORT, JUMP, free(fill="close")),
    "costs eat all": lambda: run(
        scripted(), BARS, free(commission_bps=9000.0, slippage_bps=3000.0)
    ),
}


def run(text: str, line: str, costs: Market, start: int = 0, stop: int | None = None) -> Backtest:
    return backtest(check(text), bars_of(line), costs, start, stop)


@pytest.mark.parametrize("name", RUNS)
@pytest.mark.parametrize("whose", ["strategy", "benchmark"])
def test_every_metric_is_finite_or_nan(name: str, whose: str) -> None:
    result = RUNS[name]()
    found = result.metrics if whose == "strategy" else result.benchmark_metrics
    assert list(found) == list(METRICS)
    assert {each: value for each, value in found.items() if math.isinf(value)} == {}


def test_a_ruined_run_has_lost_everything() -> None:
    found = RUNS["ruin"]().metrics
    assert found["total_return"] == found["max_drawdown"] == -1.0
    assert found["final_equity"] == 0.0


def test_a_run_without_trades() -> None:
    found = RUNS["no trades"]().metrics
    assert found["num_trades"] == found["exposure"] == found["turnover"] == 0.0
    assert found["sharpe"] == found["appraisal_ratio"] == found["sortino"] == 0.0
    assert found["total_return"] == found["max_drawdown"] == found["cagr"] == 0.0
    assert math.isnan(found["win_rate"])
    assert math.isnan(found["profit_factor"])
    assert math.isnan(found["avg_trade"])


def test_benchmark_metrics_are_those_of_buying_and_holding() -> None:
    bars = random_walk(400, seed=9)
    result = backtest(check("strategy s { buy when false }"), bars, free(10_000.0))
    found = result.benchmark_metrics
    held = 10_000.0 / bars.open[0, 0] * bars.close[0]
    assert result.benchmark.tolist() == pytest.approx(held.tolist())
    assert found["beta"] == pytest.approx(1.0)
    assert found["appraisal_ratio"] == 0.0
    assert found["num_trades"] == 1.0
    assert found["exposure"] == 1.0
    assert found["final_equity"] == pytest.approx(held[-1])


def test_each_metric_has_a_meaning() -> None:
    assert all(metric.about for metric in METRICS.values())
