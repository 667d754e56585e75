"""Execution tables: data of a symbol that all strategies share if costs are proportional."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from evolve.backtest.kernels.records import BarArrays, Series
from evolve.backtest.market import NEXT_OPEN, Market


class ExecutionTables(NamedTuple):
    """Prices, costs and running totals of a symbol on a window.

    A share costs `price * buy_rate + buy_cost` and pays `price * sell_rate - sell_cost`, slippage
    and commission included.

    Attributes:
        open, high, low, close: float64[bar].
        long_shares, short_shares: float64[bar], shares that one unit of equity enters at the open,
            costs included.
        short_proceeds: float64[bar], money per share of a short sale at the open.
        buy_cost, sell_cost: float64[bar], money per share that does not depend on the price.
        fee: float64[bar], commission per adjusted share.
        cumulative: float64[bar + 1, 3], totals of r, r * r and r * b over earlier bars, where r is
            the return of the close and b that of the benchmark.
        benchmark: float64[bar], returns of the benchmark; the cash rate is zero here.
        edges: int64[fold + 1], first bar of each fold, and the end.
        buy_rate, sell_rate: factors of the price.
        commission, max_leverage, capital: those of the market.
    """

    open: Series
    high: Series
    low: Series
    close: Series
    long_shares: Series
    short_shares: Series
    short_proceeds: Series
    buy_cost: Series
    sell_cost: Series
    fee: Series
    cumulative: Series
    benchmark: Series
    edges: NDArray[np.int64]
    buy_rate: float
    sell_rate: float
    commission: float
    max_leverage: float
    capital: float


def build_execution_tables(
    arrays: BarArrays, market: Market, edges: NDArray[np.int64], benchmark: Series
) -> ExecutionTables | None:
    """Build the execution tables of a symbol; None if the event-driven kernel does not apply.

    Args:
        arrays: bars of the symbol; the window must start at the first.
        market: fills and costs.
        edges: int64[fold], first bar of each fold.
        benchmark: float64[bar], returns of the benchmark.
    """
    is_proportional = market.commission_minimum == 0.0 and math.isinf(market.max_volume_share)
    accrues_nothing = market.cash_rate == 0.0 and market.borrow == 0.0
    if market.fill != NEXT_OPEN or not is_proportional or not accrues_nothing or arrays.start > 0:
        return None
    bars = slice(0, arrays.stop)
    opens, highs, lows, close = (
        each[bars] for each in (arrays.open, arrays.high, arrays.low, arrays.close)
    )
    slip = market.slippage_range * arrays.spread[bars]
    fee = market.commission_per_share * arrays.adjustment[bars]
    if not np.all(lows * (1.0 - market.slippage) > slip):  # slippage would exceed the price
        return None
    plus, minus = 1.0 + market.commission, 1.0 - market.commission
    buy_rate, sell_rate = (1.0 + market.slippage) * plus, (1.0 - market.slippage) * minus
    buy_cost, sell_cost = slip * plus + fee, slip * minus + fee
    sell_price = opens * (1.0 - market.slippage) - slip
    returns = close / np.concatenate([close[:1], close[:-1]]) - 1.0
    totals = np.cumsum(np.stack([returns, returns * returns, returns * benchmark], axis=1), axis=0)
    return ExecutionTables(
        opens, highs, lows, close,
        1.0 / (opens * buy_rate + buy_cost), 1.0 / (sell_price * plus + fee),
        opens * sell_rate - sell_cost, buy_cost, sell_cost, fee,
        np.concatenate([np.zeros((1, 3)), totals]),
        benchmark, np.array([*edges, arrays.stop]), buy_rate, sell_rate, market.commission,
        market.max_leverage, market.capital,
    )  # fmt: skip
