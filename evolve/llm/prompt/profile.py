"""What a strategy does, in the figures that a model is told: never a date, never a price."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from dsl.analysis.program import Program
from dsl.bars import Bars
from evolve.backtest.backtest import Backtest, backtest
from evolve.backtest.market import Market

TREND_BARS, CALM_BARS = 200, 20
Conditions = dict[str, NDArray[np.bool_]]
MIN_TRADES = 5  # in a condition of the market, before it is said to lose there


@dataclass(frozen=True)
class StrategyProfile:
    """How a strategy traded over a window.

    Attributes:
        trades: closed; win_rate: the share of them that made money, 0 without trades.
        bars_held: of the median trade.
        exposure: share of bars with a position.
        max_drawdown: largest fall of equity, a negative fraction.
        losing: the conditions of the market in which it lost money, the worst first.
    """

    trades: int
    win_rate: float
    bars_held: float
    exposure: float
    max_drawdown: float
    losing_conditions: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class Profiler:
    """The window in which strategies are looked at.

    Attributes:
        bars: of one or more symbols; market: fills and costs; start: the bar the window begins at.
    """

    bars: Bars
    market: Market
    start: int = 0

    def profile(self, program: Program) -> StrategyProfile:
        """How a program trades in the window."""
        run = backtest(program, self.bars, self.market, start=self.start)
        held = [trade.bars for trade in run.trades]
        figures = run.metrics
        return StrategyProfile(
            trades=len(held),
            win_rate=figures["win_rate"] if held else 0.0,
            bars_held=float(np.median(held)) if held else 0.0,
            exposure=figures["exposure"],
            max_drawdown=figures["max_drawdown"],
            losing_conditions=self._losing(run),
        )

    def _losing(self, run: Backtest) -> tuple[str, ...]:
        """The conditions in which the trades entered lost money together."""
        sums: dict[str, float] = {}
        counts: dict[str, int] = {}
        for trade in run.trades:
            time, conditions = self._conditions[trade.symbol]
            before = max(int(np.searchsorted(time, trade.entry_time)) - 1, 0)
            for name, holds in conditions.items():
                if holds[before]:
                    sums[name] = sums.get(name, 0.0) + trade.profit
                    counts[name] = counts.get(name, 0) + 1
        losing = [name for name in sums if counts[name] >= MIN_TRADES and sums[name] < 0]
        return tuple(sorted(losing, key=lambda name: (sums[name], name)))

    @cached_property
    def _conditions(self) -> dict[str, tuple[NDArray[np.datetime64], Conditions]]:
        """For each symbol the times of its bars, and in which condition the market was at each."""
        alone = [self.bars.select_symbol(symbol) for symbol in range(len(self.bars.symbols))]
        return {own.symbols[0]: (own.time, _market_conditions(own.close[0])) for own in alone}


def _market_conditions(close: NDArray[np.float64]) -> Conditions:
    """In which of four conditions a market was at each close: bool[bar]."""
    moves = np.diff(np.log(close), prepend=np.nan)
    rising = close >= _rolling_mean(close, TREND_BARS)
    spread = np.sqrt(_rolling_mean(moves * moves, CALM_BARS))
    known = spread[np.isfinite(spread)]
    calm = spread <= (np.median(known) if len(known) else 0.0)
    return {
        "rising and calm": rising & calm,
        "rising and wild": rising & ~calm,
        "falling and calm": ~rising & calm,
        "falling and wild": ~rising & ~calm,
    }


def _rolling_mean(values: NDArray[np.float64], bars: int) -> NDArray[np.float64]:
    """The mean of the last so many known values; of those there are, at the beginning."""
    known = np.isfinite(values)
    total = np.cumsum(np.where(known, values, 0.0))
    count = np.cumsum(known)
    total[bars:] -= total[:-bars].copy()
    count[bars:] -= count[:-bars].copy()
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)
