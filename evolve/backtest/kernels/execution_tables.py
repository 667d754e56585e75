"""The course of a tape: what strategies that trade in proportion have in common on it."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from evolve.backtest.kernels.records import BarArrays, Series
from evolve.backtest.market import NEXT_OPEN, Market


class ExecutionTables(NamedTuple):
    """What every strategy on a tape has in common.

    Attributes:
        open, high, low, close: float64[bar].
        long, short: float64[bar], shares that one unit of equity enters for at the open, costs
            inside it.
        short_brings: float64[bar], money a share that a short brings at the open.
        buy_cost, sell_cost: float64[bar], and buy_rate, sell_rate: a share costs
            `price * buy_rate + buy_cost`, and brings `price * sell_rate - sell_cost`, slippage and
            commission included.
        fee: float64[bar], money a share, beside the commission of the price.
        moved: float64[bar + 1, 3], what the returns of the bars before add up to if the close is
            held: r, r * r, and r times the benchmark's.
        benchmark: float64[bar], the benchmark's returns; cash returns nothing here.
        edges: int64[fold + 1], the first bar of each fold, and the end.
        commission, max_leverage, capital: the market's.
    """

    open: Series
    high: Series
    low: Series
    close: Series
    long: Series
    short: Series
    short_proceeds: Series
    buy_cost: Series
    sell_cost: Series
    fee: Series
    moved: Series
    benchmark: Series
    edges: NDArray[np.int64]
    buy_rate: float
    sell_rate: float
    commission: float
    max_leverage: float
    capital: float


def build_execution_tables(
    tape: BarArrays, market: Market, edges: NDArray[np.int64], benchmark: Series
) -> ExecutionTables | None:
    """The course of a tape; None if the general simulation is needed there.

    Args:
        tape: the window, which begins with the first bar.
        market: fills and costs.
        edges: int64[fold], the first bar of each.
        benchmark: float64[bar], the benchmark's returns.
    """
    in_proportion = market.commission_minimum == 0.0 and math.isinf(market.max_volume_share)
    at_rest = market.cash_rate == 0.0 and market.borrow == 0.0
    if market.fill != NEXT_OPEN or not in_proportion or not at_rest or tape.start > 0:
        return None
    bars = slice(0, tape.stop)
    opens, highs, lows, close = (
        each[bars] for each in (tape.open, tape.high, tape.low, tape.close)
    )
    slip = market.slippage_range * tape.spread[bars]
    fee = market.commission_per_share * tape.adjustment[bars]
    if not np.all(lows * (1.0 - market.slippage) > slip):  # a sale might cost money
        return None
    plus, minus = 1.0 + market.commission, 1.0 - market.commission
    buy_rate, sell_rate = (1.0 + market.slippage) * plus, (1.0 - market.slippage) * minus
    buy_cost, sell_cost = slip * plus + fee, slip * minus + fee
    sold = opens * (1.0 - market.slippage) - slip
    change = close / np.concatenate([close[:1], close[:-1]]) - 1.0
    change = np.stack([change, change * change, change * benchmark], axis=1)
    return ExecutionTables(
        opens, highs, lows, close, 1.0 / (opens * buy_rate + buy_cost), 1.0 / (sold * plus + fee),
        opens * sell_rate - sell_cost, buy_cost, sell_cost, fee,
        np.concatenate([np.zeros((1, 3)), np.cumsum(change, axis=0)]),
        benchmark, np.array([*edges, tape.stop]), buy_rate, sell_rate, market.commission,
        market.max_leverage, market.capital,
    )  # fmt: skip
