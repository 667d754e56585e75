"""The inputs of a run's metrics: equity, positions and closed trades, alone or pooled."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Series = NDArray[np.float64]

RETURN_ROUNDING = 1e-14  # of a return, which is a quotient near 1 less 1


class Trades(NamedTuple):
    """Closed trades as columns: float64[trade] each.

    Attributes:
        profits: money, net of costs.
        costs: money paid.
        traded: money turned over, both sides.
        bars: from the entry bar to the exit bar; 0 for an exit on the entry bar.
    """

    profits: Series
    costs: Series
    traded: Series
    bars: Series


@dataclass(frozen=True, eq=False)
class Performance:
    """The inputs of all metrics of one run.

    Attributes:
        capital: equity before the first bar.
        equity: float64[bar], marked at the close.
        benchmark: float64[bar], the equity of buying and holding with the same capital.
        cash: float64[bar], the equity of never trading with the same capital.
        held: float64[bar], the share of its sleeves with an open position at the close.
        trades: closed trades.
        bars_per_year: A.
        years: from the first bar to the last, by the calendar.
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
        """r: float64[bar - 1], the change of equity from bar to bar."""
        return bar_returns(self.equity)

    @property
    def benchmark_returns(self) -> Series:
        """b: float64[bar - 1]."""
        return bar_returns(self.benchmark)

    @cached_property
    def risk_free(self) -> Series:
        """rf: float64[bar - 1], the return of cash, above which every ratio counts returns."""
        return bar_returns(self.cash)

    @property
    def excess(self) -> Series:
        """r - rf: float64[bar - 1]."""
        return _difference(self.returns, self.risk_free)

    @property
    def benchmark_excess(self) -> Series:
        """b - rf: float64[bar - 1]."""
        return _difference(self.benchmark_returns, self.risk_free)


def pool_trades(parts: Sequence[Performance]) -> Performance:
    """Return sleeves over the same bars as one portfolio."""
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
    """The relative change of equity from bar to bar: float64[bar - 1]; 0 once it is 0."""
    before = equity[:-1]
    safe = np.where(before > 0, before, 1.0)
    return np.where(before > 0, equity[1:] / safe - 1.0, 0.0)


def _difference(one: Series, other: Series) -> Series:
    """Return one less another, 0 where they are equal within rounding."""
    found = one - other
    return np.where(np.abs(found) < RETURN_ROUNDING, 0.0, found)
