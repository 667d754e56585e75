"""Event-driven kernel: it trades any strategy from event to event and skips idle bars.

It applies where orders fill at the next open and costs are proportional to the traded value. Equity
then changes only while a position is held. A long position of the whole equity moves with the
close, so its sums are differences of running totals. The reference kernel gives the same sums
within rounding.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from dsl.evaluate import BitWords
from dsl.evaluate.jit import jitable
from evolve.backtest.kernels.bits import bit, next_bit, read_rules
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
    buffers: SignalBuffers, tables: ExecutionTables, bits: BitWords, folds: Series
) -> None:
    """Write the sums of each program over each fold.

    Args:
        buffers: signals of the programs.
        tables: execution tables of the symbol.
        bits: uint64[4, word], scratch.
        folds: float64[program, fold, FOLD_FIELDS], output.
    """
    for p in range(folds.shape[0]):
        _trade_one(buffers, tables, bits, folds[p], None, p)


def trace_event_driven(
    buffers: SignalBuffers, tables: ExecutionTables, bits: BitWords, output: SimulationOutput
) -> None:
    """Write the equity and the side held on every bar, and the sums of each program.

    Args:
        buffers: signals of the programs.
        tables: execution tables of the symbol.
        bits: uint64[4, word], scratch.
        output: equity, held and folds are written.
    """
    for p in range(output.folds.shape[0]):
        _trade_one(buffers, tables, bits, output.folds[p], output, p)


@jitable
def _trade_one(
    buffers: SignalBuffers,
    tables: ExecutionTables,
    bits: BitWords,
    folds: Series,
    output: SimulationOutput | None,
    p: int,
) -> None:
    memory, offsets, constants = buffers.memory, buffers.settings[p], buffers.constants[p]
    is_ratio = buffers.is_ratio[p]
    hold = buffers.hold_bars[p] if buffers.hold_bars[p] > 0 else NEVER
    opens, highs, lows, closes = tables.open, tables.high, tables.low, tables.close
    cumulative, benchmark, edges = tables.cumulative, tables.benchmark, tables.edges
    bars, last = len(closes), len(closes) - 1
    fold, fold_end = 0, edges[1]
    worth, cash, shares, before, first_equity = 1.0, 1.0, 0.0, 1.0, 1.0
    total, squares, products, held, risked, risk = 0.0, 0.0, 0.0, 0, 0.0, 0.0
    side, leaves, is_ruined, is_all_in = 0, False, False, False
    price, extreme, stop, trail, target = 0.0, 0.0, 0.0, 0.0, 0.0
    size_offset, stop_offset = offsets[SIZE], offsets[STOP]
    trail_offset, target_offset = offsets[TRAIL], offsets[TARGET]
    size, stop_setting = constants[SIZE], constants[STOP]
    trail_setting, target_setting = constants[TRAIL], constants[TARGET]
    stop_is_ratio, trail_is_ratio = is_ratio[STOP], is_ratio[TRAIL]
    target_is_ratio = is_ratio[TARGET]
    floor, ceiling, due, entry_fold = -math.inf, math.inf, NEVER, 0
    read_rules(buffers.words, buffers.conditions[p], bits)
    # Arrays stay in this function: passing them to another costs more than its work.
    enters_long, enters_short, leaves_long, leaves_short = bits[0], bits[1], bits[2], bits[3]
    long_shares, short_shares = tables.long_shares, tables.short_shares
    short_proceeds = tables.short_proceeds
    sell_costs, buy_costs, fees = tables.sell_cost, tables.buy_cost, tables.fee
    sell_rate, buy_rate = tables.sell_rate, tables.buy_rate
    unslipped_sell, unslipped_buy = 1.0 - tables.commission, 1.0 + tables.commission
    max_leverage = tables.max_leverage
    t = 0
    while t < bars and not is_ruined:
        if shares == 0.0 and side == 0:
            first, t = t, next_bit(enters_short, t, next_bit(enters_long, t, last))
            if output is not None:
                output.equity[p, first:t] = tables.capital * worth * before
        while t >= fold_end and fold + 2 < len(edges):
            write_sums(
                folds[fold], total, squares, products, held, risked, worth * before, first_equity
            )
            total, squares, products, held, risked = 0.0, 0.0, 0.0, 0, 0.0
            first_equity, fold = worth * before, fold + 1
            fold_end = edges[fold + 1]
        # Orders fill at the open. The unit of money is the equity at the last entry.
        if shares != 0.0 and (leaves or t >= due):
            cash += proceeds(shares, opens[t], sell_rate, sell_costs[t], buy_rate, buy_costs[t])
            shares = 0.0
            folds[entry_fold, F_TRADES] += 1.0
        leaves, is_new = False, False
        if side != 0 and shares == 0.0 and cash > 0.0:
            worth, before, cash = worth * cash, before / cash, 1.0
            share = min(size, max_leverage)
            shares = share * long_shares[t] if side > 0 else -share * short_shares[t]
            is_all_in = side > 0 and share == 1.0
            cash = 1.0 - share if side > 0 else 1.0 - shares * short_proceeds[t]
            price, risk, is_new = opens[t], share * share, True
            extreme, entry_fold, due = price, fold, t + hold
            stop = stop_setting * (price if stop_is_ratio else 1.0)
            trail = trail_setting * (price if trail_is_ratio else 1.0)
            target = target_setting * (price if target_is_ratio else 1.0)
            floor, ceiling = exit_prices(side, price, extreme, stop, trail, target)
        side = 0
        # Stop, trail and target fill within the bar.
        if shares != 0.0 and (lows[t] <= floor or highs[t] >= ceiling):
            sign = 1.0 if shares > 0.0 else -1.0
            worst, best = (lows[t], highs[t]) if sign > 0.0 else (highs[t], lows[t])
            level, target_price = price - sign * stop, price + sign * target
            if sign * (extreme - sign * trail) > sign * level:
                level = extreme - sign * trail
            if sign * worst <= sign * level:
                fill = opens[t] if sign * opens[t] < sign * level else level
                cash += proceeds(shares, fill, sell_rate, sell_costs[t], buy_rate, buy_costs[t])
                shares = 0.0
            elif sign * best >= sign * target_price:
                fill = opens[t] if sign * opens[t] > sign * target_price else target_price
                cash += proceeds(shares, fill, unslipped_sell, fees[t], unslipped_buy, fees[t])
                shares = 0.0
            elif sign * best > sign * extreme:
                extreme = best
                floor, ceiling = exit_prices(sign, price, extreme, stop, trail, target)
            if shares == 0.0:
                folds[entry_fold, F_TRADES] += 1.0
        # Signals are read at the close; the last close closes the position.
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
                if size_offset >= 0:
                    size = memory[size_offset + t]
                if stop_offset >= 0:
                    stop_setting = memory[stop_offset + t]
                if trail_offset >= 0:
                    trail_setting = memory[trail_offset + t]
                if target_offset >= 0:
                    target_setting = memory[target_offset + t]
                if not (size > 0.0 and stop_setting > 0.0 and trail_setting > 0.0
                        and target_setting > 0.0):  # fmt: skip
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
        if output is not None:
            output.equity[p, t] = tables.capital * worth * equity
            output.held[p, t] = np.sign(shares)
        before = equity
        t += 1
        # Skip bars on which nothing happens to the position.
        if shares != 0.0 and not leaves:
            until = min(due, fold_end, last)
            if shares > 0.0:
                until = next_bit(leaves_long, t, next_bit(enters_short, t, until))
            else:
                until = next_bit(leaves_short, t, next_bit(enters_long, t, until))
            first = t
            if is_all_in:
                if floor > -math.inf or ceiling < math.inf:
                    while t < until and lows[t] > floor and highs[t] < ceiling:
                        t += 1
                else:
                    t = max(t, until)
                if t > first:
                    total += cumulative[t, 0] - cumulative[first, 0]
                    squares += cumulative[t, 1] - cumulative[first, 1]
                    products += cumulative[t, 2] - cumulative[first, 2]
                    before = shares * closes[t - 1]
                if output is not None:
                    for bar in range(first, t):
                        output.equity[p, bar] = tables.capital * worth * (shares * closes[bar])
            else:
                while t < until and lows[t] > floor and highs[t] < ceiling:
                    equity = cash + shares * closes[t]
                    if equity <= 0.0:
                        break
                    change = equity / before - 1.0
                    total += change
                    squares += change * change
                    products += change * benchmark[t]
                    if output is not None:
                        output.equity[p, t] = tables.capital * worth * equity
                    before = equity
                    t += 1
            if output is not None:
                output.held[p, first:t] = np.sign(shares)
            held += t - first
            risked += risk * (t - first)
    ruin_bar = t
    while fold + 1 < len(edges):
        write_sums(
            folds[fold], total, squares, products, held, risked, worth * before, first_equity
        )
        total, squares, products, held, risked = 0.0, 0.0, 0.0, 0, 0.0
        first_equity, fold = worth * before, fold + 1
    for each in range(len(edges) - 1):
        end = min(edges[each + 1], ruin_bar) if is_ruined else edges[each + 1]
        folds[each, F_RETURNS] = max(end - max(edges[each], 1), 0)
    folds[len(edges) - 2, F_RUINED] = 1.0 if is_ruined else 0.0


@jitable
def exit_prices(
    sign: float, price: float, extreme: float, stop: float, trail: float, target: float
) -> tuple[float, float]:
    """Return the prices between which a bar changes nothing for a position."""
    if sign > 0.0:
        adverse, favorable = max(price - stop, extreme - trail), price + target
        return adverse, favorable if trail == math.inf else min(favorable, extreme)
    adverse, favorable = min(price + stop, extreme + trail), price - target
    return favorable if trail == math.inf else max(favorable, extreme), adverse


@jitable
def proceeds(
    shares: float, price: float, sell_rate: float, sell_cost: float, buy_rate: float,
    buy_cost: float,
) -> float:  # fmt: skip
    """Return the change of cash from closing a position; negative for a short."""
    if shares > 0.0:
        return shares * (price * sell_rate - sell_cost)
    return shares * (price * buy_rate + buy_cost)


@jitable
def write_sums(
    sums: Series, total: float, squares: float, products: float, held: int, risked: float,
    equity: float, first_equity: float,
) -> None:  # fmt: skip
    """Write the sums of a fold except trades, which are counted as they close."""
    sums[F_SUM], sums[F_SQUARES], sums[F_PRODUCTS], sums[F_HELD] = total, squares, products, held
    sums[F_RISK] = risked
    sums[F_GROWTH] = equity / first_equity - 1.0 if first_equity > 0.0 else 0.0
