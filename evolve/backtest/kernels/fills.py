"""How orders fill, positions open and close, and what that costs: the parts of the simulation.

Each is called by the compiled pass with one bar and the account; none is handed an array.
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
    """Cash earns, and a short pays on the prior close's value, for the days gone by."""
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
    """Fill what waits at a price: first the exit, by order or by time, then the entry."""
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

    A true exit blocks an entry on its side and takes back one that waits; `buy` and `short`
    together enter nothing.

    Returns:
        Whether an entry is asked for anew.
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
    """Leave at the stop, trail or target that the bar reaches, the stop before the target.

    The tighter of stop and trail counts, and fills at the open if the bar opens beyond it. The
    trail hangs from the most favourable extreme since the fill through the bar before: a bar's
    own extreme moves it for the next bar only.
    """
    side = 1.0 if account.shares > 0.0 else -1.0
    worst, best = (bar.low, bar.high) if side > 0.0 else (bar.high, bar.low)
    level, reason = account.price - side * account.stop, BY_STOP
    trail = account.extreme - side * account.trail
    if side * trail > side * level:
        level, reason = trail, BY_TRAIL
    goal = account.price + side * account.target
    if side * worst <= side * level:
        opens_beyond = side * bar.open < side * level
        exit_position(account, market, bar, bar.open if opens_beyond else level, reason)
        return True
    if side * best >= side * goal:
        opens_beyond = side * bar.open > side * goal
        exit_position(account, market, bar, bar.open if opens_beyond else goal, BY_TARGET)
        return True
    if side * best > side * account.extreme:
        account.extreme = best
    return False


@jitable
def update_extreme(account: Account) -> tuple[float, float]:
    """The prices between which a bar changes nothing for the open position.

    At the lower or upper one it meets its stop, trail or target, or moves the trail.
    """
    side = 1.0 if account.shares > 0.0 else -1.0
    price, extreme = side * account.price, side * account.extreme
    against = max(price - account.stop, extreme - account.trail)
    favour = price + account.target
    if account.trail < math.inf:
        favour = min(favour, extreme)
    return (against, favour) if side > 0.0 else (-favour, -against)


@jitable
def enter_position(
    account: Account, market: Market, bar: Bar, price: float, t: int, fold: int
) -> None:
    """Open a position at a price, from what the signal bar asked for."""
    asked = account.asked
    shares, fill, fee = entry(asked[SIZE], account.side, price, account.cash, bar, market)
    if shares == 0.0:
        return
    account.risk = ((abs(shares) * fill + fee) / account.cash) ** 2
    account.cash -= shares * fill + fee
    account.shares, account.price, account.fill, account.extreme = shares, price, fill, price
    account.bar, account.fold = t, fold
    account.gone, account.received, account.gross = 0.0, 0.0, 0.0
    account.costs = abs(shares) * abs(fill - price) + fee
    account.stop = asked[STOP] * (price if account.is_ratio[STOP] != 0 else 1.0)
    account.trail = asked[TRAIL] * (price if account.is_ratio[TRAIL] != 0 else 1.0)
    account.target = asked[TARGET] * (price if account.is_ratio[TARGET] != 0 else 1.0)


@jitable
def exit_position(account: Account, market: Market, bar: Bar, price: float, reason: int) -> None:
    """Close the position at a price, or as much as the volume allows: the rest waits.

    Market and stop fills slip, a target's does not; the rest of one is a market order. The last
    bar's close and ruin are a mark, not an order: they close it whole.
    """
    shares, is_rest = account.shares, account.leave == reason
    if reason != BY_END and reason != BY_RUIN:
        most = volume_left(bar, market)
        if abs(shares) > most:
            shares = most if shares > 0.0 else -most
            account.leave = reason
            if shares == 0.0:
                return
    fill = price
    if reason != BY_TARGET or is_rest:
        fill = slip_price(price, -1 if shares > 0.0 else 1, bar, market)
    fee = commission(abs(shares), fill, bar, market)
    account.cash += shares * fill - fee
    account.costs += abs(shares) * abs(fill - price) + fee
    is_whole = account.gone == 0.0 and shares == account.shares
    account.gone += shares
    account.received += shares * fill
    account.gross += shares * (price - account.price)
    if shares != account.shares:
        account.shares -= shares
        return
    account.profit = account.gross - account.costs
    account.reason, account.sold_shares = reason, account.gone
    account.sold_fill = fill if is_whole else account.received / account.gone
    account.sold_bar, account.sold_fold = account.bar, account.fold
    account.sold_from, account.sold_costs = account.fill, account.costs
    account.shares, account.leave = 0.0, NONE


@jitable
def entry(
    size: float, side: int, price: float, equity: float, bar: Bar, market: Market
) -> tuple[float, float, float]:
    """Signed shares, fill and commission of an entry; no shares if there is no money for it.

    Size is a fraction of equity at the fill, capped at the most leverage, costs inside it.
    """
    budget = min(size, market.max_leverage) * equity
    fill = slip_price(price, side, bar, market)
    if fill <= 0.0:
        return 0.0, fill, 0.0
    per_share = fill * market.commission + market.commission_per_share * bar.adjustment
    quantity = budget / (fill + per_share)
    if quantity * per_share < market.commission_minimum:
        quantity = (budget - market.commission_minimum) / fill
    most = volume_left(bar, market)
    if quantity > most:
        quantity = most
    if not quantity > 0.0:
        return 0.0, fill, 0.0
    return side * quantity, fill, commission(quantity, fill, bar, market)


@jitable
def volume_left(bar: Bar, market: Market) -> float:
    """The most shares that a fill may take of a bar; NaN, which caps nothing, if not known.

    Volume counts raw shares.
    """
    return market.max_volume_share * bar.volume / bar.adjustment


@jitable
def slip_price(price: float, side: int, bar: Bar, market: Market) -> float:
    """The price after slippage for an order that buys (side 1) or sells (-1); never below 0."""
    spread = market.slippage_range * bar.spread
    return max(price * (1.0 + side * market.slippage) + side * spread, 0.0)


@jitable
def commission(quantity: float, fill: float, bar: Bar, market: Market) -> float:
    """The commission of an order; per-share fees count raw shares."""
    traded = quantity * fill * market.commission
    counted = quantity * bar.adjustment * market.commission_per_share
    return max(market.commission_minimum, traded + counted)
