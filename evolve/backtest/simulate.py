"""The simulation: one compiled pass from orders to equity, trades and fold sums.

Within bar t: pending orders fill at the open; then stop, trail and target work during the bar;
the position is marked at the close; then signals are read. Each rule is stated where it acts.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from dsl.evaluate.compile import jitable
from evolve.backtest.market import Market

Series = NDArray[np.float64]

BUY, SELL, SHORT, COVER = 1, 2, 4, 8
SIZE, STOP, TRAIL, TARGET = range(4)

NONE = -1
NEVER = 1 << 60
REASONS = ("signal", "reverse", "hold", "stop", "trail", "target", "end", "ruin")
BY_SIGNAL, BY_REVERSE, BY_HOLD, BY_STOP, BY_TRAIL, BY_TARGET, BY_END, BY_RUIN = range(8)

TRADE_FIELDS = (
    "entry_bar", "exit_bar", "shares", "entry_price", "exit_price", "reason", "profit", "costs",
)  # fmt: skip
FOLD_FIELDS = ("returns", "sum", "squares", "products", "trades", "held", "growth", "ruined")
F_RETURNS, F_SUM, F_SQUARES, F_PRODUCTS, F_TRADES, F_HELD, F_GROWTH, F_RUINED = range(8)


class Tape(NamedTuple):
    """The bars of one symbol, and the window of them to simulate.

    `days` are calendar days since the bar before; `last` is the last bar that has a price.
    """

    open: Series
    high: Series
    low: Series
    close: Series
    adjustment: Series
    days: Series
    start: int
    stop: int
    last: int


class Orders(NamedTuple):
    """The signals of a batch of programs; see `dsl.evaluate.Signals`."""

    orders: NDArray[np.uint8]
    settings: NDArray[np.float64]
    rows: NDArray[np.int64]
    is_ratio: NDArray[np.bool_]
    hold_bars: NDArray[np.int64]


class Record(NamedTuple):
    """What the pass writes. An array with no rows is not wanted and not written.

    Attributes:
        equity: float64[program, bar of the window], marked at the close.
        held: int8[program, bar of the window], the side held at the close.
        trades: float64[trade, TRADE_FIELDS], closed trades of the first program.
        trade_count: int64[1], how many of them.
        folds: float64[program, fold, FOLD_FIELDS], sums over returns r a bar, and r times the
            benchmark's; a trade counts in the fold of its entry.
        edges: int64[fold], the first bar of each fold.
        benchmark: float64[bar of the window], the benchmark's returns.
    """

    equity: Series
    held: NDArray[np.int8]
    trades: Series
    trade_count: NDArray[np.int64]
    folds: Series
    edges: NDArray[np.int64]
    benchmark: Series


if TYPE_CHECKING:
    from typing import Any

    Account = Any  # a numpy record of dtype ACCOUNT


class Bar(NamedTuple):
    """The prices of one bar."""

    open: float
    high: float
    low: float
    close: float
    adjustment: float


ACCOUNT = np.dtype(
    [
        ("cash", np.float64),
        # The open position: shares below 0 are short; price is the fill before slippage;
        # distances are frozen at the fill, 0 for none; extreme is the most favourable price since.
        ("shares", np.float64),
        ("price", np.float64),
        ("fill", np.float64),
        ("bar", np.int64),
        ("fold", np.int64),
        ("stop", np.float64),
        ("trail", np.float64),
        ("target", np.float64),
        ("extreme", np.float64),
        ("costs", np.float64),
        # Orders that wait for a fill: to leave, and to enter a side (0 for none) with what the
        # signal bar asked for, 0 for none.
        ("leave", np.int64),
        ("side", np.int64),
        ("asked", np.float64, (4,)),
        ("is_ratio", np.int64, (4,)),
        # The trade just closed, until it is kept: its reason (NONE if there is none) and account.
        ("reason", np.int64),
        ("sold_bar", np.int64),
        ("sold_fold", np.int64),
        ("sold_shares", np.float64),
        ("sold_from", np.float64),
        ("sold_fill", np.float64),
        ("sold_costs", np.float64),
        ("profit", np.float64),
    ],
    align=True,
)


def simulate(tape: Tape, signals: Orders, market: Market, record: Record, account: Account) -> None:
    """Simulate every program of a batch, each from flat, over the tape's window.

    `account` is scratch of dtype ACCOUNT.
    """
    for program in range(signals.orders.shape[0]):
        _simulate_one(tape, signals, market, record, account, program)


@jitable
def _simulate_one(
    tape: Tape, signals: Orders, market: Market, record: Record, account: Account, p: int
) -> None:
    # Arrays stay in this function: handing them to another costs more than the other does.
    # Sliced to the window, they are read from 0 up, which spares a test of every index.
    start, window = tape.start, slice(tape.start, tape.stop)
    orders, settings = signals.orders[p, window], signals.settings[:, window]
    rows, is_ratio = signals.rows[p], signals.is_ratio[p]
    hold = signals.hold_bars[p] if signals.hold_bars[p] > 0 else NEVER
    opens, highs = tape.open[window], tape.high[window]
    lows, closes = tape.low[window], tape.close[window]
    adjustments, days = tape.adjustment[window], tape.days[window]
    folds, trades, trade_count = record.folds, record.trades, record.trade_count
    benchmark, edges = record.benchmark, record.edges
    bars, last, at_close = len(opens), tape.last - start, market.at_close
    accrues = market.cash_rate != 0.0 or market.borrow != 0.0
    wants_equity, wants_folds = record.equity.shape[0] > 0, folds.shape[0] > 0
    fold, next_edge = 0, edges[1] - start if len(edges) > 1 else bars
    cash, shares, equity, first_equity = market.capital, 0.0, market.capital, market.capital
    last_close, idle_days, is_waiting, ruined = 0.0, 0.0, False, False
    count, total, squares, products, held = 0.0, 0.0, 0.0, 0.0, 0.0
    floor, ceiling, due = -math.inf, math.inf, NEVER
    account.cash, account.shares, account.reason = cash, 0.0, NONE
    account.leave, account.side = 0, 0
    for setting in range(4):
        account.is_ratio[setting] = 1 if is_ratio[setting] else 0

    t = -1
    while t + 1 < bars:
        t += 1
        # Flat with nothing to do: on to the next entry signal.
        if shares == 0.0 and not (is_waiting or accrues or wants_equity):
            until = min(next_edge, last)
            first = t
            while t < until and not orders[t] & (BUY | SHORT):
                t += 1
            count += t - max(first, 1) if t > 0 and equity > 0.0 else 0.0
        if t == next_edge and wants_folds:
            growth = equity / first_equity - 1.0 if first_equity > 0.0 else 0.0
            _keep_sums(folds[p, fold], count, total, squares, products, held, growth)
            count, total, squares, products, held = 0.0, 0.0, 0.0, 0.0, 0.0
            first_equity, fold = equity, fold + 1
            next_edge = edges[fold + 1] - start if fold + 1 < len(edges) else bars
        before = equity
        if accrues and t > 0:
            idle_days += days[t]
        # A bar without a price: nothing fills, nothing is marked, orders wait.
        if opens[t] == opens[t] and closes[t] == closes[t] and not ruined:
            if shares == 0.0:
                acts = orders[t] & (BUY | SHORT) != 0
            else:
                reads = SELL | SHORT if shares > 0.0 else COVER | BUY
                acts = orders[t] & reads != 0 or t >= due or lows[t] <= floor or highs[t] >= ceiling
            if acts or is_waiting or accrues or t == last:
                bar = Bar(opens[t], highs[t], lows[t], closes[t], adjustments[t])
                if accrues:
                    _accrue(account, last_close, idle_days, market)
                stopped = False
                if not at_close:
                    _fill(account, market, bar, bar.open, hold, t, fold)
                    if account.reason != NONE:
                        _keep_trade(account, folds, trades, trade_count, p, start, t)
                if account.shares != 0.0:  # an entry at the close of a bar comes after
                    stopped = _exit_within(account, market, bar)
                if t < last:
                    _read_signals(account, orders[t])
                    if account.side != 0:
                        for setting in range(4):
                            row = rows[setting]
                            account.asked[setting] = settings[row, t] if row >= 0 else 0.0
                            if row >= 0 and not account.asked[setting] > 0.0:
                                account.side = 0
                    # A refused entry leaves nothing; one on the other side leaves first.
                    if account.side != 0 and account.shares != 0.0:
                        account.leave = 1
                    if at_close:
                        if stopped:
                            account.side = 0
                        _fill(account, market, bar, bar.close, hold, t, fold)
                elif account.shares != 0.0:
                    _leave(account, market, bar, bar.close, BY_END)
                if account.reason != NONE:
                    _keep_trade(account, folds, trades, trade_count, p, start, t)
                cash, shares, due = account.cash, account.shares, account.bar + hold
                floor, ceiling = _reach(account)
                is_waiting = account.leave != 0 or account.side != 0
            idle_days, last_close = 0.0, closes[t]
            equity = cash + shares * last_close
            if equity <= 0.0:  # without equity the strategy is done
                if shares != 0.0:
                    bar = Bar(opens[t], highs[t], lows[t], closes[t], adjustments[t])
                    _leave(account, market, bar, bar.close, BY_RUIN)
                    _keep_trade(account, folds, trades, trade_count, p, start, t)
                cash, shares, equity, ruined = 0.0, 0.0, 0.0, True

        if wants_equity:
            record.equity[p, t] = equity
            record.held[p, t] = np.sign(shares)
        if t > 0 and before > 0.0:
            count += 1.0
            if equity != before:  # a bar that changes nothing adds nothing
                change = equity / before - 1.0
                total += change
                squares += change * change
                products += change * benchmark[t]
        held += 1.0 if shares != 0.0 else 0.0
    if wants_folds:
        growth = equity / first_equity - 1.0 if first_equity > 0.0 else 0.0
        _keep_sums(folds[p, fold], count, total, squares, products, held, growth)
        folds[p, fold, F_RUINED] = 1.0 if ruined else 0.0


@jitable
def _accrue(account: Account, last_close: float, idle_days: float, market: Market) -> None:
    """Cash earns, and a short pays on the prior close's value, for the days gone by."""
    if account.cash > 0.0:
        account.cash += account.cash * market.cash_rate * idle_days / 365.0
    if account.shares < 0.0:
        fee = -account.shares * last_close * market.borrow * idle_days / 365.0
        account.cash -= fee
        account.costs += fee


@jitable
def _fill(
    account: Account, market: Market, bar: Bar, price: float, hold: int, t: int, fold: int
) -> None:
    """Fill what waits at a price: first the exit, by order or by time, then the entry."""
    if account.shares != 0.0:
        if account.leave != 0:
            _leave(account, market, bar, price, BY_REVERSE if account.side != 0 else BY_SIGNAL)
        elif t - account.bar >= hold:
            _leave(account, market, bar, price, BY_HOLD)
    if account.side != 0 and account.shares == 0.0:
        _enter(account, market, bar, price, t, fold)
    account.leave, account.side = 0, 0


@jitable
def _read_signals(account: Account, orders: int) -> None:
    """Turn the signals of a bar into orders.

    A true exit blocks an entry on its side; `buy` and `short` together enter nothing.
    """
    shares, side = account.shares, 0
    if not (orders & BUY and orders & SHORT):
        if orders & BUY and not orders & SELL and shares <= 0.0:
            side = 1
        elif orders & SHORT and not orders & COVER and shares >= 0.0:
            side = -1
    leaves = (shares > 0.0 and orders & SELL) or (shares < 0.0 and orders & COVER)
    account.leave = 1 if leaves else 0
    account.side = side


@jitable
def _exit_within(account: Account, market: Market, bar: Bar) -> bool:
    """Leave at the stop, trail or target that the bar reaches, the stop before the target.

    The tighter of stop and trail counts, and fills at the open if the bar opens beyond it. The
    trail hangs from the most favourable extreme since the fill through the bar before: a bar's
    own extreme moves it for the next bar only.
    """
    side = 1.0 if account.shares > 0.0 else -1.0
    worst, best = (bar.low, bar.high) if side > 0.0 else (bar.high, bar.low)
    level, reason = -side * math.inf, NONE
    if account.stop > 0.0:
        level, reason = account.price - side * account.stop, BY_STOP
    trail = account.extreme - side * account.trail
    if account.trail > 0.0 and side * trail > side * level:
        level, reason = trail, BY_TRAIL
    goal = account.price + side * account.target
    if reason != NONE and side * worst <= side * level:
        opens_beyond = side * bar.open < side * level
        _leave(account, market, bar, bar.open if opens_beyond else level, reason)
        return True
    if account.target > 0.0 and side * best >= side * goal:
        opens_beyond = side * bar.open > side * goal
        _leave(account, market, bar, bar.open if opens_beyond else goal, BY_TARGET)
        return True
    if side * best > side * account.extreme:
        account.extreme = best
    return False


@jitable
def _reach(account: Account) -> tuple[float, float]:
    """The prices between which a bar changes nothing for the open position.

    At the lower or upper one it meets its stop, trail or target, or moves the trail.
    """
    against, favour = -math.inf, math.inf
    side = 1.0 if account.shares > 0.0 else -1.0
    price, extreme = side * account.price, side * account.extreme
    if account.stop > 0.0:
        against = price - account.stop
    if account.target > 0.0:
        favour = price + account.target
    if account.trail > 0.0:
        against, favour = max(against, extreme - account.trail), min(favour, extreme)
    return (against, favour) if side > 0.0 else (-favour, -against)


@jitable
def _enter(account: Account, market: Market, bar: Bar, price: float, t: int, fold: int) -> None:
    """Open a position at a price, from what the signal bar asked for."""
    asked = account.asked
    size = asked[SIZE] if asked[SIZE] > 0.0 else 1.0
    shares, fill, fee = entry(size, account.side, price, account.cash, bar, market)
    if shares == 0.0:
        return
    account.cash -= shares * fill + fee
    account.shares, account.price, account.fill, account.extreme = shares, price, fill, price
    account.bar, account.fold = t, fold
    account.costs = abs(shares) * abs(fill - price) + fee
    account.stop = asked[STOP] * (price if account.is_ratio[STOP] != 0 else 1.0)
    account.trail = asked[TRAIL] * (price if account.is_ratio[TRAIL] != 0 else 1.0)
    account.target = asked[TARGET] * (price if account.is_ratio[TARGET] != 0 else 1.0)


@jitable
def _leave(account: Account, market: Market, bar: Bar, price: float, reason: int) -> None:
    """Close the position at a price. Market and stop fills slip, a target's does not."""
    shares = account.shares
    fill = price
    if reason != BY_TARGET:
        fill = slipped(price, -1 if shares > 0.0 else 1, bar, market)
    fee = commission(abs(shares), fill, bar, market)
    account.cash += shares * fill - fee
    account.costs += abs(shares) * abs(fill - price) + fee
    account.profit = shares * (price - account.price) - account.costs
    account.reason, account.sold_shares, account.sold_fill = reason, shares, fill
    account.sold_bar, account.sold_fold = account.bar, account.fold
    account.sold_from, account.sold_costs = account.fill, account.costs
    account.shares = 0.0


@jitable
def _keep_trade(
    account: Account, folds: Series, trades: Series, trade_count: NDArray[np.int64],
    p: int, start: int, t: int,
) -> None:  # fmt: skip
    """Count the trade just closed in the fold of its entry, and keep the first program's."""
    if folds.shape[0] > 0:
        folds[p, account.sold_fold, F_TRADES] += 1.0
    if trades.shape[0] > 0 and p == 0:
        trade = trades[trade_count[0]]
        trade[0], trade[1] = start + account.sold_bar, start + t
        trade[2] = account.sold_shares
        trade[3], trade[4], trade[5] = account.sold_from, account.sold_fill, account.reason
        trade[6], trade[7] = account.profit, account.sold_costs
        trade_count[0] += 1
    account.reason = NONE


@jitable
def entry(
    size: float, side: int, price: float, equity: float, bar: Bar, market: Market
) -> tuple[float, float, float]:
    """Signed shares, fill and commission of an entry; no shares if there is no money for it.

    Size is a fraction of equity at the fill, capped at the most leverage, costs inside it.
    """
    budget = min(size, market.max_leverage) * equity
    fill = slipped(price, side, bar, market)
    if fill <= 0.0:
        return 0.0, fill, 0.0
    per_share = fill * market.commission + market.commission_per_share * bar.adjustment
    quantity = budget / (fill + per_share)
    if quantity * per_share < market.commission_minimum:
        quantity = (budget - market.commission_minimum) / fill
    if not quantity > 0.0:
        return 0.0, fill, 0.0
    return side * quantity, fill, commission(quantity, fill, bar, market)


@jitable
def slipped(price: float, side: int, bar: Bar, market: Market) -> float:
    """The price after slippage for an order that buys (side 1) or sells (-1)."""
    spread = market.slippage_range * (bar.high - bar.low)
    return price * (1.0 + side * market.slippage) + side * spread


@jitable
def commission(quantity: float, fill: float, bar: Bar, market: Market) -> float:
    """The commission of an order; per-share fees count raw shares."""
    traded = quantity * fill * market.commission
    counted = quantity * bar.adjustment * market.commission_per_share
    return max(market.commission_minimum, traded + counted)


@jitable
def _keep_sums(
    fold: Series, count: float, total: float, squares: float, products: float, held: float,
    growth: float,
) -> None:  # fmt: skip
    """Write a fold's sums; its trades are counted as they close."""
    fold[F_RETURNS], fold[F_SUM], fold[F_SQUARES] = count, total, squares
    fold[F_PRODUCTS], fold[F_HELD], fold[F_GROWTH] = products, held, growth
