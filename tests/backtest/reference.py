"""Independent simulator in plain Python, to compare the compiled kernels with.

It follows docs/market.md one bar at a time and shares no code with the package.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import isnan
from typing import TypedDict

RULES = ("size", "stop", "trail", "target")


class PlainBar(TypedDict):
    """Prices, adjustment factor, volume, and calendar days since the bar before."""

    open: float
    high: float
    low: float
    close: float
    adjustment: float
    volume: float
    days: float


@dataclass(frozen=True)
class BarSignals:
    """Orders and setting values of a strategy on one bar."""

    orders: frozenset[str] = frozenset()
    settings: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Terms:
    """Fills and costs of the market; rates are fractions."""

    capital: float = 1000.0
    fill: str = "next_open"
    hold: int = 0
    ratios: frozenset[str] = frozenset()
    commission: float = 0.0
    commission_per_share: float = 0.0
    commission_minimum: float = 0.0
    slippage: float = 0.0
    slippage_range: float = 0.0
    borrow: float = 0.0
    cash_rate: float = 0.0
    max_leverage: float = 1.0
    max_volume_share: float | None = None


@dataclass
class Position:
    """Open position; `shares` is positive on both sides."""

    side: str
    shares: float
    price: float  # the fill before slippage
    fill: float
    bar: int
    number: int  # index of the entry bar among priced bars
    distances: dict[str, float]
    best: float  # most favorable price from the fill to the bar before
    paid: float
    pieces: list[tuple[float, float, float]] = field(default_factory=list)  # shares, price, fill

    @property
    def left(self) -> float:
        """Shares still open."""
        return self.shares - sum(shares for shares, _, _ in self.pieces)


@dataclass(frozen=True)
class PlainTrade:
    """Closed round trip."""

    side: str
    entry_bar: int
    exit_bar: int
    shares: float
    entry_price: float
    exit_price: float
    reason: str
    profit: float
    costs: float


@dataclass
class Order:
    """Pending orders: the reason of the exit, and the side and settings of the entry."""

    leave: str = ""
    enter: str = ""
    settings: Mapping[str, float] = field(default_factory=dict)


class Replay:
    """Simulation of one script; `equity` and `trades` are its result."""

    def __init__(
        self, bars: Sequence[PlainBar], signals: Sequence[BarSignals], terms: Terms
    ) -> None:
        self.bars, self.signals, self.terms = bars, signals, terms
        self.cash = terms.capital
        self.position: Position | None = None
        self.order = Order()
        self.equity: list[float] = []
        self.trades: list[PlainTrade] = []
        self._run()

    def _run(self) -> None:
        self.number = -1
        priced = [t for t, bar in enumerate(self.bars) if not self._is_missing(bar)]
        days_due, last_close, is_ruined = 0.0, 0.0, False
        for t, bar in enumerate(self.bars):
            if t > 0:
                days_due += bar["days"]
            if is_ruined:
                self.equity.append(0.0)
                continue
            if self._is_missing(bar):
                is_idle = not priced or not priced[0] < t < priced[-1]
                earned = self.terms.cash_rate * days_due / 365 if is_idle else 0
                self.equity.append(self.cash * (1 + earned) if is_idle else self._last_equity)
                continue
            self.number += 1
            self._accrue(days_due, last_close)
            days_due, last_close = 0.0, bar["close"]
            self._trade(t, is_last=t == priced[-1])
            worth = self.cash
            if self.position is not None:
                value = self.position.left * bar["close"]
                worth += value if self.position.side == "long" else -value
            if worth <= 0:
                if self.position is not None:
                    self._leave(t, bar["close"], "ruin")
                worth, is_ruined = 0.0, True
            self.equity.append(worth)

    @property
    def _last_equity(self) -> float:
        return self.equity[-1] if self.equity else self.terms.capital

    @staticmethod
    def _is_missing(bar: PlainBar) -> bool:
        return isnan(bar["open"]) or isnan(bar["close"])

    def _accrue(self, days: float, last_close: float) -> None:
        if self.cash > 0:
            self.cash *= 1 + self.terms.cash_rate * days / 365
        if self.position is not None and self.position.side == "short":
            value = self.position.left * last_close
            fee = value * self.terms.borrow * days / 365
            self.cash -= fee
            self.position.paid += fee

    def _trade(self, t: int, is_last: bool) -> None:
        bar, fill = self.bars[t], self.terms.fill
        if fill == "next_open":
            self._fill_order(t, bar["open"])
        exited = self._exit_inside(t)
        if fill == "next_close":
            if is_last:
                self.order.enter = ""
            if not exited or self.position is None:
                self._fill_order(t, bar["close"])
        if is_last:
            if self.position is not None:
                self._leave(t, bar["close"], "end")
            return
        self._read_signals(t)
        if fill == "close":
            if exited:
                self.order.enter = ""
            else:
                self._fill_order(t, bar["close"])

    # -- signals

    def _read_signals(self, t: int) -> None:
        orders, settings = self.signals[t].orders, self.signals[t].settings
        holding = "" if self.position is None else self.position.side
        order = self.order
        if not order.leave and (holding, True) in (
            ("long", "sell" in orders),
            ("short", "cover" in orders),
        ):
            order.leave = "signal"
        wants_long = "buy" in orders and "sell" not in orders and holding != "long"
        wants_short = "short" in orders and "cover" not in orders and holding != "short"
        if "buy" in orders and "short" in orders:
            wants_long = wants_short = False
        refused = any(isnan(value) or value <= 0 for value in settings.values())
        if wants_long or wants_short:
            side = "long" if wants_long else "short"
            order.enter, order.settings = ("" if refused else side), settings
            if holding and not refused and order.leave in ("", "signal"):
                order.leave = "reverse"
        elif (order.enter, True) in (("long", "sell" in orders), ("short", "cover" in orders)):
            order.enter = ""

    # -- fills

    def _fill_order(self, t: int, price: float) -> None:
        order = self.order
        if self.position is not None:
            time_is_up = self.terms.hold > 0
            time_is_up &= self.number >= self.position.number + self.terms.hold
            if order.leave:
                self._leave(t, price, order.leave)
            elif time_is_up:
                self._leave(t, price, "hold")
        if order.enter and self.position is None and self._room(t) > 0:
            self._enter(t, price, order)
            order.enter = ""

    def _room(self, t: int) -> float:
        """Return the shares that a fill may take of a bar."""
        share, bar = self.terms.max_volume_share, self.bars[t]
        return float("inf") if share is None else share * bar["volume"] / bar["adjustment"]

    def _enter(self, t: int, price: float, order: Order) -> None:
        terms, bar = self.terms, self.bars[t]
        size = min(order.settings.get("size", 1.0), terms.max_leverage)
        money = size * self.cash
        fill = self._slip(price, bar, buys=order.enter == "long")
        if fill <= 0 or money <= 0:
            return
        fee_of_one = terms.commission * fill + terms.commission_per_share * bar["adjustment"]
        shares = money / (fill + fee_of_one)
        fee = shares * fee_of_one
        if fee < terms.commission_minimum:
            fee = terms.commission_minimum
            shares = (money - fee) / fill
        if shares <= 0:
            return
        if shares > self._room(t):
            shares = self._room(t)
            fee = max(shares * fee_of_one, terms.commission_minimum)
        self.cash += (-shares if order.enter == "long" else shares) * fill - fee
        distances = {}
        for rule in ("stop", "trail", "target"):
            if rule in order.settings:
                asked = order.settings[rule]
                distances[rule] = asked * price if rule in terms.ratios else asked
        paid = shares * abs(fill - price) + fee
        self.position = Position(
            order.enter, shares, price, fill, t, self.number, distances, price, paid
        )

    def _leave(self, t: int, price: float, reason: str) -> None:
        held, terms, bar = self.position, self.terms, self.bars[t]
        assert held is not None
        shares, is_whole, is_rest = held.left, True, self.order.leave == reason
        if reason not in ("end", "ruin") and self._room(t) < shares:
            shares, is_whole = self._room(t), False
            self.order.leave = reason
            if shares == 0:
                return
        fill = price
        if reason != "target" or is_rest:
            fill = self._slip(price, bar, buys=held.side == "short")
        fee = shares * (fill * terms.commission + bar["adjustment"] * terms.commission_per_share)
        fee = max(fee, terms.commission_minimum)
        received = shares * fill
        self.cash += (received if held.side == "long" else -received) - fee
        held.paid += shares * abs(fill - price) + fee
        held.pieces.append((shares, price, fill))
        if not is_whole:
            return
        moved = sum(shares * (price - held.price) for shares, price, _ in held.pieces)
        average = sum(shares * fill for shares, _, fill in held.pieces) / held.shares
        self.trades.append(
            PlainTrade(
                held.side,
                held.bar,
                t,
                held.shares,
                held.fill,
                average,
                reason,
                (moved if held.side == "long" else -moved) - held.paid,
                held.paid,
            )
        )
        self.position = None
        self.order.leave = ""

    def _slip(self, price: float, bar: PlainBar, buys: bool) -> float:
        worse = price * self.terms.slippage + self.terms.slippage_range * (bar["high"] - bar["low"])
        return price + worse if buys else max(price - worse, 0.0)

    # -- inside a bar

    def _exit_inside(self, t: int) -> bool:
        """Close the position at a stop, trail or target; return whether one was reached."""
        held, bar = self.position, self.bars[t]
        waits = self.terms.fill == "next_open" and self.order.leave != ""
        if held is None or held.pieces or waits:
            return False
        is_long = held.side == "long"
        levels = []
        if "stop" in held.distances:
            away = held.distances["stop"]
            levels.append((held.price - away if is_long else held.price + away, "stop"))
        if "trail" in held.distances:
            away = held.distances["trail"]
            levels.append((held.best - away if is_long else held.best + away, "trail"))
        if levels:
            # The tighter level is the higher one for a long. If they are equal, the stop counts.
            levels.sort(key=lambda each: (-each[0] if is_long else each[0], each[1]))
            level, reason = levels[0]
            if is_long and bar["low"] <= level:
                self._leave(t, min(bar["open"], level), reason)
                return True
            if not is_long and bar["high"] >= level:
                self._leave(t, max(bar["open"], level), reason)
                return True
        if "target" in held.distances:
            away = held.distances["target"]
            goal = held.price + away if is_long else held.price - away
            if is_long and bar["high"] >= goal:
                self._leave(t, max(bar["open"], goal), "target")
                return True
            if not is_long and bar["low"] <= goal:
                self._leave(t, min(bar["open"], goal), "target")
                return True
        held.best = max(held.best, bar["high"]) if is_long else min(held.best, bar["low"])
        return False
