"""A symbol's sleeve: its share of the capital, traded on its own bars of a window.

Sleeves are equal at the start and never rebalanced. One whose symbol starts late keeps its cash
until the first bar; one whose symbol ends early is closed on the last.
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
    """One symbol of a panel over a window of it.

    Attributes:
        symbol: its name.
        bars: its own bars up to the end of the window; those before the window warm indicators.
        tape: what the simulation reads of them.
        places: int64[own bar of the window], which bar of the window each is.
        time: datetime64[bar], of the window.
        bars_per_year: of the window.
    """

    symbol: str
    bars: Bars
    arrays: BarArrays
    places: NDArray[np.int64]
    time: NDArray[np.datetime64]
    bars_per_year: float

    @property
    def length(self) -> int:
        """Bars of the window."""
        return len(self.time)

    @property
    def is_whole(self) -> bool:
        """Whether it has a bar wherever the panel has one."""
        return len(self.places) == self.length

    @cached_property
    def latest(self) -> NDArray[np.int64]:
        """int64[bar]: how many own bars there have been."""
        return np.searchsorted(self.places, np.arange(self.length), "right")

    def spread(self, values: NDArray[Any], before: float) -> NDArray[Any]:
        """Values of own bars on the window's: the last one counts where there is none.

        Args:
            values: float64[own bar of the window].
            before: what counts before the first.
        """
        if self.is_whole:
            return values
        return np.concatenate([np.array([before], values.dtype), values])[self.latest]

    def idle_growth(self, market: Market) -> Series:
        """float64[bar]: what cash has grown to before the first own bar, and after the last."""
        since = np.zeros(self.length)
        if market.cash_rate and self.length:
            bars, own = np.arange(self.length), self.places if len(self.places) else [self.length]
            begun = np.where(bars < own[0], self.time[0], self.time[min(own[-1], self.length - 1)])
            is_idle = (bars < own[0]) | (bars > own[-1])
            since = np.where(is_idle, (self.time - begun) / np.timedelta64(1, "D"), 0.0)
        return 1.0 + market.cash_rate * since / 365.0

    def edges(self, edges: NDArray[np.int64]) -> NDArray[np.int64]:
        """Bars of the window as the first own bars of the tape from there on."""
        return self.arrays.start + np.searchsorted(self.places, edges, "left")


def build_sleeves(bars: Bars, start: int, stop: int) -> list[Sleeve]:
    """The sleeves of a panel over its bars from start up to, not including, stop."""
    rate = bars_per_year(bars.time[start:stop])
    return [_sleeve(bars, symbol, start, stop, rate) for symbol in range(len(bars.symbols))]


def share_of_market(market: Market, sleeves: int) -> Market:
    """The market of one of so many sleeves: the same with its share of the capital."""
    return market if sleeves == 1 else market._replace(capital=market.capital / sleeves)


def list_uncapped(bars: Bars, market: Market) -> list[str]:
    """What to say of symbols whose volume is not known where the market caps fills by it."""
    if np.isinf(market.max_volume_share):
        return []
    known = ~np.isnan(bars.volume) | ~bars.priced
    names = [name for name, row in zip(bars.symbols, known, strict=True) if not row.all()]
    text = f"the volume of {', '.join(names)} is not always known: fills are not capped there"
    return [text] if names else []


def _sleeve(bars: Bars, symbol: int, start: int, stop: int, rate: float) -> Sleeve:
    places = bars.priced_indices(symbol)
    first, last = (int(place) for place in np.searchsorted(places, [start, stop], "left"))
    own = bars.select_symbol(symbol)
    if last < len(own):
        own = own.slice(0, last)
    time = bars.time[start:stop]
    days = own.days.copy()
    if first < last:
        days[first] = (own.time[first] - time[0]) / np.timedelta64(1, "D")
    name = bars.symbols[symbol]
    tape = _build_arrays(own, name in bars.closes_only, days, first, last)
    return Sleeve(name, own, tape, places[first:last] - start, time, rate)


def _build_arrays(own: Bars, closes_only: bool, days: Series, first: int, last: int) -> BarArrays:
    """Build the tape of a symbol from the prices at which an order can fill."""
    close, spread = own.close[0], own.high[0] - own.low[0]
    opens, highs, lows = own.open[0], own.high[0], own.low[0]
    if closes_only:
        opens = highs = lows = close
    return BarArrays(
        opens, highs, lows, close, own.adjustment[0], own.volume[0], spread, days, first, last
    )


def buy_and_hold(sleeve: Sleeve, market: Market) -> Performance:
    """Buying all in at the sleeve's first open and selling at its last close, costs included.

    Args:
        sleeve: the window.
        market: of the sleeve: its capital is the sleeve's.
    """
    tape, count = sleeve.arrays, len(sleeve.places)
    equity, costs, profits, traded = np.full(count, market.capital), 0.0, np.empty(0), np.empty(0)
    shares = 0.0
    if count:
        first, last = _bar(tape, tape.start), _bar(tape, tape.stop - 1)
        capital = market.capital * (1.0 + market.cash_rate * tape.days[tape.start] / 365.0)
        plain = market._replace(max_leverage=1.0, max_volume_share=np.inf)
        shares, fill, fee = fills.entry(1.0, 1, first.open, capital, first, plain)
    if shares:
        sold = fills.slip_price(last.close, -1, last, market)
        last_fee = fills.commission(shares, sold, last, market)
        equity = capital - shares * fill - fee + shares * tape.close[tape.start : tape.stop]
        equity[-1] += shares * (sold - last.close) - last_fee
        equity[np.maximum.accumulate(equity <= 0.0)] = 0.0  # what is lost stays lost
        costs = shares * (fill - first.open + last.close - sold) + fee + last_fee
        profits, traded = equity[-1:] - capital, capital + equity[-1:]
    trades = Trades(profits, np.array([costs]), traded, np.full(len(profits), float(count - 1)))
    return build_performance(sleeve, market, equity, np.ones(count, np.int8), trades)


def build_performance(
    sleeve: Sleeve, market: Market, equity: Series, held: NDArray[np.int8], trades: Trades,
    benchmark: Series | None = None,
) -> Performance:  # fmt: skip
    """Return the performance of a sleeve on the bars of its window.

    Args:
        sleeve, market: whose.
        equity, held: float64 and int8[own bar of the window].
        trades: the closed ones.
        benchmark: float64[bar of the window]; its own equity if None.
    """
    worth = _on_window(sleeve, market, equity)
    return Performance(
        capital=market.capital,
        equity=worth,
        benchmark=worth if benchmark is None else benchmark,
        cash=cash_equity(sleeve, market),
        held=(sleeve.spread(held, 0) != 0).astype(np.float64),
        trades=trades,
        bars_per_year=sleeve.bars_per_year,
        years=years_between(sleeve.time),
    )


def cash_equity(sleeve: Sleeve, market: Market) -> Series:
    """Return float64[bar of the window], the equity of a sleeve that never trades."""
    days = sleeve.arrays.days[sleeve.arrays.start : sleeve.arrays.stop]
    own = market.capital * np.cumprod(1.0 + market.cash_rate * days / 365.0)
    return _on_window(sleeve, market, own)


def _on_window(sleeve: Sleeve, market: Market, equity: NDArray[Any]) -> Series:
    """Return equity on own bars as float64[bar of the window], with interest on idle cash."""
    worth = sleeve.spread(equity, market.capital)
    return worth * sleeve.idle_growth(market) if market.cash_rate else worth


def _bar(tape: BarArrays, t: int) -> Bar:
    return Bar(*[float(getattr(tape, field)[t]) for field in Bar._fields])
