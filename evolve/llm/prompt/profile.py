"""Trading figures of a strategy for prompts, without dates and prices."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from dsl.analysis.program import Program
from dsl.bars import Bars
from evolve.backtest.backtest import Backtest, backtest
from evolve.backtest.market import Market

TREND_BARS, VOLATILITY_BARS = 200, 20
Conditions = dict[str, NDArray[np.bool_]]
MIN_TRADES = 5  # in a market condition, before it counts as losing


@dataclass(frozen=True)
class StrategyProfile:
    """Trading figures of a strategy over a window.

    Attributes:
        trades: the number of closed trades.
        win_rate: the fraction of trades with a profit; 0 without trades.
        bars_held: the median duration of a trade, in bars.
        exposure: the fraction of bars with a position.
        max_drawdown: the largest drawdown, a negative fraction.
        losing_conditions: the market conditions in which it lost money, the worst first.
    """

    trades: int
    win_rate: float
    bars_held: float
    exposure: float
    max_drawdown: float
    losing_conditions: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class Profiler:
    """Profiler of strategies over a window.

    Attributes:
        bars: the bars of one or more symbols.
        market: fills and costs.
        start: the first bar of the window.
    """

    bars: Bars
    market: Market
    start: int = 0

    def profile(self, program: Program) -> StrategyProfile:
        """Return the profile of a program."""
        run = backtest(program, self.bars, self.market, start=self.start)
        durations = [trade.bars for trade in run.trades]
        return StrategyProfile(
            trades=len(durations),
            win_rate=run.metrics["win_rate"] if durations else 0.0,
            bars_held=float(np.median(durations)) if durations else 0.0,
            exposure=run.metrics["exposure"],
            max_drawdown=run.metrics["max_drawdown"],
            losing_conditions=self._find_losing_conditions(run),
        )

    def _find_losing_conditions(self, run: Backtest) -> tuple[str, ...]:
        """Return the conditions at entry in which the trades lost money in total."""
        sums: dict[str, float] = {}
        counts: dict[str, int] = {}
        for trade in run.trades:
            time, conditions = self._conditions[trade.symbol]
            signal_bar = max(int(np.searchsorted(time, trade.entry_time)) - 1, 0)
            for name, holds in conditions.items():
                if holds[signal_bar]:
                    sums[name] = sums.get(name, 0.0) + trade.profit
                    counts[name] = counts.get(name, 0) + 1
        losing = [name for name in sums if counts[name] >= MIN_TRADES and sums[name] < 0]
        return tuple(sorted(losing, key=lambda name: (sums[name], name)))

    @cached_property
    def _conditions(self) -> dict[str, tuple[NDArray[np.datetime64], Conditions]]:
        """Times of the bars of each symbol, and the market conditions at each bar."""
        symbols = [self.bars.select_symbol(index) for index in range(len(self.bars.symbols))]
        return {each.symbols[0]: (each.time, _find_conditions(each.close[0])) for each in symbols}


def _find_conditions(close: NDArray[np.float64]) -> Conditions:
    """Return four market conditions by name: bool[bar]."""
    returns = np.diff(np.log(close), prepend=np.nan)
    rising = close >= _rolling_mean(close, TREND_BARS)
    volatility = np.sqrt(_rolling_mean(returns * returns, VOLATILITY_BARS))
    known = volatility[np.isfinite(volatility)]
    calm = volatility <= (np.median(known) if len(known) else 0.0)
    return {
        "rising and calm": rising & calm,
        "rising and wild": rising & ~calm,
        "falling and calm": ~rising & calm,
        "falling and wild": ~rising & ~calm,
    }


def _rolling_mean(values: NDArray[np.float64], bars: int) -> NDArray[np.float64]:
    """Return the mean of the known values in the last `bars` bars; NaN if there are none."""
    known = np.isfinite(values)
    total = np.cumsum(np.where(known, values, 0.0))
    count = np.cumsum(known)
    total[bars:] -= total[:-bars].copy()
    count[bars:] -= count[:-bars].copy()
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)
