"""Adapter of backtesting.py: it trades the signals of a strategy bar by bar.

A bar is added before the first, on which the engine does not call the strategy, and one of a single
price after the last, on which orders of the last close fill.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache, partial
from typing import Any

import numpy as np
import pandas as pd

from dsl.bars import Bars
from evolve.backtest.market import FillMode
from tests.parity.replay import CAPITAL, Outcome, Series, SignalArrays, Terms


def run_engine(
    signals: SignalArrays, bars: Bars, fill: FillMode, terms: Terms, exits_slip: bool = True
) -> Outcome:
    """Trade signals and return the outcome.

    Args:
        signals: signals on each bar.
        bars: bars of one symbol.
        fill: `next_open`, or `close` for `trade_on_close`.
        terms: costs.
        exits_slip: whether exits pay the spread too; in the engine they do not.
    """
    report = build_report(signals, bars, fill, terms, exits_slip)
    table, count = report["_trades"], len(bars)
    size, paid, got = (table[name].to_numpy(float) for name in ("Size", "EntryPrice", "ExitPrice"))
    entry = table["EntryBar"].to_numpy(int) - 1
    leave = np.minimum(table["ExitBar"].to_numpy(int) - 1, count - 1)
    worth = report["_equity_curve"]["Equity"].to_numpy(float)
    equity = np.concatenate([worth[1:count], worth[-1:]])
    if fill == "close":  # the engine marks equity before close fills
        is_order = np.isin(
            leave, report["_strategy"].left
        )  # not a stop, which fills within the bar
        for bar, price, sign in ((entry, paid, 1), (np.where(is_order, leave, count), got, -1)):
            is_late = (bar < count - 1) & (equity[np.minimum(bar, count - 1)] > 0)
            cost = _compute_cost(size, price, sign, terms)
            np.subtract.at(equity, bar[is_late], cost[is_late])
    return Outcome(
        equity, entry, leave, np.sign(size).astype(np.int64), np.abs(size), paid, got,
        table["PnL"].to_numpy(float),
    )  # fmt: skip


def _compute_cost(size: Series, price: Series, sign: int, terms: Terms) -> Series:
    """Return the costs of orders filled at a price."""
    slope = sign * np.sign(size) * terms.slippage
    slipped = np.abs(slope) * price / (1 + slope)
    cost: Series = np.abs(size) * (slipped + terms.commission * price + terms.per_share)
    return cost


def build_report(
    signals: SignalArrays, bars: Bars, fill: FillMode, terms: Terms, exits_slip: bool = True
) -> pd.Series[Any]:
    """Return the report of the engine."""
    strategy, engine, slipping = _define_classes()
    is_plain = not (terms.slippage or terms.per_share)

    def fee(size: float, price: float) -> float:
        # For a size as a fraction of equity, the engine has not added the spread to the price.
        paid = price * (1 + math.copysign(terms.slippage, size)) if abs(size) < 1 else price
        return abs(size) * (paid * terms.commission + terms.per_share)

    test = engine(
        _build_frame(bars), strategy,
        cash=CAPITAL, spread=terms.slippage, margin=1 / terms.leverage,
        commission=terms.commission if is_plain else fee, trade_on_close=fill == "close",
    )  # fmt: skip
    if terms.slippage and exits_slip:
        test._broker = partial(slipping, **test._broker.keywords)
    with quiet():
        report: pd.Series[Any] = test.run(
            signals=signals, bars=bars, fill=fill, leverage=terms.leverage
        )
    return report


@contextmanager
def quiet() -> Iterator[None]:
    """Suppress pandas warnings about the engine."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "DatetimeIndex.dayofweek is deprecated")
        yield


def _build_frame(bars: Bars) -> pd.DataFrame:
    """Convert bars to the frame of the engine, with one more bar at each end."""
    names = ("open", "high", "low", "close")
    rows = np.array([getattr(bars, name)[0] for name in names])
    data = np.concatenate([rows[:, :1], rows, np.full((4, 1), rows[3, -1])], axis=1)
    day = np.timedelta64(1, "D")
    time = np.concatenate([[bars.time[0] - day], bars.time, [bars.time[-1] + day]])
    columns = [name.capitalize() for name in names]
    return pd.DataFrame(data.T, pd.DatetimeIndex(time), columns)


@cache
def _define_classes() -> tuple[type, type, type]:
    """Return the replaying strategy, the engine, and a broker with the spread at exits."""
    from backtesting import Backtest, Strategy
    from backtesting.backtesting import _Broker

    class Replay(Strategy):  # type: ignore[misc]
        """Strategy that places the orders of the signals."""

        signals: Any = None
        bars: Any = None
        fill = "next_open"
        leverage = 1.0

        def init(self) -> None:
            """Start without orders and positions."""
            signals, bars = self.signals, self.bars
            self.bar, self.last = -1, len(bars) - 1
            self.expected, self.left = 0, list[int]()
            self.enters = (signals.enters_long.astype(int) - signals.enters_short).tolist()
            self.leaves = {1: signals.leaves_long.tolist(), -1: signals.leaves_short.tolist()}
            self.prices = (bars.close if self.fill == "close" else bars.open)[0]
            self.highs, self.lows = bars.high[0].tolist(), bars.low[0].tolist()

        def next(self) -> None:
            """Read the signals of a bar that has closed."""
            self.bar += 1
            t, size = self.bar, self.position.size
            if t > self.last:
                return
            side = (size > 0) - (size < 0)
            is_stopped = side != self.expected
            if side:
                self._move_trail(side)
            enters = self.enters[t]
            if enters == side or (is_stopped and self.fill == "close") or t == self.last:
                enters = 0
            self.expected = side
            if side and (enters or self.leaves[side][t] or self._is_due() or t == self.last):
                self.position.close()
                self.left.append(t)
                self.expected = 0
            if enters:
                self._enter(enters)
                self.expected = enters

        def _is_due(self) -> bool:
            """Return whether the time exit is due at the next fill."""
            fills_at = self.bar + (self.fill == "next_open")
            return bool(fills_at - (self.trades[0].entry_bar - 1) >= self.signals.hold)

        def _enter(self, side: int) -> None:
            """Place an entry order with levels measured from the fill price."""
            t, signals = self.bar, self.signals
            part = min(signals.size[t], self.leverage) / self.leverage
            order = (self.buy if side > 0 else self.sell)(**({"size": part} if part < 1 else {}))
            price = self.prices[t + (self.fill == "next_open")]
            away = {
                name: getattr(signals, name)[t] * (price if name in signals.ratios else 1.0)
                for name in ("stop", "trail", "target")
            }
            self.stop, self.trail = price - side * away["stop"], away["trail"]
            self.extreme = price
            # The engine rejects levels beyond the last close: set them after the order.
            goal = _level(price + side * away["target"])
            order._replace(sl_price=self._tighter(side), tp_price=goal)

        def _move_trail(self, side: int) -> None:
            """Move the trail after the extreme of the bar."""
            t = self.bar
            best = max(self.extreme, self.highs[t]) if side > 0 else min(self.extreme, self.lows[t])
            if best != self.extreme and math.isfinite(self.trail):
                self.extreme = best
                self.trades[0].sl = self._tighter(side)

        def _tighter(self, side: int) -> float | None:
            """Return the tighter of stop and trail."""
            trail = self.extreme - side * self.trail
            return _level(max(self.stop, trail) if side > 0 else min(self.stop, trail))

    class Slipping(_Broker):  # type: ignore[misc]
        """Broker whose exits pay the spread too."""

        def _close_trade(self, trade: Any, price: float, time_index: int) -> None:
            super()._close_trade(trade, self._adjusted_price(-trade.size, price), time_index)

    return Replay, Backtest, Slipping


def _level(price: float) -> float | None:
    """Return a price if it can be reached, else None."""
    return float(price) if 0 < price < math.inf else None
