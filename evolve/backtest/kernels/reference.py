"""The simulation: one compiled pass from orders to equity, trades and fold sums.

Within bar t: pending orders fill at the open; then stop, trail and target work during the bar;
the position is marked at the close; then signals are read.
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
    tape: BarArrays,
    rulings: SignalBuffers,
    market: Market,
    record: SimulationOutput,
    account: Account,
) -> None:
    """Simulate every program of a batch, each from flat, over the tape's window.

    Args:
        tape: one symbol's bars.
        rulings: what each program says on them.
        market: fills and costs.
        record: written to.
        account: scratch of dtype ACCOUNT.
    """
    for program in range(len(rulings.hold_bars)):
        _simulate_one(tape, rulings, market, record, account, program)


@jitable
def _simulate_one(
    tape: BarArrays,
    rulings: SignalBuffers,
    market: Market,
    record: SimulationOutput,
    account: Account,
    p: int,
) -> None:
    # Arrays stay in this function: handing them to another costs more than the other does.
    # Sliced to the window, they are read from 0 up, which spares a test of every index.
    start, window = tape.start, slice(tape.start, tape.stop)
    memory, words, conditions = rulings.memory, rulings.words, rulings.conditions[p]
    buys, sells, shorts, covers = conditions[0], conditions[1], conditions[2], conditions[3]
    places, constants, is_ratio = rulings.settings[p], rulings.constants[p], rulings.is_ratio[p]
    hold = rulings.hold_bars[p] if rulings.hold_bars[p] > 0 else NEVER
    opens, highs = tape.open[window], tape.high[window]
    lows, closes = tape.low[window], tape.close[window]
    adjustments, volumes = tape.adjustment[window], tape.volume[window]
    spreads, days = tape.spread[window], tape.days[window]
    folds, trades, trade_count = record.folds, record.trades, record.trade_count
    benchmark, risk_free, edges = record.benchmark, record.risk_free, record.edges
    bars, last, fill_at = len(opens), len(opens) - 1, market.fill
    accrues = market.cash_rate != 0.0 or market.borrow != 0.0
    wants_equity, wants_folds = record.equity.shape[0] > 0, folds.shape[0] > 0
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
        # Flat with nothing to do: on to the next entry signal.
        if shares == 0.0 and not (is_waiting or accrues):
            until = min(next_edge, last)
            first = t
            while t < until:
                at, word = start + t, (start + t) >> 6
                if bit(words[buys + word] | words[shorts + word], at):
                    break
                if wants_equity:
                    record.equity[p, t] = equity
                t += 1
            count += t - max(first, 1) if t > 0 and equity > 0.0 else 0.0
        while t == next_edge and wants_folds:
            growth = equity / first_equity - 1.0 if first_equity > 0.0 else 0.0
            _add_to_sums(folds[p, fold], count, total, squares, products, held, growth, risk)
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
                            folds[p, account.sold_fold, F_TRADES] += 1.0
                        if wants_trades:
                            _record_trade(account, trades, trade_count, start, t)
                        account.reason = NONE
                # An entry at the close of a bar comes after; what is leaving piece by piece waits.
                is_leaving = account.gone != 0.0 or (fill_at == NEXT_OPEN and account.leave != NONE)
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
                            place = places[setting]
                            asked = memory[place + at] if place >= 0 else constants[setting]
                            account.asked[setting] = asked
                            if not asked > 0.0:
                                account.side = 0
                        # A refused entry leaves nothing; one on the other side leaves first.
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
                        folds[p, account.sold_fold, F_TRADES] += 1.0
                    if wants_trades:
                        _record_trade(account, trades, trade_count, start, t)
                    account.reason = NONE
                cash, shares, due = account.cash, account.shares, account.bar + hold
                floor, ceiling = update_extreme(account)
                is_waiting = account.leave != NONE or account.side != 0
            last_close = closes[t]
            equity = cash + shares * last_close
            if equity <= 0.0:  # without equity the strategy is done
                if shares != 0.0:
                    bar = Bar(
                        opens[t], highs[t], lows[t], closes[t], adjustments[t], volumes[t],
                        spreads[t],
                    )  # fmt: skip
                    exit_position(account, market, bar, bar.close, BY_RUIN)
                    if wants_folds:
                        folds[p, account.sold_fold, F_TRADES] += 1.0
                    if wants_trades:
                        _record_trade(account, trades, trade_count, start, t)
                cash, shares, equity, ruined = 0.0, 0.0, 0.0, True

        if wants_equity:
            record.equity[p, t] = equity
            record.held[p, t] = np.sign(shares)
        if t > 0 and before > 0.0:
            count += 1.0
            if equity != before or risk_free[t] != 0.0:  # else it adds nothing
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
        _add_to_sums(folds[p, fold], count, total, squares, products, held, growth, risk)
        folds[p, len(edges) - 1, F_RUINED] = 1.0 if ruined else 0.0


@jitable
def _record_trade(
    account: Account, trades: Series, trade_count: NDArray[np.int64], start: int, t: int
) -> None:
    """Write down the trade just closed."""
    trade = trades[trade_count[0]]
    trade[0], trade[1] = start + account.sold_bar, start + t
    trade[2] = account.sold_shares
    trade[3], trade[4], trade[5] = account.sold_from, account.sold_fill, account.reason
    trade[6], trade[7] = account.profit, account.sold_costs
    trade_count[0] += 1


@jitable
def _add_to_sums(
    fold: Series, count: float, total: float, squares: float, products: float, held: float,
    growth: float, risk: float,
) -> None:  # fmt: skip
    """Write a fold's sums; its trades are counted as they close."""
    fold[F_RETURNS], fold[F_SUM], fold[F_SQUARES] = count, total, squares
    fold[F_PRODUCTS], fold[F_HELD], fold[F_GROWTH] = products, held, growth
    fold[F_RISK] = risk
