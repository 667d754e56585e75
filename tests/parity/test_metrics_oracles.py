"""Metrics equal those of empyrical and quantstats on the same returns."""

from __future__ import annotations

import math
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
import pytest

from dsl.analysis.check import check
from dsl.analysis.program import Program
from dsl.bars import Bars
from evolve.backtest.backtest import Backtest, backtest
from tests.backtest.test_metrics import FIGURES, RETURNS
from tests.parity.replay import Series, Terms
from tests.samples import closing_at

pytestmark = pytest.mark.parity

A = 252
COSTS = Terms(commission=1e-4, slippage=5e-4)

# Names of metrics here, in empyrical and in quantstats.
ABSOLUTE = {
    "total_return": ("cum_returns_final", "comp"),
    "cagr": ("cagr", "cagr"),
    "volatility": ("annual_volatility", "volatility"),
    "sharpe": ("sharpe_ratio", "sharpe"),
    "sortino": ("sortino_ratio", "sortino"),
    "max_drawdown": ("max_drawdown", "max_drawdown"),
    "calmar": ("calmar_ratio", "calmar"),
}
OF_GROWTH = ("cagr", "calmar")  # by the calendar here, by bars in the oracles
same = partial(pytest.approx, rel=1e-9, abs=1e-12)


@pytest.fixture(scope="module")
def empyrical() -> Any:
    return pytest.importorskip("empyrical")


@pytest.fixture(scope="module")
def quantstats() -> Any:
    pytest.importorskip("quantstats")
    import quantstats.stats

    return quantstats.stats


def held(returns: Series | list[float], days: int = 0, cash_rate: float = 0.0) -> Backtest:
    """Return a backtest with these returns, all in from the first close to the last.

    Args:
        returns: returns from bar to bar.
        days: days from bar to bar; 0 for business days.
        cash_rate: cash rate of the market.
    """
    bars = closing_at(100 * np.cumprod(np.concatenate([[1.0], 1 + np.asarray(returns)])))
    if days:
        time = bars.time[0] + np.arange(len(bars)) * np.timedelta64(days, "D")
        bars = replace(bars, time=time)
    market = Terms().market("close", 10_000.0)._replace(cash_rate=cash_rate)
    return backtest(check("strategy s { buy when true }"), bars, market)


def returns_of(time: Any, equity: Series) -> pd.Series[float]:
    """Return the relative changes of equity."""
    return pd.Series(equity[1:] / equity[:-1] - 1, pd.DatetimeIndex(time[1:]))


def annualization(run: Backtest, name: str, a_year: float) -> float:
    """Return the bars per year with which an oracle agrees on a metric."""
    days = (run.time[-1] - run.time[0]) / np.timedelta64(1, "D")
    return (len(run.time) - 1) / (days / 365.25) if name in OF_GROWTH else a_year


def assert_agreed(run: Backtest, empyrical: Any, quantstats: Any, a_year: float = A) -> None:
    """Compare the absolute metrics of a backtest with both oracles."""
    returns = returns_of(run.time, run.equity)
    for name, (other, another) in ABSOLUTE.items():
        years = annualization(run, name, a_year)
        is_yearly = name not in ("total_return", "max_drawdown")
        found = getattr(empyrical, other)(
            returns, **({"annualization": years} if is_yearly else {})
        )
        assert run.metrics[name] == same(found), name
        found = getattr(quantstats, another)(returns, **({"periods": years} if is_yearly else {}))
        assert run.metrics[name] == same(found), name


def drawn(seed: int) -> Series:
    """Return random returns of one of several kinds."""
    rng = np.random.default_rng(seed)
    count = int(rng.integers(20, 1000))
    scale, drift = rng.choice([1e-4, 0.003, 0.01, 0.04]), rng.normal(0, 0.1)
    returns = scale * (drift + [rng.normal(size=count), rng.standard_t(3, count)][seed % 2])
    if seed % 3 == 0:
        returns[rng.random(count) < 0.8] = 0.0  # mostly flat, as strategies are
    clipped: Series = np.clip(returns, -0.5, 1.0)
    return clipped


def test_golden_figures(empyrical: Any, quantstats: Any) -> None:
    run = held(RETURNS)
    returns = returns_of(run.time, run.equity)
    for name, figure in FIGURES.items():
        other, another = ABSOLUTE[name]
        ours = [] if name in OF_GROWTH else [run.metrics[name]]
        theirs = [getattr(empyrical, other)(returns), getattr(quantstats, another)(returns)]
        assert [*ours, *theirs] == pytest.approx([figure] * len([*ours, *theirs]), rel=2e-7)


@pytest.mark.parametrize("seed", range(60))
def test_random_returns(empyrical: Any, quantstats: Any, seed: int) -> None:
    assert_agreed(held(drawn(seed)), empyrical, quantstats)


@pytest.mark.parametrize(("days", "a_year"), [(1, 365), (7, 52), (30, 12), (91, 4)])
def test_other_frequencies(empyrical: Any, quantstats: Any, days: int, a_year: int) -> None:
    """Pass the bars per year to the oracles; here they follow from the data."""
    assert_agreed(held(drawn(5)[:80], days), empyrical, quantstats, a_year)


@pytest.fixture(scope="module")
def runs(plain: list[Program], sample: Bars) -> list[Backtest]:
    """Return backtests without ruin: the oracles divide by the equity."""
    market = COSTS.market("next_open", 10_000.0)
    every = [backtest(each, sample, market) for each in plain[:50]]
    solvent = [each for each in every if each.equity.min() > 0]
    assert len(solvent) > 40
    return solvent


def test_metrics_of_backtests(empyrical: Any, quantstats: Any, runs: list[Backtest]) -> None:
    for run in runs:
        assert_agreed(run, empyrical, quantstats)


def test_metrics_beside_the_benchmark(
    empyrical: Any, quantstats: Any, runs: list[Backtest]
) -> None:
    for run in runs:
        r, b = returns_of(run.time, run.equity), returns_of(run.time, run.benchmark)
        found = run.metrics
        greeks = quantstats.greeks(r, b)
        beta = empyrical.beta(r, b)
        assert found["beta"] == same(beta)
        assert found["beta"] == same(greeks["beta"])
        assert found["alpha"] == same(greeks["alpha"])
        assert found["appraisal_ratio"] == same(empyrical.sharpe_ratio(r - beta * b))
        scaled = r * b.std() / r.std()
        assert found["return_at_benchmark_volatility"] == same(empyrical.cum_returns_final(scaled))
        assert found["drawdown_at_benchmark_volatility"] == same(empyrical.max_drawdown(scaled))
        # The oracles do not annualize it.
        assert found["information_ratio"] == same(empyrical.excess_sharpe(r, b) * math.sqrt(A))
        assert found["information_ratio"] == same(quantstats.information_ratio(r, b) * math.sqrt(A))
        # empyrical compounds it.
        assert (1 + found["alpha"] / A) ** A - 1 == same(empyrical.alpha(r, b))


def test_metrics_of_trades(quantstats: Any, runs: list[Backtest]) -> None:
    """Pass the profits of trades to the oracles as bars."""
    for run in runs:
        profits = pd.Series([trade.profit for trade in run.trades])
        for name, other in (
            ("win_rate", "win_rate"),
            ("profit_factor", "profit_factor"),
            ("avg_trade", "avg_return"),
        ):
            found = getattr(quantstats, other)(profits, prepare_returns=False)
            assert run.metrics[name] == same(found), name


def test_sharpe_and_sortino_are_in_excess_of_cash(empyrical: Any, quantstats: Any) -> None:
    """Compare rates by the calendar day with empyrical's by bar and quantstats' compounded."""
    run = held(drawn(2), cash_rate=0.04)
    returns = returns_of(run.time, run.equity)
    cash = returns_of(run.time, run.performance.cash)
    days = np.diff(run.time) / np.timedelta64(1, "D")
    np.testing.assert_allclose(cash[-len(days) :], 0.04 * days / 365, rtol=1e-9)
    over = returns - cash
    assert run.metrics["sharpe"] == same(empyrical.sharpe_ratio(over))
    assert run.metrics["sortino"] == same(empyrical.sortino_ratio(returns, required_return=cash))
    compounded = empyrical.sharpe_ratio(returns, 1.04 ** (1 / A) - 1)
    assert quantstats.sharpe(returns, rf=0.04) == same(compounded)
    assert run.metrics["sharpe"] == pytest.approx(compounded, rel=0.02)
    assert run.metrics["sharpe"] != same(compounded)


def test_ratios_without_risk_are_0_here(empyrical: Any, quantstats: Any) -> None:
    """Compare ratios without risk: 0 here, NaN or infinite in the oracles."""
    flat, rising = held([0.0] * 10), held([abs(each) for each in RETURNS])
    still = returns_of(flat.time, flat.equity)
    gains = returns_of(rising.time, rising.equity)
    assert flat.metrics["sharpe"] == flat.metrics["sortino"] == rising.metrics["sortino"] == 0
    assert math.isnan(empyrical.sharpe_ratio(still))
    assert math.isnan(empyrical.sortino_ratio(still))
    assert math.isinf(empyrical.sortino_ratio(gains))
    assert math.isnan(quantstats.sortino(gains))
    for run, returns in ((flat, still), (rising, gains)):
        assert math.isnan(run.metrics["calmar"])
        assert math.isnan(empyrical.calmar_ratio(returns))
        with pytest.raises(ZeroDivisionError):
            quantstats.calmar(returns)


def test_exposure_in_quantstats_counts_returns_other_than_0(
    quantstats: Any, runs: list[Backtest]
) -> None:
    """Compare with the share of bars whose return is not 0, rounded up to a percent."""
    for run in runs:
        returns = returns_of(run.time, run.equity)
        moved = math.ceil(100 * float(np.mean(returns != 0))) / 100
        assert quantstats.exposure(returns) == moved
        assert run.metrics["exposure"] == np.mean(run.held != 0)
