"""Inputs of the metrics: equity, positions and closed trades of a sleeve or a portfolio."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Series = NDArray[np.float64]

RETURN_ROUNDING = 1e-14  # rounding error of a return, a quotient near 1 less 1


class Trades(NamedTuple):
    """Closed trades as columns of float64[trade].

    Attributes:
        profits: profit in money, net of costs.
        costs: costs in money.
        turnover: traded value of both sides.
        bars: bars from the entry to the exit; 0 for an exit on the entry bar.
    """

    profits: Series
    costs: Series
    turnover: Series
    bars: Series


@dataclass(frozen=True, eq=False)
class Performance:
    """Inputs of all metrics of one backtest.

    Attributes:
        capital: equity before the first bar.
        equity: float64[bar], equity at each close.
        benchmark: float64[bar], equity of buy and hold from the same capital.
        cash: float64[bar], equity of the same capital in cash.
        held: float64[bar], share of sleeves with an open position at the close.
        trades: closed trades.
        bars_per_year: A.
        years: calendar years from the first bar to the last.
    """

    capital: float
    equity: Series
    benchmark: Series
    cash: Series
    held: Series
    trades: Trades
    bars_per_year: float
    years: float

    @property
    def returns(self) -> Series:
        """Returns of equity from bar to bar, float64[bar - 1]."""
        return bar_returns(self.equity)

    @property
    def benchmark_returns(self) -> Series:
        """Returns of the benchmark, float64[bar - 1]."""
        return bar_returns(self.benchmark)

    @cached_property
    def risk_free(self) -> Series:
        """Returns of cash, float64[bar - 1]; ratios count returns in excess of them."""
        return bar_returns(self.cash)

    @property
    def excess(self) -> Series:
        """Returns in excess of cash, float64[bar - 1]."""
        return _subtract(self.returns, self.risk_free)

    @property
    def benchmark_excess(self) -> Series:
        """Returns of the benchmark in excess of cash, float64[bar - 1]."""
        return _subtract(self.benchmark_returns, self.risk_free)


def pool_trades(parts: Sequence[Performance]) -> Performance:
    """Combine sleeves over the same bars into one portfolio."""
    if len(parts) == 1:
        return parts[0]
    columns = zip(*[each.trades for each in parts], strict=True)
    return Performance(
        capital=sum(each.capital for each in parts),
        equity=np.sum([each.equity for each in parts], axis=0),
        benchmark=np.sum([each.benchmark for each in parts], axis=0),
        cash=np.sum([each.cash for each in parts], axis=0),
        held=np.mean([each.held for each in parts], axis=0),
        trades=Trades(*[np.concatenate(column) for column in columns]),
        bars_per_year=parts[0].bars_per_year,
        years=parts[0].years,
    )


def bar_returns(equity: Series) -> Series:
    """Return float64[bar - 1], the relative changes of equity; 0 after equity is 0."""
    before = equity[:-1]
    safe = np.where(before > 0, before, 1.0)
    return np.where(before > 0, equity[1:] / safe - 1.0, 0.0)


def _subtract(one: Series, other: Series) -> Series:
    """Return the difference of two series; 0 where they are equal within rounding."""
    difference = one - other
    return np.where(np.abs(difference) < RETURN_ROUNDING, 0.0, difference)
