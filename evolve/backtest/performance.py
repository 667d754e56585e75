"""What a run left behind for its metrics: equity, positions and closed trades, of one or pooled."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Series = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Performance:
    """What the metrics of one run are computed from.

    Attributes:
        capital: equity before the first bar.
        equity: float64[bar], marked at the close.
        benchmark: float64[bar], the equity of buying and holding with the same capital.
        held: float64[bar], the share of its sleeves with an open position at the close.
        profits, costs, traded: float64[trade], money made, paid and turned over by each closed
            trade, net of costs.
        bars_per_year: A.
        years: from the first bar to the last, by the calendar.
        cash_rate: the yearly risk-free rate.
    """

    capital: float
    equity: Series
    benchmark: Series
    held: Series
    profits: Series
    costs: Series
    traded: Series
    bars_per_year: float
    years: float
    cash_rate: float = 0.0

    @property
    def returns(self) -> Series:
        """r: float64[bar - 1], the change of equity from bar to bar."""
        return bar_returns(self.equity)

    @property
    def benchmark_returns(self) -> Series:
        """b: float64[bar - 1]."""
        return bar_returns(self.benchmark)


def pooled(parts: Sequence[Performance]) -> Performance:
    """Sleeves over the same bars as one portfolio."""
    if len(parts) == 1:
        return parts[0]
    return Performance(
        capital=sum(each.capital for each in parts),
        equity=np.sum([each.equity for each in parts], axis=0),
        benchmark=np.sum([each.benchmark for each in parts], axis=0),
        held=np.mean([each.held for each in parts], axis=0),
        profits=np.concatenate([each.profits for each in parts]),
        costs=np.concatenate([each.costs for each in parts]),
        traded=np.concatenate([each.traded for each in parts]),
        bars_per_year=parts[0].bars_per_year,
        years=parts[0].years,
        cash_rate=parts[0].cash_rate,
    )


def bar_returns(equity: Series) -> Series:
    """The relative change of equity from bar to bar: float64[bar - 1]; 0 once it is 0."""
    before = equity[:-1]
    safe = np.where(before > 0, before, 1.0)
    return np.where(before > 0, equity[1:] / safe - 1.0, 0.0)
