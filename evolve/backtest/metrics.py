"""Metrics of a run. A metric is declared once, here; tables, JSON and help derive from it.

A is the bars of a year. r and b are the returns a bar of the strategy and of the benchmark, above
that of cash. e = r - beta * b is the rest of r when market exposure is taken out. Formulas are
those of the field (Sharpe 1994, Sortino 1991, Treynor & Black 1973). Standard deviations are
samples' (ddof 1).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np

from evolve.backtest.drawdowns import list_drawdowns
from evolve.backtest.performance import Performance, Series

Sums = float | Series
Unit = Literal["ratio", "percent", "money", "count"]

TINY = 1e-12
MAX_LOG_GROWTH = 700.0  # its exponential is the largest number there is


@dataclass(frozen=True)
class Metric:
    """A named figure of a run."""

    name: str
    about: str
    unit: Unit
    compute: Callable[[Performance], float]


METRICS: dict[str, Metric] = {}


def metric(
    unit: Unit,
) -> Callable[[Callable[[Performance], float]], Callable[[Performance], float]]:
    """Declare a metric: its name is the function's, its meaning the docstring's first line."""

    def declare(compute: Callable[[Performance], float]) -> Callable[[Performance], float]:
        about = (compute.__doc__ or "").strip().split("\n")[0]
        METRICS[compute.__name__] = Metric(compute.__name__, about, unit, compute)
        return compute

    return declare


def measure(performance: Performance) -> dict[str, float]:
    """Every metric of a run by name; NaN where one has no value."""
    with np.errstate(all="ignore"):
        values = {name: float(each.compute(performance)) for name, each in METRICS.items()}
    return {name: value if math.isfinite(value) else math.nan for name, value in values.items()}


class ReturnSums(NamedTuple):
    """Sums over the returns of a window: numbers, or arrays of one shape.

    Attributes:
        returns: how many there are.
        total, squares: sums of r and r*r.
        products: sum of r*b.
        benchmark_total, benchmark_squares: sums of b and b*b.
    """

    returns: Sums
    total: Sums
    squares: Sums
    products: Sums
    benchmark_total: Sums
    benchmark_squares: Sums


def appraisal(sums: ReturnSums, bars_per_year: float, floor: Sums = 0.0) -> Series:
    """Return the appraisal ratio from sums; 0 where nothing varies without market exposure.

    `floor` is the least variance of a return that the ratio divides by.
    """
    n = np.maximum(sums.returns, 2)
    mean, benchmark_mean = sums.total / n, sums.benchmark_total / n
    variance = np.maximum(sums.squares - n * mean * mean, 0.0)
    benchmark_variance = sums.benchmark_squares - n * benchmark_mean * benchmark_mean
    covariance = sums.products - n * mean * benchmark_mean
    varies = benchmark_variance > TINY * np.asarray(sums.benchmark_squares)
    beta = np.where(varies, covariance / np.where(varies, benchmark_variance, 1.0), 0.0)
    left = variance - beta * covariance
    moves = (left > 1e-9 * variance) & (left > 1e-18 * n) & (np.asarray(sums.returns) >= 2)
    deviation = np.sqrt(np.maximum(np.where(moves, left, 1.0) / (n - 1), floor))
    ratio = math.sqrt(bars_per_year) * (mean - beta * benchmark_mean) / deviation
    return np.where(moves, ratio, 0.0)


# -- what was made


@metric("money")
def final_equity(run: Performance) -> float:
    """equity after the last bar"""
    return float(run.equity[-1]) if len(run.equity) else run.capital


@metric("percent")
def total_return(run: Performance) -> float:
    """final equity over capital, less 1"""
    return final_equity(run) / run.capital - 1.0


@metric("percent")
def cagr(run: Performance) -> float:
    """compound growth a year"""
    growth = final_equity(run) / run.capital
    if run.years <= 0 or growth <= 0:
        return growth - 1.0
    yearly = math.log(growth) / run.years
    return math.expm1(yearly) if yearly < MAX_LOG_GROWTH else math.nan


@metric("percent")
def volatility(run: Performance) -> float:
    """deviation of returns, a year"""
    return math.sqrt(run.bars_per_year) * _deviation(run.returns)


# -- what it was worth


@metric("ratio")
def sharpe(run: Performance) -> float:
    """mean over deviation of returns above the cash rate, a year"""
    return _ratio(run.excess, _deviation(run.excess), run.bars_per_year)


@metric("ratio")
def sortino(run: Performance) -> float:
    """mean return above the cash rate over the root mean square of what falls short, a year"""
    excess = run.excess
    losses = math.sqrt(float(np.mean(np.minimum(excess, 0.0) ** 2))) if len(excess) else 0.0
    return _ratio(excess, losses, run.bars_per_year)


@metric("ratio")
def information_ratio(run: Performance) -> float:
    """mean over deviation of returns above the benchmark's, a year"""
    excess = run.returns - run.benchmark_returns
    return _ratio(excess, _deviation(excess), run.bars_per_year)


@metric("ratio")
def appraisal_ratio(run: Performance) -> float:
    """Sharpe ratio of what is left when market exposure is taken out"""
    r, b = run.excess, run.benchmark_excess
    sums = (r.sum(), (r * r).sum(), (r * b).sum(), b.sum(), (b * b).sum())
    return float(appraisal(ReturnSums(len(r), *map(float, sums)), run.bars_per_year))


@metric("ratio")
def beta(run: Performance) -> float:
    """how far the strategy moves when the benchmark moves by 1"""
    r, b = run.excess, run.benchmark_excess
    if len(r) < 2 or not np.var(b) > 0:
        return 0.0
    return float(np.cov(r, b)[0, 1] / np.var(b, ddof=1))


@metric("percent")
def alpha(run: Performance) -> float:
    """mean return above the cash rate, a year, when market exposure is taken out"""
    left = run.excess - beta(run) * run.benchmark_excess
    return float(run.bars_per_year * np.mean(left)) if len(left) else 0.0


# -- what it risked


@metric("percent")
def max_drawdown(run: Performance) -> float:
    """largest fall of equity from an earlier high"""
    return float(np.min(drawdowns(run.equity, run.capital), initial=0.0))


@metric("count")
def max_drawdown_bars(run: Performance) -> float:
    """most bars from a high of equity until it is reached again, or to the last bar"""
    falls = list_drawdowns(run.equity, run.capital)
    return float(max([each.bars for each in falls], default=0))


@metric("ratio")
def calmar(run: Performance) -> float:
    """compound growth a year over the largest drawdown"""
    fall = max_drawdown(run)
    return cagr(run) / -fall if fall < 0 else math.nan


@metric("percent")
def return_at_benchmark_volatility(run: Performance) -> float:
    """total return if the returns above cash were scaled to the benchmark's volatility"""
    return float(_scale_to_benchmark(run)[-1] - 1.0) if len(run.returns) else 0.0


@metric("percent")
def drawdown_at_benchmark_volatility(run: Performance) -> float:
    """largest drawdown if the returns above cash were scaled to the benchmark's volatility"""
    return float(np.min(drawdowns(_scale_to_benchmark(run), 1.0), initial=0.0))


# -- what it did


@metric("percent")
def exposure(run: Performance) -> float:
    """share of bars with a position"""
    return float(np.mean(run.held)) if len(run.held) else 0.0


@metric("ratio")
def turnover(run: Performance) -> float:
    """money traded a year over mean equity"""
    mean = float(np.mean(run.equity)) if len(run.equity) else 0.0
    traded = float(np.sum(run.trades.traded))
    return traded / mean / run.years if mean > 0 and run.years > 0 else 0.0


@metric("money")
def costs_paid(run: Performance) -> float:
    """commissions, slippage and borrowing paid"""
    return float(np.sum(run.trades.costs))


@metric("count")
def num_trades(run: Performance) -> float:
    """closed round trips"""
    return float(len(run.trades.profits))


@metric("percent")
def entry_bar_exits(run: Performance) -> float:
    """share of trades that end on the bar they begin on, whose risk the bars do not show"""
    bars = run.trades.bars
    return float(np.mean(bars == 0)) if len(bars) else math.nan


@metric("percent")
def win_rate(run: Performance) -> float:
    """share of trades that made money"""
    return float(np.mean(run.trades.profits > 0)) if len(run.trades.profits) else math.nan


@metric("ratio")
def profit_factor(run: Performance) -> float:
    """money made by winning trades over money lost by losing ones"""
    profits = run.trades.profits
    lost = -float(np.sum(profits[profits < 0]))
    return float(np.sum(profits[profits > 0])) / lost if lost > 0 else math.nan


@metric("money")
def avg_trade(run: Performance) -> float:
    """mean profit of a trade"""
    return float(np.mean(run.trades.profits)) if len(run.trades.profits) else math.nan


def drawdowns(equity: Series, capital: float) -> Series:
    """float64[bar]: equity over its running maximum (capital included), less 1."""
    highs = np.maximum(np.maximum.accumulate(equity), capital) if len(equity) else equity
    return equity / highs - 1.0


def _deviation(returns: Series) -> float:
    return float(np.std(returns, ddof=1)) if len(returns) > 1 else 0.0


def _ratio(returns: Series, risk: float, bars_per_year: float) -> float:
    """A yearly mean over a risk; 0 where nothing varies."""
    if risk <= TINY:
        return 0.0
    return math.sqrt(bars_per_year) * float(np.mean(returns)) / risk


def _scale_to_benchmark(run: Performance) -> Series:
    own, other = _deviation(run.excess), _deviation(run.benchmark_excess)
    factor = other / own if own > TINY else 0.0
    returns = run.risk_free + factor * run.excess
    return np.multiply.accumulate(np.maximum(1.0 + returns, 0.0))
