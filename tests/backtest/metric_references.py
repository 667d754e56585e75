"""Independent implementation of each metric in pandas and plain Python.

A reference reads only the raw series of a backtest: equity, benchmark, cash, positions and trades.
"""

from __future__ import annotations

from collections.abc import Callable

import pandas as pd

from evolve.backtest.performance import Performance

Reference = Callable[[Performance], float]

REFERENCES: dict[str, Reference] = {}


def reference(function: Reference) -> Reference:
    """Declare the reference of the metric with the name of the function."""
    REFERENCES[function.__name__] = function
    return function


def changes(equity: object) -> pd.Series:
    """Return the relative changes from bar to bar."""
    return pd.Series(equity).pct_change().dropna()


def above_cash(run: Performance) -> tuple[pd.Series, pd.Series]:
    """Return the returns of strategy and benchmark in excess of cash."""
    cash = changes(run.cash)
    return changes(run.equity) - cash, changes(run.benchmark) - cash


def largest_fall(levels: list[float]) -> float:
    path = pd.Series(levels)
    return float((path / path.cummax() - 1).min())


def scaled_path(run: Performance) -> list[float]:
    """Return the growth of 1 with excess returns scaled to the deviation of the benchmark."""
    excess, benchmark = above_cash(run)
    returns = changes(run.cash) + excess * benchmark.std() / excess.std()
    return [1.0, *(1 + returns).cumprod()]


@reference
def final_equity(run: Performance) -> float:
    return float(list(run.equity)[-1])


@reference
def total_return(run: Performance) -> float:
    return final_equity(run) / run.capital - 1


@reference
def cagr(run: Performance) -> float:
    return float((final_equity(run) / run.capital) ** (1 / run.years) - 1)


@reference
def volatility(run: Performance) -> float:
    return float(changes(run.equity).std() * run.bars_per_year**0.5)


@reference
def sharpe(run: Performance) -> float:
    excess, _ = above_cash(run)
    return float(excess.mean() / excess.std() * run.bars_per_year**0.5)


@reference
def sortino(run: Performance) -> float:
    excess, _ = above_cash(run)
    shortfall = sum(r * r for r in excess if r < 0) / len(excess)
    return float(excess.mean() / shortfall**0.5 * run.bars_per_year**0.5)


@reference
def information_ratio(run: Performance) -> float:
    active = changes(run.equity) - changes(run.benchmark)
    return float(active.mean() / active.std() * run.bars_per_year**0.5)


@reference
def beta(run: Performance) -> float:
    excess, benchmark = above_cash(run)
    return float(excess.cov(benchmark) / benchmark.var())


@reference
def alpha(run: Performance) -> float:
    excess, benchmark = above_cash(run)
    return float((excess - beta(run) * benchmark).mean() * run.bars_per_year)


@reference
def appraisal_ratio(run: Performance) -> float:
    excess, benchmark = above_cash(run)
    residual = excess - beta(run) * benchmark
    return float(residual.mean() / residual.std() * run.bars_per_year**0.5)


@reference
def max_drawdown(run: Performance) -> float:
    return largest_fall([run.capital, *run.equity])


@reference
def max_drawdown_bars(run: Performance) -> float:
    high, high_bar, longest = run.capital, -1, 0
    for bar, equity in enumerate(run.equity):
        if equity >= high:
            longest = max(longest, bar - high_bar if bar - high_bar > 1 else 0)
            high, high_bar = equity, bar
    return float(max(longest, len(run.equity) - 1 - high_bar))


@reference
def calmar(run: Performance) -> float:
    return cagr(run) / -max_drawdown(run)


@reference
def return_at_benchmark_volatility(run: Performance) -> float:
    return scaled_path(run)[-1] - 1


@reference
def drawdown_at_benchmark_volatility(run: Performance) -> float:
    return largest_fall(scaled_path(run))


@reference
def exposure(run: Performance) -> float:
    return sum(run.held) / len(run.held)


@reference
def turnover(run: Performance) -> float:
    return float(sum(run.trades.turnover) / pd.Series(run.equity).mean() / run.years)


@reference
def costs_paid(run: Performance) -> float:
    return float(sum(run.trades.costs))


@reference
def num_trades(run: Performance) -> float:
    return float(len(list(run.trades.profits)))


@reference
def entry_bar_exits(run: Performance) -> float:
    return float(sum(bars == 0 for bars in run.trades.bars) / num_trades(run))


@reference
def win_rate(run: Performance) -> float:
    return float(sum(profit > 0 for profit in run.trades.profits) / num_trades(run))


@reference
def profit_factor(run: Performance) -> float:
    profits = [float(profit) for profit in run.trades.profits]
    return sum(p for p in profits if p > 0) / -sum(p for p in profits if p < 0)


@reference
def avg_trade(run: Performance) -> float:
    return float(pd.Series(run.trades.profits).mean())


@reference
def avg_trade_bars(run: Performance) -> float:
    return float(pd.Series(run.trades.bars).mean())
