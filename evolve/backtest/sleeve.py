"""Sleeves: equal shares of the capital, one per symbol, each traded on the bars of its symbol.

Sleeves are never rebalanced. If a symbol starts late, its sleeve holds cash until the first bar. If
a symbol ends early, its sleeve is closed on the last bar.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dsl.bars import Bars
from dsl.calendar_time import bars_per_year, years_between
from evolve.backtest.kernels import fills
from evolve.backtest.kernels.records import Bar, BarArrays
from evolve.backtest.market import Market
from evolve.backtest.performance import Performance, Series, Trades


@dataclass(frozen=True, eq=False)
class Sleeve:
    """Symbol of a panel on a window.

    A sleeve bar is a bar of the window that has a price of the symbol.

    Attributes:
        symbol: name of the symbol.
        bars: priced bars up to the end of the window; those before it warm the indicators.
        arrays: input of the simulation.
        indices: int64[sleeve bar], position of each sleeve bar in the window.
        time: datetime64[bar], times of the window.
        bars_per_year: bars per year of the window.
    """

    symbol: str
    bars: Bars
    arrays: BarArrays
    indices: NDArray[np.int64]
    time: NDArray[np.datetime64]
    bars_per_year: float

    @property
    def length(self) -> int:
        """Number of bars of the window."""
        return len(self.time)

    @property
    def is_whole(self) -> bool:
        """Whether every bar of the window is a sleeve bar."""
        return len(self.indices) == self.length

    @cached_property
    def latest(self) -> NDArray[np.int64]:
        """Number of sleeve bars up to each bar of the window, int64[bar]."""
        return np.searchsorted(self.indices, np.arange(self.length), "right")

    def spread(self, values: NDArray[Any], before: float) -> NDArray[Any]:
        """Spread values of sleeve bars over the window, filled forward.

        Args:
            values: [sleeve bar].
            before: value on bars before the first sleeve bar.

        Returns:
            [bar], with the type of `values`.
        """
        if self.is_whole:
            return values
        return np.concatenate([np.array([before], values.dtype), values])[self.latest]

    def idle_growth(self, market: Market) -> Series:
        """Return float64[bar], growth of cash before the first sleeve bar and after the last."""
        days = np.zeros(self.length)
        if market.cash_rate and self.length:
            bars = np.arange(self.length)
            first, last = (
                (self.indices[0], self.indices[-1]) if len(self.indices) else (self.length,) * 2
            )
            since = np.where(bars < first, self.time[0], self.time[min(last, self.length - 1)])
            is_idle = (bars < first) | (bars > last)
            days = np.where(is_idle, (self.time - since) / np.timedelta64(1, "D"), 0.0)
        return 1.0 + market.cash_rate * days / 365.0

    def edges(self, edges: NDArray[np.int64]) -> NDArray[np.int64]:
        """Convert bars of the window to the first bars of `arrays` at or after them."""
        return self.arrays.start + np.searchsorted(self.indices, edges, "left")


def build_sleeves(bars: Bars, start: int, stop: int) -> list[Sleeve]:
    """Build the sleeves of a panel on its bars from `start` to `stop`, not including `stop`."""
    rate = bars_per_year(bars.time[start:stop])
    return [_build_sleeve(bars, symbol, start, stop, rate) for symbol in range(len(bars.symbols))]


def share_of_market(market: Market, sleeves: int) -> Market:
    """Return the market of one of `sleeves` equal sleeves, with its share of the capital."""
    return market if sleeves == 1 else market._replace(capital=market.capital / sleeves)


def list_uncapped(bars: Bars, market: Market) -> list[str]:
    """Return a warning if fills are capped by a volume that is unknown on some bars."""
    if np.isinf(market.max_volume_share):
        return []
    known = ~np.isnan(bars.volume) | ~bars.priced
    names = [name for name, row in zip(bars.symbols, known, strict=True) if not row.all()]
    text = f"volume of {', '.join(names)} is unknown on some bars: fills are not capped there"
    return [text] if names else []


def _build_sleeve(bars: Bars, symbol: int, start: int, stop: int, rate: float) -> Sleeve:
    indices = bars.priced_indices(symbol)
    first, last = (int(each) for each in np.searchsorted(indices, [start, stop], "left"))
    panel = bars.select_symbol(symbol)
    if last < len(panel):
        panel = panel.slice(0, last)
    time = bars.time[start:stop]
    days = panel.days.copy()
    if first < last:
        days[first] = (panel.time[first] - time[0]) / np.timedelta64(1, "D")
    name = bars.symbols[symbol]
    arrays = _build_arrays(panel, name in bars.closes_only, days, first, last)
    return Sleeve(name, panel, arrays, indices[first:last] - start, time, rate)


def _build_arrays(bars: Bars, closes_only: bool, days: Series, first: int, last: int) -> BarArrays:
    """Build the arrays of a symbol from the prices at which orders can fill."""
    close, spread = bars.close[0], bars.high[0] - bars.low[0]
    opens, highs, lows = bars.open[0], bars.high[0], bars.low[0]
    if closes_only:
        opens = highs = lows = close
    return BarArrays(
        opens, highs, lows, close, bars.adjustment[0], bars.volume[0], spread, days, first, last
    )


def buy_and_hold(sleeve: Sleeve, market: Market) -> Performance:
    """Return the performance of buying all in at the first open and selling at the last close.

    Args:
        sleeve: symbol and window.
        market: fills and costs; its capital is the sleeve's.
    """
    arrays, count = sleeve.arrays, len(sleeve.indices)
    equity, costs, shares = np.full(count, market.capital), 0.0, 0.0
    profits, turnover = np.empty(0), np.empty(0)
    if count:
        first, last = _read_bar(arrays, arrays.start), _read_bar(arrays, arrays.stop - 1)
        capital = market.capital * (1.0 + market.cash_rate * arrays.days[arrays.start] / 365.0)
        uncapped = market._replace(max_leverage=1.0, max_volume_share=np.inf)
        shares, fill, fee = fills.entry(1.0, 1, first.open, capital, first, uncapped)
    if shares:
        exit_fill = fills.slip_price(last.close, -1, last, market)
        exit_fee = fills.commission(shares, exit_fill, last, market)
        equity = capital - shares * fill - fee + shares * arrays.close[arrays.start : arrays.stop]
        equity[-1] += shares * (exit_fill - last.close) - exit_fee
        equity[np.maximum.accumulate(equity <= 0.0)] = 0.0  # ruin is final
        costs = shares * (fill - first.open + last.close - exit_fill) + fee + exit_fee
        profits, turnover = equity[-1:] - capital, capital + equity[-1:]
    trades = Trades(profits, np.array([costs]), turnover, np.full(len(profits), float(count - 1)))
    return build_performance(sleeve, market, equity, np.ones(count, np.int8), trades)


def build_performance(
    sleeve: Sleeve, market: Market, equity: Series, held: NDArray[np.int8], trades: Trades,
    benchmark: Series | None = None,
) -> Performance:  # fmt: skip
    """Build the performance of a sleeve on the bars of its window.

    Args:
        sleeve: symbol and window.
        market: fills and costs; its capital is the sleeve's.
        equity: float64[sleeve bar], equity at each close.
        held: int8[sleeve bar], side held at the close.
        trades: closed trades.
        benchmark: float64[bar], equity of the benchmark; that of the sleeve if None.
    """
    window_equity = _spread_equity(sleeve, market, equity)
    return Performance(
        capital=market.capital,
        equity=window_equity,
        benchmark=window_equity if benchmark is None else benchmark,
        cash=cash_equity(sleeve, market),
        held=(sleeve.spread(held, 0) != 0).astype(np.float64),
        trades=trades,
        bars_per_year=sleeve.bars_per_year,
        years=years_between(sleeve.time),
    )


def cash_equity(sleeve: Sleeve, market: Market) -> Series:
    """Return float64[bar], the equity of a sleeve in cash."""
    days = sleeve.arrays.days[sleeve.arrays.start : sleeve.arrays.stop]
    equity = market.capital * np.cumprod(1.0 + market.cash_rate * days / 365.0)
    return _spread_equity(sleeve, market, equity)


def _spread_equity(sleeve: Sleeve, market: Market, equity: NDArray[Any]) -> Series:
    """Spread equity on sleeve bars over the window, with interest on idle cash: float64[bar]."""
    spread = sleeve.spread(equity, market.capital)
    return spread * sleeve.idle_growth(market) if market.cash_rate else spread


def _read_bar(arrays: BarArrays, t: int) -> Bar:
    return Bar(*[float(getattr(arrays, field)[t]) for field in Bar._fields])
