"""The quick way to score any strategy: from one holding to the next.

Where orders fill at the next open and costs are in proportion to what is traded, equity changes
only while a position is held, and one that is all in and long moves as the close does: its sums
come from running totals, however long it is held. The general simulation gives the same sums, to
the last digits.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from dsl.evaluate.compile import jitable
from evolve.backtest.market import NEXT_OPEN, Market
from evolve.backtest.records import (
    F_GROWTH,
    F_HELD,
    F_PRODUCTS,
    F_RETURNS,
    F_RUINED,
    F_SQUARES,
    F_SUM,
    F_TRADES,
    NEVER,
    SIZE,
    STOP,
    TARGET,
    TRAIL,
    Series,
    Tape,
)

if TYPE_CHECKING:
    from dsl.evaluate import Rulings, Words

WORD_BARS = 64


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
    units = [
        np.where(fill > 0.0, 1.0 / (fill + (fill * market.commission + fee)), 0.0)
        for fill in (bought, sold)
    ]
    change = close / np.concatenate([close[:1], close[:-1]]) - 1.0
    change = np.stack([change, change * change, change * benchmark], axis=1)
    return Course(
        opens, tape.high[bars], tape.low[bars], close, *units,
        sold - (sold * market.commission + fee), slip, fee,
        np.concatenate([np.zeros((1, 3)), np.cumsum(change, axis=0)]),
        benchmark, np.array([*edges, tape.stop]), market.slippage, market.commission,
        market.max_leverage,
    )  # fmt: skip


def sum_holdings(rulings: Rulings, course: Course, bits: Words, folds: Series) -> None:
    """Write the sums of strategies over each fold.

    Args:
        rulings: what each says.
        course: the tape's.
        bits: uint64[4, word], scratch.
        folds: float64[program, fold, FOLD_FIELDS], written to.
    """
    for p in range(folds.shape[0]):
        _sum_one(rulings, course, bits, folds[p], p)


@jitable
def _sum_one(rulings: Rulings, course: Course, bits: Words, folds: Series, p: int) -> None:
    settings, rows, constants = rulings.settings, rulings.rows[p], rulings.constants[p]
    is_ratio = rulings.is_ratio[p]
    hold = rulings.hold_bars[p] if rulings.hold_bars[p] > 0 else NEVER
    opens, highs, lows, closes = course.open, course.high, course.low, course.close
    moved, benchmark, edges = course.moved, course.benchmark, course.edges
    bars, last = len(closes), len(closes) - 1
    fold, fold_end = 0, edges[1]
    worth, cash, shares, before, first_equity = 1.0, 1.0, 0.0, 1.0, 1.0
    total, squares, products, held = 0.0, 0.0, 0.0, 0
    side, leaves, is_ruined, is_whole = 0, False, False, False
    price, extreme, stop, trail, target = 0.0, 0.0, 0.0, 0.0, 0.0
    size, asked_stop, asked_trail, asked_target = 1.0, 0.0, 0.0, 0.0
    floor, ceiling, due, entry_fold = -math.inf, math.inf, NEVER, 0
    read_rules(rulings.words[p], bits)
    # Arrays stay in this function: handing them to another costs more than the other does.
    enters_long, enters_short, leaves_long, leaves_short = bits[0], bits[1], bits[2], bits[3]
    longs, shorts, brings = course.long, course.short, course.short_brings
    slips, fees = course.slip, course.fee
    slippage, commission, max_leverage = course.slippage, course.commission, course.max_leverage
    t = 0
    while t < bars and not is_ruined:
        if shares == 0.0 and side == 0:
            t = min(next_bit(enters_long, t, last), next_bit(enters_short, t, last))
        while t >= fold_end and fold + 2 < len(edges):
            keep(folds[fold], total, squares, products, held, worth * before, first_equity)
            total, squares, products, held = 0.0, 0.0, 0.0, 0
            first_equity, fold = worth * before, fold + 1
            fold_end = edges[fold + 1]
        # Orders fill at the open. Money is counted in what equity was when last flat.
        if shares != 0.0 and (leaves or t >= due):
            cash += proceeds(shares, opens[t], slippage, slips[t], commission, fees[t])
            shares = 0.0
            folds[entry_fold, F_TRADES] += 1.0
        leaves = False
        if side != 0 and shares == 0.0 and cash > 0.0:
            worth, before, cash = worth * cash, before / cash, 1.0
            share = min(size, max_leverage)
            shares = share * longs[t] if side > 0 else -share * shorts[t]
            if shares != 0.0:
                is_whole = side > 0 and share == 1.0
                cash = 1.0 - share if side > 0 else 1.0 - shares * brings[t]
                price = opens[t]
                extreme, entry_fold, due = price, fold, t + hold
                stop = asked_stop * (price if is_ratio[STOP] else 1.0)
                trail = asked_trail * (price if is_ratio[TRAIL] else 1.0)
                target = asked_target * (price if is_ratio[TARGET] else 1.0)
                floor, ceiling = limits(shares, price, extreme, stop, trail, target)
        side = 0
        # Stop, trail and target work within the bar.
        if shares != 0.0 and (lows[t] <= floor or highs[t] >= ceiling):
            sign = 1.0 if shares > 0.0 else -1.0
            worst, best = (lows[t], highs[t]) if sign > 0.0 else (highs[t], lows[t])
            level = -sign * math.inf
            if stop > 0.0:
                level = price - sign * stop
            if trail > 0.0 and sign * (extreme - sign * trail) > sign * level:
                level = extreme - sign * trail
            goal = price + sign * target
            if sign * worst <= sign * level:
                beyond = opens[t] if sign * opens[t] < sign * level else level
                cash += proceeds(shares, beyond, slippage, slips[t], commission, fees[t])
                shares = 0.0
            elif target > 0.0 and sign * best >= sign * goal:
                beyond = opens[t] if sign * opens[t] > sign * goal else goal
                cash += proceeds(shares, beyond, 0.0, 0.0, commission, fees[t])
                shares = 0.0
            elif sign * best > sign * extreme:
                extreme = best
                floor, ceiling = limits(shares, price, extreme, stop, trail, target)
            if shares == 0.0:
                folds[entry_fold, F_TRADES] += 1.0
        # Signals are read at the close; the last close ends it.
        if t < last:
            if shares > 0.0:
                leaves, side = bit(leaves_long[t >> 6], t), -1 if bit(enters_short[t >> 6], t) else 0
            elif shares < 0.0:
                leaves, side = bit(leaves_short[t >> 6], t), 1 if bit(enters_long[t >> 6], t) else 0
            else:
                if bit(enters_long[t >> 6], t):
                    side = 1
                elif bit(enters_short[t >> 6], t):
                    side = -1
            if side != 0:
                for setting in range(4):
                    value = constants[setting]
                    if rows[setting] >= 0:
                        value = settings[rows[setting], t]
                        value = value if value > 0.0 else math.nan
                    if setting == SIZE:
                        size = value if value != 0.0 else 1.0
                    elif setting == STOP:
                        asked_stop = value
                    elif setting == TRAIL:
                        asked_trail = value
                    else:
                        asked_target = value
                if not (size > 0.0 and asked_stop >= 0.0 and asked_trail >= 0.0
                        and asked_target >= 0.0):  # fmt: skip
                    side = 0
                leaves = leaves or side != 0
        elif shares != 0.0:
            cash += proceeds(shares, closes[t], slippage, slips[t], commission, fees[t])
            shares = 0.0
            folds[entry_fold, F_TRADES] += 1.0
        equity = cash + shares * closes[t]
        if equity <= 0.0:
            if shares != 0.0:
                folds[entry_fold, F_TRADES] += 1.0
            cash, shares, equity, is_ruined = 0.0, 0.0, 0.0, True
        if t > 0 and equity != before:
            change = (equity if before == 1.0 else equity / before) - 1.0
            total += change
            squares += change * change
            products += change * benchmark[t]
        held += shares != 0.0
        before = equity
        t += 1
        # On over the bars on which nothing happens to what is held.
        if shares != 0.0 and not leaves:
            until = min(due, fold_end, last)
            if shares > 0.0:
                until = next_bit(leaves_long, t, next_bit(enters_short, t, until))
            else:
                until = next_bit(leaves_short, t, next_bit(enters_long, t, until))
            first = t
            if is_whole:
                if floor > -math.inf or ceiling < math.inf:
                    while t < until and lows[t] > floor and highs[t] < ceiling:
                        t += 1
                else:
                    t = max(t, until)
                if t > first:
                    total += moved[t, 0] - moved[first, 0]
                    squares += moved[t, 1] - moved[first, 1]
                    products += moved[t, 2] - moved[first, 2]
                    before = shares * closes[t - 1]
            else:
                while t < until and lows[t] > floor and highs[t] < ceiling:
                    equity = cash + shares * closes[t]
                    if equity <= 0.0:
                        break
                    change = equity / before - 1.0
                    total += change
                    squares += change * change
                    products += change * benchmark[t]
                    before = equity
                    t += 1
            held += t - first
    ruined_at = t
    while fold + 1 < len(edges):
        keep(folds[fold], total, squares, products, held, worth * before, first_equity)
        total, squares, products, held = 0.0, 0.0, 0.0, 0
        first_equity, fold = worth * before, fold + 1
    for each in range(len(edges) - 1):
        end = min(edges[each + 1], ruined_at) if is_ruined else edges[each + 1]
        folds[each, F_RETURNS] = max(end - max(edges[each], 1), 0)
    folds[len(edges) - 2, F_RUINED] = 1.0 if is_ruined else 0.0


@jitable
def read_rules(words: Words, bits: Words) -> None:
    """Where it enters long and short from flat, and where a long and a short leave by their rule.

    A true exit blocks an entry on its side; `buy` and `short` together enter nothing.
    """
    for word in range(words.shape[1]):
        buy, sell, short, cover = words[0, word], words[1, word], words[2, word], words[3, word]
        bits[0, word] = buy & ~sell & ~short
        bits[1, word] = short & ~cover & ~buy
        bits[2, word] = sell
        bits[3, word] = cover


@jitable
def bit(word: np.uint64, t: int) -> bool:
    """Whether the bit of a bar is set in its word."""
    return (word >> np.uint64(t & 63)) & np.uint64(1) != np.uint64(0)


@jitable
def next_bit(words: Words, first: int, until: int) -> int:
    """The first bar from `first` on whose bit is set; `until` if there is none before it."""
    if first >= until:
        return until
    word = first >> 6
    rest = words[word] >> np.uint64(first & 63)
    t = first
    while rest == np.uint64(0):
        word += 1
        t = word * WORD_BARS
        if t >= until:
            return until
        rest = words[word]
    t += trailing_zeros(rest)
    return min(t, until)


@jitable
def trailing_zeros(word: np.uint64) -> int:
    """How many bits below the lowest that is set."""
    count = 0
    for step in (32, 16, 8, 4, 2, 1):
        below = (np.uint64(1) << np.uint64(step)) - np.uint64(1)
        if word & below == np.uint64(0):
            word >>= np.uint64(step)
            count += step
    return count


@jitable
def limits(
    shares: float, price: float, extreme: float, stop: float, trail: float, target: float
) -> tuple[float, float]:
    """The prices between which a bar changes nothing for a position."""
    sign = 1.0 if shares > 0.0 else -1.0
    against, favour = -math.inf, math.inf
    if stop > 0.0:
        against = sign * price - stop
    if target > 0.0:
        favour = sign * price + target
    if trail > 0.0:
        against, favour = max(against, sign * extreme - trail), min(favour, sign * extreme)
    return (against, favour) if sign > 0.0 else (-favour, -against)


@jitable
def proceeds(
    shares: float, price: float, slippage: float, slip: float, commission: float, fee: float
) -> float:
    """The money that closing a position brings, costs taken off."""
    sign = 1.0 if shares > 0.0 else -1.0
    fill = price * (1.0 - sign * slippage) - sign * slip
    return shares * fill - abs(shares) * max(0.0, fill * commission + fee)


@jitable
def keep(
    sums: Series, total: float, squares: float, products: float, held: int, equity: float,
    first_equity: float,
) -> None:  # fmt: skip
    """Write a fold's sums; its trades are counted as they close."""
    sums[F_SUM], sums[F_SQUARES], sums[F_PRODUCTS], sums[F_HELD] = total, squares, products, held
    sums[F_GROWTH] = equity / first_equity - 1.0 if first_equity > 0.0 else 0.0
