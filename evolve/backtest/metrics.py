"""Metrics of a backtest, each declared once; tables, JSON and help derive from the declarations.

A is the number of bars per year. r and b are the returns per bar of the strategy and of the
benchmark, in excess of cash. e = r - beta * b is the residual return. The formulas are the standard
ones (Sharpe 1994, Sortino 1991, Treynor & Black 1973), with sample standard deviations (ddof 1).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Literal

import numpy as np

from evolve.backtest.appraisal import TINY, ReturnSums, appraisal
from evolve.backtest.drawdowns import list_drawdowns
from evolve.backtest.performance import Performance, Series

Unit = Literal["ratio", "percent", "money", "count"]

DEFAULT_METRIC = "appraisal_ratio"  # of analyses
MAX_LOG_GROWTH = 700.0  # its exponential is about the largest float


@dataclass(frozen=True)
class Metric:
    """Named metric of a backtest."""

    name: str
    about: str
    unit: Unit
    compute: Callable[[Performance], float]


METRICS: dict[str, Metric] = {}


def metric(
    unit: Unit,
) -> Callable[[Callable[[Performance], float]], Callable[[Performance], float]]:
    """Declare a metric: its name is that of the function, its meaning the first docstring line."""

    def declare(compute: Callable[[Performance], float]) -> Callable[[Performance], float]:
        about = (compute.__doc__ or "").strip().split("\n")[0]
        METRICS[compute.__name__] = Metric(compute.__name__, about, unit, compute)
        return compute

    return declare


def measure(performance: Performance, names: Iterable[str] = METRICS) -> dict[str, float]:
    """Return metrics by name; NaN for a metric without a value.

    Args:
        performance: inputs of the metrics.
        names: the metrics; all by default.
    """
    with np.errstate(all="ignore"):
        values = {name: float(METRICS[name].compute(performance)) for name in names}
    return {name: value if math.isfinite(value) else math.nan for name, value in values.items()}


# -- growth


@metric("money")
def final_equity(run: Performance) -> float:
    """equity at the close of the last bar"""
    return float(run.equity[-1]) if len(run.equity) else run.capital


@metric("percent")
def total_return(run: Performance) -> float:
    """final equity over initial capital, less 1"""
    return final_equity(run) / run.capital - 1.0


@metric("percent")
def cagr(run: Performance) -> float:
    """compound annual growth rate of equity"""
    growth = final_equity(run) / run.capital
    if run.years <= 0 or growth <= 0:
        return growth - 1.0
    yearly = math.log(growth) / run.years
    return math.expm1(yearly) if yearly < MAX_LOG_GROWTH else math.nan


@metric("percent")
def volatility(run: Performance) -> float:
    """annualized standard deviation of returns"""
    return math.sqrt(run.bars_per_year) * _deviation(run.returns)


# -- risk-adjusted return


@metric("ratio")
def sharpe(run: Performance) -> float:
    """annualized ratio of the mean to the standard deviation of returns in excess of cash"""
    return _annualize_ratio(run.excess, _deviation(run.excess), run.bars_per_year)


@metric("ratio")
def sortino(run: Performance) -> float:
    """annualized ratio of the mean to the downside deviation of returns in excess of cash"""
    excess = run.excess
    losses = math.sqrt(float(np.mean(np.minimum(excess, 0.0) ** 2))) if len(excess) else 0.0
    return _annualize_ratio(excess, losses, run.bars_per_year)


@metric("ratio")
def information_ratio(run: Performance) -> float:
    """annualized ratio of the mean to the standard deviation of active returns"""
    excess = run.returns - run.benchmark_returns
    return _annualize_ratio(excess, _deviation(excess), run.bars_per_year)


@metric("ratio")
def appraisal_ratio(run: Performance) -> float:
    """annualized ratio of alpha to the standard deviation of residual returns"""
    r, b = run.excess, run.benchmark_excess
    sums = (r.sum(), (r * r).sum(), (r * b).sum(), b.sum(), (b * b).sum())
    return float(appraisal(ReturnSums(len(r), *map(float, sums)), run.bars_per_year))


@metric("ratio")
def beta(run: Performance) -> float:
    """slope of the regression of excess returns on those of the benchmark"""
    r, b = run.excess, run.benchmark_excess
    if len(r) < 2 or not np.var(b) > 0:
        return 0.0
    return float(np.cov(r, b)[0, 1] / np.var(b, ddof=1))


@metric("percent")
def alpha(run: Performance) -> float:
    """annualized mean excess return, less beta times that of the benchmark"""
    residual = run.excess - beta(run) * run.benchmark_excess
    return float(run.bars_per_year * np.mean(residual)) if len(residual) else 0.0


# -- drawdown


@metric("percent")
def max_drawdown(run: Performance) -> float:
    """largest fall of equity from its running maximum"""
    return float(np.min(drawdowns(run.equity, run.capital), initial=0.0))


@metric("count")
def max_drawdown_bars(run: Performance) -> float:
    """longest drawdown, in bars from the peak to the recovery or the last bar"""
    lengths = [each.bars for each in list_drawdowns(run.equity, run.capital)]
    return float(max(lengths, default=0))


@metric("ratio")
def calmar(run: Performance) -> float:
    """compound annual growth rate over the maximum drawdown"""
    depth = max_drawdown(run)
    return cagr(run) / -depth if depth < 0 else math.nan


@metric("percent")
def return_at_benchmark_volatility(run: Performance) -> float:
    """total return with excess returns scaled to the benchmark's volatility"""
    return float(_scale_to_benchmark(run)[-1] - 1.0) if len(run.returns) else 0.0


@metric("percent")
def drawdown_at_benchmark_volatility(run: Performance) -> float:
    """maximum drawdown with excess returns scaled to the benchmark's volatility"""
    return float(np.min(drawdowns(_scale_to_benchmark(run), 1.0), initial=0.0))


# -- activity


@metric("percent")
def exposure(run: Performance) -> float:
    """share of bars with an open position at the close"""
    return float(np.mean(run.held)) if len(run.held) else 0.0


@metric("ratio")
def turnover(run: Performance) -> float:
    """traded value per year over mean equity"""
    mean = float(np.mean(run.equity)) if len(run.equity) else 0.0
    value = float(np.sum(run.trades.turnover))
    return value / mean / run.years if mean > 0 and run.years > 0 else 0.0


@metric("money")
def costs_paid(run: Performance) -> float:
    """commission, slippage and borrowing costs of closed trades"""
    return float(np.sum(run.trades.costs))


@metric("count")
def num_trades(run: Performance) -> float:
    """number of closed trades"""
    return float(len(run.trades.profits))


@metric("percent")
def entry_bar_exits(run: Performance) -> float:
    """share of trades that exit on their entry bar, whose risk the bars do not show"""
    bars = run.trades.bars
    return float(np.mean(bars == 0)) if len(bars) else math.nan


@metric("percent")
def win_rate(run: Performance) -> float:
    """share of trades with a positive profit"""
    return float(np.mean(run.trades.profits > 0)) if len(run.trades.profits) else math.nan


@metric("ratio")
def profit_factor(run: Performance) -> float:
    """gross profit of winning trades over gross loss of losing trades"""
    profits = run.trades.profits
    lost = -float(np.sum(profits[profits < 0]))
    return float(np.sum(profits[profits > 0])) / lost if lost > 0 else math.nan


@metric("money")
def avg_trade(run: Performance) -> float:
    """mean profit per trade, net of costs"""
    return float(np.mean(run.trades.profits)) if len(run.trades.profits) else math.nan


@metric("ratio")
def avg_trade_bars(run: Performance) -> float:
    """mean number of bars from the entry to the exit of a trade"""
    return float(np.mean(run.trades.bars)) if len(run.trades.bars) else math.nan


def drawdowns(equity: Series, capital: float) -> Series:
    """Return float64[bar], equity over its running maximum (capital included), less 1."""
    peaks = np.maximum(np.maximum.accumulate(equity), capital) if len(equity) else equity
    return equity / peaks - 1.0


def _deviation(returns: Series) -> float:
    return float(np.std(returns, ddof=1)) if len(returns) > 1 else 0.0


def _annualize_ratio(returns: Series, deviation: float, bars_per_year: float) -> float:
    """Return the annualized mean over a deviation; 0 if the deviation is zero."""
    if deviation <= TINY:
        return 0.0
    return math.sqrt(bars_per_year) * float(np.mean(returns)) / deviation


def _scale_to_benchmark(run: Performance) -> Series:
    """Return float64[bar - 1], growth of 1 at the volatility of the benchmark."""
    deviation, target = _deviation(run.excess), _deviation(run.benchmark_excess)
    factor = target / deviation if deviation > TINY else 0.0
    returns = run.risk_free + factor * run.excess
    return np.multiply.accumulate(np.maximum(1.0 + returns, 0.0))
