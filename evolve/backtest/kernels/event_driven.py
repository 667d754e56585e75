"""The quick way to trade any strategy: from one holding to the next.

Where orders fill at the next open and costs are in proportion to what is traded, equity changes
only while a position is held, and one that is all in and long moves as the close does: its sums
come from running totals, however long it is held. The general simulation gives the same sums, to
the last digits.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from dsl.evaluate import BitWords
from dsl.evaluate.jit import jitable
from evolve.backtest.kernels.bits import bit, next_bit
from evolve.backtest.kernels.records import (
    F_GROWTH,
    F_HELD,
    F_PRODUCTS,
    F_RETURNS,
    F_RISK,
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
    SimulationOutput,
)

if TYPE_CHECKING:
    from dsl.evaluate import SignalBuffers
    from evolve.backtest.kernels.execution_tables import ExecutionTables


def sum_event_driven(
    rulings: SignalBuffers, course: ExecutionTables, bits: BitWords, folds: Series
) -> None:
    """Write the sums of strategies over each fold.

    Args:
        rulings: what each says.
        course: the tape's.
        bits: uint64[4, word], scratch.
        folds: float64[program, fold, FOLD_FIELDS], written to.
    """
    for p in range(folds.shape[0]):
        _trade_one(rulings, course, bits, folds[p], None, p)


def trace_event_driven(
    rulings: SignalBuffers, course: ExecutionTables, bits: BitWords, record: SimulationOutput
) -> None:
    """Write the equity of strategies and the side held on every bar, with the sums."""
    for p in range(record.folds.shape[0]):
        _trade_one(rulings, course, bits, record.folds[p], record, p)


@jitable
def _trade_one(
    rulings: SignalBuffers,
    course: ExecutionTables,
    bits: BitWords,
    folds: Series,
    record: SimulationOutput | None,
    p: int,
) -> None:
    memory, places, constants = rulings.memory, rulings.settings[p], rulings.constants[p]
    is_ratio = rulings.is_ratio[p]
    hold = rulings.hold_bars[p] if rulings.hold_bars[p] > 0 else NEVER
    opens, highs, lows, closes = course.open, course.high, course.low, course.close
    moved, benchmark, edges = course.moved, course.benchmark, course.edges
    bars, last = len(closes), len(closes) - 1
    fold, fold_end = 0, edges[1]
    worth, cash, shares, before, first_equity = 1.0, 1.0, 0.0, 1.0, 1.0
    total, squares, products, held, risked, risk = 0.0, 0.0, 0.0, 0, 0.0, 0.0
    side, leaves, is_ruined, is_whole = 0, False, False, False
    price, extreme, stop, trail, target = 0.0, 0.0, 0.0, 0.0, 0.0
    size_at, stop_at, trail_at, target_at = (
        places[SIZE],
        places[STOP],
        places[TRAIL],
        places[TARGET],
    )
    size, asked_stop = constants[SIZE], constants[STOP]
    asked_trail, asked_target = constants[TRAIL], constants[TARGET]
    stop_is_ratio, trail_is_ratio = is_ratio[STOP], is_ratio[TRAIL]
    target_is_ratio = is_ratio[TARGET]
    floor, ceiling, due, entry_fold = -math.inf, math.inf, NEVER, 0
    read_rules(rulings.words, rulings.conditions[p], bits)
    # Arrays stay in this function: handing them to another costs more than the other does.
    enters_long, enters_short, leaves_long, leaves_short = bits[0], bits[1], bits[2], bits[3]
    longs, shorts, brings = course.long, course.short, course.short_proceeds
    sell_costs, buy_costs, fees = course.sell_cost, course.buy_cost, course.fee
    sell_rate, buy_rate = course.sell_rate, course.buy_rate
    unslipped_sell, unslipped_buy = 1.0 - course.commission, 1.0 + course.commission
    max_leverage = course.max_leverage
    t = 0
    while t < bars and not is_ruined:
        if shares == 0.0 and side == 0:
            first, t = t, next_bit(enters_short, t, next_bit(enters_long, t, last))
            if record is not None:
                record.equity[p, first:t] = course.capital * worth * before
        while t >= fold_end and fold + 2 < len(edges):
            add_to_sums(
                folds[fold], total, squares, products, held, risked, worth * before, first_equity
            )
            total, squares, products, held, risked = 0.0, 0.0, 0.0, 0, 0.0
            first_equity, fold = worth * before, fold + 1
            fold_end = edges[fold + 1]
        # Orders fill at the open. Money is counted in what equity was when last flat.
        if shares != 0.0 and (leaves or t >= due):
            cash += proceeds(shares, opens[t], sell_rate, sell_costs[t], buy_rate, buy_costs[t])
            shares = 0.0
            folds[entry_fold, F_TRADES] += 1.0
        leaves, is_new = False, False
        if side != 0 and shares == 0.0 and cash > 0.0:
            worth, before, cash = worth * cash, before / cash, 1.0
            share = min(size, max_leverage)
            shares = share * longs[t] if side > 0 else -share * shorts[t]
            is_whole = side > 0 and share == 1.0
            cash = 1.0 - share if side > 0 else 1.0 - shares * brings[t]
            price, risk, is_new = opens[t], share * share, True
            extreme, entry_fold, due = price, fold, t + hold
            stop = asked_stop * (price if stop_is_ratio else 1.0)
            trail = asked_trail * (price if trail_is_ratio else 1.0)
            target = asked_target * (price if target_is_ratio else 1.0)
            floor, ceiling = exit_prices(side, price, extreme, stop, trail, target)
        side = 0
        # Stop, trail and target work within the bar.
        if shares != 0.0 and (lows[t] <= floor or highs[t] >= ceiling):
            sign = 1.0 if shares > 0.0 else -1.0
            worst, best = (lows[t], highs[t]) if sign > 0.0 else (highs[t], lows[t])
            level, goal = price - sign * stop, price + sign * target
            if sign * (extreme - sign * trail) > sign * level:
                level = extreme - sign * trail
            if sign * worst <= sign * level:
                beyond = opens[t] if sign * opens[t] < sign * level else level
                cash += proceeds(shares, beyond, sell_rate, sell_costs[t], buy_rate, buy_costs[t])
                shares = 0.0
            elif sign * best >= sign * goal:
                beyond = opens[t] if sign * opens[t] > sign * goal else goal
                cash += proceeds(shares, beyond, unslipped_sell, fees[t], unslipped_buy, fees[t])
                shares = 0.0
            elif sign * best > sign * extreme:
                extreme = best
                floor, ceiling = exit_prices(sign, price, extreme, stop, trail, target)
            if shares == 0.0:
                folds[entry_fold, F_TRADES] += 1.0
        # Signals are read at the close; the last close ends it.
        if t < last:
            if shares > 0.0:
                leaves, side = (
                    bit(leaves_long[t >> 6], t),
                    -1 if bit(enters_short[t >> 6], t) else 0,
                )
            elif shares < 0.0:
                leaves = bit(leaves_short[t >> 6], t)
                side = 1 if bit(enters_long[t >> 6], t) else 0
            else:
                if bit(enters_long[t >> 6], t):
                    side = 1
                elif bit(enters_short[t >> 6], t):
                    side = -1
            if side != 0:
                if size_at >= 0:
                    size = memory[size_at + t]
                if stop_at >= 0:
                    asked_stop = memory[stop_at + t]
                if trail_at >= 0:
                    asked_trail = memory[trail_at + t]
                if target_at >= 0:
                    asked_target = memory[target_at + t]
                if not (size > 0.0 and asked_stop > 0.0 and asked_trail > 0.0
                        and asked_target > 0.0):  # fmt: skip
                    side = 0
                leaves = leaves or side != 0
        elif shares != 0.0:
            cash += proceeds(shares, closes[t], sell_rate, sell_costs[t], buy_rate, buy_costs[t])
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
        if shares != 0.0:
            held += 1
        if shares != 0.0 or is_new:
            risked += risk
        if record is not None:
            record.equity[p, t] = course.capital * worth * equity
            record.held[p, t] = np.sign(shares)
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
                if record is not None:
                    for bar in range(first, t):
                        record.equity[p, bar] = course.capital * worth * (shares * closes[bar])
            else:
                while t < until and lows[t] > floor and highs[t] < ceiling:
                    equity = cash + shares * closes[t]
                    if equity <= 0.0:
                        break
                    change = equity / before - 1.0
                    total += change
                    squares += change * change
                    products += change * benchmark[t]
                    if record is not None:
                        record.equity[p, t] = course.capital * worth * equity
                    before = equity
                    t += 1
            if record is not None:
                record.held[p, first:t] = np.sign(shares)
            held += t - first
            risked += risk * (t - first)
    ruined_at = t
    while fold + 1 < len(edges):
        add_to_sums(
            folds[fold], total, squares, products, held, risked, worth * before, first_equity
        )
        total, squares, products, held, risked = 0.0, 0.0, 0.0, 0, 0.0
        first_equity, fold = worth * before, fold + 1
    for each in range(len(edges) - 1):
        end = min(edges[each + 1], ruined_at) if is_ruined else edges[each + 1]
        folds[each, F_RETURNS] = max(end - max(edges[each], 1), 0)
    folds[len(edges) - 2, F_RUINED] = 1.0 if is_ruined else 0.0


@jitable
def read_rules(words: BitWords, places: NDArray[np.int64], bits: BitWords) -> None:
    """Where it enters long and short from flat, and where a long and a short leave by their rule.

    A true exit blocks an entry on its side; `buy` and `short` together enter nothing.
    """
    buys, sells, shorts, covers = places[0], places[1], places[2], places[3]
    for word in range(bits.shape[1]):
        buy, sell = words[buys + word], words[sells + word]
        short, cover = words[shorts + word], words[covers + word]
        bits[0, word] = buy & ~sell & ~short
        bits[1, word] = short & ~cover & ~buy
        bits[2, word] = sell
        bits[3, word] = cover


@jitable
def exit_prices(
    sign: float, price: float, extreme: float, stop: float, trail: float, target: float
) -> tuple[float, float]:
    """The prices between which a bar changes nothing for a position of a side."""
    if sign > 0.0:
        against, favour = max(price - stop, extreme - trail), price + target
        return against, favour if trail == math.inf else min(favour, extreme)
    against, favour = min(price + stop, extreme + trail), price - target
    return favour if trail == math.inf else max(favour, extreme), against


@jitable
def proceeds(
    shares: float, price: float, sell_rate: float, sell_cost: float, buy_rate: float,
    buy_cost: float,
) -> float:  # fmt: skip
    """The money that closing a position brings: a long is sold, a short is bought back."""
    if shares > 0.0:
        return shares * (price * sell_rate - sell_cost)
    return shares * (price * buy_rate + buy_cost)


@jitable
def add_to_sums(
    sums: Series, total: float, squares: float, products: float, held: int, risked: float,
    equity: float, first_equity: float,
) -> None:  # fmt: skip
    """Write a fold's sums; its trades are counted as they close."""
    sums[F_SUM], sums[F_SQUARES], sums[F_PRODUCTS], sums[F_HELD] = total, squares, products, held
    sums[F_RISK] = risked
    sums[F_GROWTH] = equity / first_equity - 1.0 if first_equity > 0.0 else 0.0
