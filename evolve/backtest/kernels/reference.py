"""Reference kernel: it simulates any strategy on any market, to equity, trades and fold sums.

On each bar, pending orders fill at the open, then stop, trail and target apply within the bar, then
the position is marked at the close, then signals are read.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from dsl.evaluate.jit import jitable
from evolve.backtest.kernels.bits import bit
from evolve.backtest.kernels.fills import (
    accrue,
    exit_position,
    exit_within,
    fill_waiting,
    read_signals,
    update_extreme,
)
from evolve.backtest.kernels.records import (
    BY_END,
    BY_REVERSE,
    BY_RUIN,
    BY_SIGNAL,
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
    NONE,
    Bar,
    BarArrays,
    Series,
    SimulationOutput,
)
from evolve.backtest.market import CLOSE, NEXT_CLOSE, NEXT_OPEN, Market

if TYPE_CHECKING:
    from dsl.evaluate import SignalBuffers
    from evolve.backtest.kernels.records import Account


def simulate(
    arrays: BarArrays,
    buffers: SignalBuffers,
    market: Market,
    output: SimulationOutput,
    account: Account,
) -> None:
    """Simulate each program of a batch over the window, from flat.

    Args:
        arrays: bars of one symbol.
        buffers: signals of the programs on these bars.
        market: fills and costs.
        output: equity, trades and sums; written.
        account: scratch of dtype ACCOUNT.
    """
    for program in range(len(buffers.hold_bars)):
        _simulate_one(arrays, buffers, market, output, account, program)


@jitable
def _simulate_one(
    arrays: BarArrays,
    buffers: SignalBuffers,
    market: Market,
    output: SimulationOutput,
    account: Account,
    p: int,
) -> None:
    # Arrays stay in this function: passing them to another costs more than its work.
    # Slices of the window are indexed from 0, which spares the test for negative indices.
    start, window = arrays.start, slice(arrays.start, arrays.stop)
    memory, words, conditions = buffers.memory, buffers.words, buffers.conditions[p]
    buys, sells, shorts, covers = conditions[0], conditions[1], conditions[2], conditions[3]
    offsets, constants, is_ratio = buffers.settings[p], buffers.constants[p], buffers.is_ratio[p]
    hold = buffers.hold_bars[p] if buffers.hold_bars[p] > 0 else NEVER
    opens, highs = arrays.open[window], arrays.high[window]
    lows, closes = arrays.low[window], arrays.close[window]
    adjustments, volumes = arrays.adjustment[window], arrays.volume[window]
    spreads, days = arrays.spread[window], arrays.days[window]
    folds, trades, trade_count = output.folds, output.trades, output.trade_count
    benchmark, risk_free, edges = output.benchmark, output.risk_free, output.edges
    bars, last, fill_at = len(opens), len(opens) - 1, market.fill
    accrues = market.cash_rate != 0.0 or market.borrow != 0.0
    wants_equity, wants_folds = output.equity.shape[0] > 0, folds.shape[0] > 0
    wants_trades = trades.shape[0] > 0 and p == 0
    fold, next_edge = 0, edges[1] - start if len(edges) > 1 else bars
    cash, shares, equity, first_equity = market.capital, 0.0, market.capital, market.capital
    last_close, is_waiting, ruined = 0.0, False, False
    count, total, squares, products, held, risk = 0.0, 0.0, 0.0, 0.0, 0.0, 0.0
    floor, ceiling, due = -math.inf, math.inf, NEVER
    account.cash, account.shares, account.reason = cash, 0.0, NONE
    account.leave, account.side, account.bar = NONE, 0, NONE
    for setting in range(4):
        account.is_ratio[setting] = 1 if is_ratio[setting] else 0

    t = -1
    while t + 1 < bars:
        t += 1
        # Without a position or pending order, skip to the next entry signal.
        if shares == 0.0 and not (is_waiting or accrues):
            until = min(next_edge, last)
            first = t
            while t < until:
                at, word = start + t, (start + t) >> 6
                if bit(words[buys + word] | words[shorts + word], at):
                    break
                if wants_equity:
                    output.equity[p, t] = equity
                t += 1
            count += t - max(first, 1) if t > 0 and equity > 0.0 else 0.0
        while t == next_edge and wants_folds:
            growth = equity / first_equity - 1.0 if first_equity > 0.0 else 0.0
            _write_sums(folds[p, fold], count, total, squares, products, held, growth, risk)
            count, total, squares, products, held, risk = 0.0, 0.0, 0.0, 0.0, 0.0, 0.0
            first_equity, fold = equity, fold + 1
            next_edge = edges[fold + 1] - start if fold + 1 < len(edges) else bars
        before = equity
        if not ruined:
            at, word = start + t, (start + t) >> 6
            if shares == 0.0:
                acts = bit(words[buys + word] | words[shorts + word], at)
            else:
                one, other = (sells, shorts) if shares > 0.0 else (covers, buys)
                acts = bit(words[one + word] | words[other + word], at) or t >= due
                acts = acts or lows[t] <= floor or highs[t] >= ceiling
            if acts or is_waiting or accrues or t == last:
                bar = Bar(
                    opens[t], highs[t], lows[t], closes[t], adjustments[t], volumes[t], spreads[t]
                )
                if accrues:
                    accrue(account, last_close, days[t], market)
                stopped = False
                if fill_at == NEXT_OPEN:
                    fill_waiting(account, market, bar, bar.open, hold, t, fold)
                    if account.reason != NONE:
                        if wants_folds:
                            folds[p, account.trade_fold, F_TRADES] += 1.0
                        if wants_trades:
                            _record_trade(account, trades, trade_count, start, t)
                        account.reason = NONE
                # Stops do not act on an exit that is pending or partly filled.
                is_leaving = account.closed != 0.0 or (
                    fill_at == NEXT_OPEN and account.leave != NONE
                )
                if account.shares != 0.0 and not is_leaving:
                    stopped = exit_within(account, market, bar)
                if fill_at == NEXT_CLOSE and not (stopped and account.shares != 0.0):
                    if t == last:
                        account.side = 0
                    fill_waiting(account, market, bar, bar.close, hold, t, fold)
                if t < last:
                    if read_signals(
                        account, bit(words[buys + word], at), bit(words[sells + word], at),
                        bit(words[shorts + word], at), bit(words[covers + word], at),
                    ):  # fmt: skip
                        for setting in range(4):
                            offset = offsets[setting]
                            value = memory[offset + at] if offset >= 0 else constants[setting]
                            account.settings[setting] = value
                            if not value > 0.0:
                                account.side = 0
                        # An opposite entry closes the position first, unless it is refused.
                        is_stopped = account.leave != NONE and account.leave != BY_SIGNAL
                        if account.side != 0 and account.shares != 0.0 and not is_stopped:
                            account.leave = BY_REVERSE
                    if fill_at == CLOSE:
                        if stopped:
                            account.side = 0
                        else:
                            fill_waiting(account, market, bar, bar.close, hold, t, fold)
                elif account.shares != 0.0:
                    exit_position(account, market, bar, bar.close, BY_END)
                if account.reason != NONE:
                    if wants_folds:
                        folds[p, account.trade_fold, F_TRADES] += 1.0
                    if wants_trades:
                        _record_trade(account, trades, trade_count, start, t)
                    account.reason = NONE
                cash, shares, due = account.cash, account.shares, account.bar + hold
                floor, ceiling = update_extreme(account)
                is_waiting = account.leave != NONE or account.side != 0
            last_close = closes[t]
            equity = cash + shares * last_close
            if equity <= 0.0:  # ruin ends the strategy
                if shares != 0.0:
                    bar = Bar(
                        opens[t], highs[t], lows[t], closes[t], adjustments[t], volumes[t],
                        spreads[t],
                    )  # fmt: skip
                    exit_position(account, market, bar, bar.close, BY_RUIN)
                    if wants_folds:
                        folds[p, account.trade_fold, F_TRADES] += 1.0
                    if wants_trades:
                        _record_trade(account, trades, trade_count, start, t)
                cash, shares, equity, ruined = 0.0, 0.0, 0.0, True

        if wants_equity:
            output.equity[p, t] = equity
            output.held[p, t] = np.sign(shares)
        if t > 0 and before > 0.0:
            count += 1.0
            if equity != before or risk_free[t] != 0.0:  # else the return is 0
                change = equity / before - 1.0 - risk_free[t]
                total += change
                squares += change * change
                products += change * benchmark[t]
        if shares != 0.0:
            held += 1.0
        if shares != 0.0 or account.bar == t:
            risk += account.risk
    if wants_folds:
        growth = equity / first_equity - 1.0 if first_equity > 0.0 else 0.0
        _write_sums(folds[p, fold], count, total, squares, products, held, growth, risk)
        folds[p, len(edges) - 1, F_RUINED] = 1.0 if ruined else 0.0


@jitable
def _record_trade(
    account: Account, trades: Series, trade_count: NDArray[np.int64], start: int, t: int
) -> None:
    """Record the trade that was just closed."""
    trade = trades[trade_count[0]]
    trade[0], trade[1] = start + account.trade_entry_bar, start + t
    trade[2] = account.trade_shares
    trade[3], trade[4], trade[5] = account.trade_entry_fill, account.trade_exit_fill, account.reason
    trade[6], trade[7] = account.profit, account.trade_costs
    trade_count[0] += 1


@jitable
def _write_sums(
    fold: Series, count: float, total: float, squares: float, products: float, held: float,
    growth: float, risk: float,
) -> None:  # fmt: skip
    """Write the sums of a fold except trades, which are counted as they close."""
    fold[F_RETURNS], fold[F_SUM], fold[F_SQUARES] = count, total, squares
    fold[F_PRODUCTS], fold[F_HELD], fold[F_GROWTH] = products, held, growth
    fold[F_RISK] = risk
