"""The course of a tape: what strategies that trade in proportion have in common on it."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from evolve.backtest.market import NEXT_OPEN, Market
from evolve.backtest.records import Series, Tape


class Course(NamedTuple):
    """What every strategy on a tape has in common.

    Attributes:
        open, high, low, close: float64[bar].
        long, short: float64[bar], shares that one unit of equity enters for at the open, costs
            inside it; 0 where there is no entry.
        short_brings: float64[bar], money a share that a short brings at the open.
        slip: float64[bar], money a share that slippage takes beside its share of the price.
        fee: float64[bar], money a share, beside the commission of the price.
        moved: float64[bar + 1, 3], what the returns of the bars before add up to if the close is
            held: r, r * r, and r times the benchmark's.
        benchmark: float64[bar], the benchmark's returns.
        edges: int64[fold + 1], the first bar of each fold, and the end.
        slippage, commission, max_leverage: the market's.
    """

    open: Series
    high: Series
    low: Series
    close: Series
    long: Series
    short: Series
    short_brings: Series
    slip: Series
    fee: Series
    moved: Series
    benchmark: Series
    edges: NDArray[np.int64]
    slippage: float
    commission: float
    max_leverage: float


def course_of(
    tape: Tape, market: Market, edges: NDArray[np.int64], benchmark: Series
) -> Course | None:
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
    opens, close = tape.open[bars], tape.close[bars]
    slip = market.slippage_range * (tape.high[bars] - tape.low[bars])
    fee = market.commission_per_share * tape.adjustment[bars]
    bought, sold = (opens * (1.0 + side * market.slippage) + side * slip for side in (1, -1))
    long, short = (
        np.where(fill > 0.0, 1.0 / (fill + (fill * market.commission + fee)), 0.0)
        for fill in (bought, sold)
    )
    change = close / np.concatenate([close[:1], close[:-1]]) - 1.0
    change = np.stack([change, change * change, change * benchmark], axis=1)
    return Course(
        opens, tape.high[bars], tape.low[bars], close, long, short,
        sold - (sold * market.commission + fee), slip, fee,
        np.concatenate([np.zeros((1, 3)), np.cumsum(change, axis=0)]),
        benchmark, np.array([*edges, tape.stop]), market.slippage, market.commission,
        market.max_leverage,
    )  # fmt: skip
