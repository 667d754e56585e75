"""Fills, entries, exits and costs: the steps of the reference kernel.

Each step takes one bar and the account. None takes an array, which would be slow to pass.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from dsl.evaluate.jit import jitable
from evolve.backtest.kernels.records import (
    BY_END,
    BY_HOLD,
    BY_RUIN,
    BY_SIGNAL,
    BY_STOP,
    BY_TARGET,
    BY_TRAIL,
    NONE,
    SIZE,
    STOP,
    TARGET,
    TRAIL,
    Bar,
)
from evolve.backtest.market import Market

if TYPE_CHECKING:
    from evolve.backtest.kernels.records import Account


@jitable
def accrue(account: Account, last_close: float, idle_days: float, market: Market) -> None:
    """Add interest on cash and subtract the borrowing fee of a short for the days since a bar."""
    if account.cash > 0.0:
        account.cash += account.cash * market.cash_rate * idle_days / 365.0
    if account.shares < 0.0:
        fee = -account.shares * last_close * market.borrow * idle_days / 365.0
        account.cash -= fee
        account.costs += fee


@jitable
def fill_waiting(
    account: Account, market: Market, bar: Bar, price: float, hold: int, t: int, fold: int
) -> None:
    """Fill the pending exit, by order or by time, and then the pending entry at a price."""
    if account.shares != 0.0:
        if account.leave != NONE:
            exit_position(account, market, bar, price, account.leave)
        elif t - account.bar >= hold:
            exit_position(account, market, bar, price, BY_HOLD)
    if account.side != 0 and account.shares == 0.0 and volume_left(bar, market) != 0.0:
        enter_position(account, market, bar, price, t, fold)
        account.side = 0


@jitable
def read_signals(account: Account, buy: bool, sell: bool, short: bool, cover: bool) -> bool:
    """Turn the signals of a bar into orders.

    A true exit blocks an entry on its side and cancels a pending one; `buy` and `short` together
    enter nothing.

    Returns:
        Whether there is a new entry order.
    """
    shares, side = account.shares, 0
    if not (buy and short):
        if buy and not sell and shares <= 0.0:
            side = 1
        elif short and not cover and shares >= 0.0:
            side = -1
    if account.leave == NONE and ((shares > 0.0 and sell) or (shares < 0.0 and cover)):
        account.leave = BY_SIGNAL
    if side != 0:
        account.side = side
    elif (account.side > 0 and sell) or (account.side < 0 and cover):
        account.side = 0
    return side != 0


@jitable
def exit_within(account: Account, market: Market, bar: Bar) -> bool:
    """Close the position at the stop, trail or target that the bar reaches; the stop comes first.

    The tighter of stop and trail applies. It fills at the open if the bar opens beyond it. The
    trail is measured from the most favorable price since the fill, up to the bar before: the
    extreme of a bar moves the trail of the next bar.

    Returns:
        Whether a level was reached.
    """
    side = 1.0 if account.shares > 0.0 else -1.0
    worst, best = (bar.low, bar.high) if side > 0.0 else (bar.high, bar.low)
    level, reason = account.price - side * account.stop, BY_STOP
    trail = account.extreme - side * account.trail
    if side * trail > side * level:
        level, reason = trail, BY_TRAIL
    target = account.price + side * account.target
    if side * worst <= side * level:
        opens_beyond = side * bar.open < side * level
        exit_position(account, market, bar, bar.open if opens_beyond else level, reason)
        return True
    if side * best >= side * target:
        opens_beyond = side * bar.open > side * target
        exit_position(account, market, bar, bar.open if opens_beyond else target, BY_TARGET)
        return True
    if side * best > side * account.extreme:
        account.extreme = best
    return False


@jitable
def update_extreme(account: Account) -> tuple[float, float]:
    """Return the prices between which a bar changes nothing for the open position.

    Beyond them the bar reaches the stop, trail or target, or moves the trail.
    """
    side = 1.0 if account.shares > 0.0 else -1.0
    price, extreme = side * account.price, side * account.extreme
    adverse = max(price - account.stop, extreme - account.trail)
    favorable = price + account.target
    if account.trail < math.inf:
        favorable = min(favorable, extreme)
    return (adverse, favorable) if side > 0.0 else (-favorable, -adverse)


@jitable
def enter_position(
    account: Account, market: Market, bar: Bar, price: float, t: int, fold: int
) -> None:
    """Open a position at a price, with the settings of the signal bar."""
    settings = account.settings
    shares, fill, fee = entry(settings[SIZE], account.side, price, account.cash, bar, market)
    if shares == 0.0:
        return
    account.risk = ((abs(shares) * fill + fee) / account.cash) ** 2
    account.cash -= shares * fill + fee
    account.shares, account.price, account.fill, account.extreme = shares, price, fill, price
    account.bar, account.fold = t, fold
    account.closed, account.received, account.gross = 0.0, 0.0, 0.0
    account.costs = abs(shares) * abs(fill - price) + fee
    account.stop = settings[STOP] * (price if account.is_ratio[STOP] != 0 else 1.0)
    account.trail = settings[TRAIL] * (price if account.is_ratio[TRAIL] != 0 else 1.0)
    account.target = settings[TARGET] * (price if account.is_ratio[TARGET] != 0 else 1.0)


@jitable
def exit_position(account: Account, market: Market, bar: Bar, price: float, reason: int) -> None:
    """Close the position at a price, or as much of it as the volume allows; the rest is pending.

    Market and stop fills slip; a target fill does not, but its rest is a market order. The last
    close and ruin are not orders: they ignore the volume.
    """
    shares, is_rest = account.shares, account.leave == reason
    if reason != BY_END and reason != BY_RUIN:
        limit = volume_left(bar, market)
        if abs(shares) > limit:
            shares = limit if shares > 0.0 else -limit
            account.leave = reason
            if shares == 0.0:
                return
    fill = price
    if reason != BY_TARGET or is_rest:
        fill = slip_price(price, -1 if shares > 0.0 else 1, bar, market)
    fee = commission(abs(shares), fill, bar, market)
    account.cash += shares * fill - fee
    account.costs += abs(shares) * abs(fill - price) + fee
    is_single = account.closed == 0.0 and shares == account.shares
    account.closed += shares
    account.received += shares * fill
    account.gross += shares * (price - account.price)
    if shares != account.shares:
        account.shares -= shares
        return
    account.profit = account.gross - account.costs
    account.reason, account.trade_shares = reason, account.closed
    account.trade_exit_fill = fill if is_single else account.received / account.closed
    account.trade_entry_bar, account.trade_fold = account.bar, account.fold
    account.trade_entry_fill, account.trade_costs = account.fill, account.costs
    account.shares, account.leave = 0.0, NONE


@jitable
def entry(
    size: float, side: int, price: float, equity: float, bar: Bar, market: Market
) -> tuple[float, float, float]:
    """Return the signed shares, fill price and commission of an entry.

    Shares are zero if the money does not suffice. Size is a fraction of equity at the fill, costs
    included, and at most the maximum leverage.
    """
    budget = min(size, market.max_leverage) * equity
    fill = slip_price(price, side, bar, market)
    if fill <= 0.0:
        return 0.0, fill, 0.0
    per_share = fill * market.commission + market.commission_per_share * bar.adjustment
    quantity = budget / (fill + per_share)
    if quantity * per_share < market.commission_minimum:
        quantity = (budget - market.commission_minimum) / fill
    limit = volume_left(bar, market)
    if quantity > limit:
        quantity = limit
    if not quantity > 0.0:
        return 0.0, fill, 0.0
    return side * quantity, fill, commission(quantity, fill, bar, market)


@jitable
def volume_left(bar: Bar, market: Market) -> float:
    """Return the maximum shares of a fill on a bar; NaN, which caps nothing, if volume is unknown.

    Volume counts raw shares.
    """
    return market.max_volume_share * bar.volume / bar.adjustment


@jitable
def slip_price(price: float, side: int, bar: Bar, market: Market) -> float:
    """Return the price after slippage, at least 0, of an order that buys (side 1) or sells (-1)."""
    spread = market.slippage_range * bar.spread
    return max(price * (1.0 + side * market.slippage) + side * spread, 0.0)


@jitable
def commission(quantity: float, fill: float, bar: Bar, market: Market) -> float:
    """Return the commission of an order; per-share fees count raw shares."""
    by_value = quantity * fill * market.commission
    by_share = quantity * bar.adjustment * market.commission_per_share
    return max(market.commission_minimum, by_value + by_share)
