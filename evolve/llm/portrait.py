"""What a strategy does, in the figures that a model is told: never a date, never a price."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from dsl.bars import Bars
from dsl.program import Program
from evolve.backtest.backtest import Backtest, backtest
from evolve.backtest.market import Market

TREND_BARS, CALM_BARS = 200, 20
LEAST_TRADES = 5  # in a condition of the market, before it is said to lose there


@dataclass(frozen=True)
class Portrait:
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
    losing: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class Gallery:
    """The window in which strategies are looked at.

    Attributes:
        bars: one symbol's; market: fills and costs; start: the bar the window begins at.
    """

    bars: Bars
    market: Market
    start: int = 0

    def portrait(self, program: Program) -> Portrait:
        """How a program trades in the window."""
        run = backtest(program, self.bars, self.market, start=self.start)
        held = [trade.bars for trade in run.trades]
        figures = run.metrics
        return Portrait(
            trades=len(held),
            win_rate=figures["win_rate"] if held else 0.0,
            bars_held=float(np.median(held)) if held else 0.0,
            exposure=figures["exposure"],
            max_drawdown=figures["max_drawdown"],
            losing=self._losing(run),
        )

    def _losing(self, run: Backtest) -> tuple[str, ...]:
        """The conditions in which the trades entered lost money together."""
        entries = np.array([trade.entry_time for trade in run.trades], "datetime64[ns]")
        profits = np.array([trade.profit for trade in run.trades])
        before = np.maximum(np.searchsorted(self.bars.time, entries) - 1, 0)
        sums = {}
        for name, holds in self._conditions.items():
            chosen = profits[holds[before]] if len(profits) else profits
            if len(chosen) >= LEAST_TRADES and chosen.sum() < 0:
                sums[name] = float(chosen.sum())
        return tuple(sorted(sums, key=lambda name: (sums[name], name)))

    @cached_property
    def _conditions(self) -> dict[str, NDArray[np.bool_]]:
        """In which of four conditions the market was at each close: bool[bar]."""
        close = self.bars.close[0]
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
