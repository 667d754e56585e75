"""The quick way to score plain strategies: in or out of the market by two conditions.

A strategy that only buys and sells, all in, with costs in proportion to what is traded, is a
latch: `buy` sets it, `sell` resets it. So its equity moves in one of four ways on each bar, by
whether it was held before and is held now, and a fold's sums are those of four bars at a time,
looked up in a table. The general simulation gives the same sums, to the last digits.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from dsl.analysis.program import Rules
from dsl.evaluate import WORD_BARS, BitWords
from dsl.evaluate.jit import jitable
from dsl.syntax.vocabulary import SETTINGS
from evolve.backtest.kernels.bits import bits_from, ones
from evolve.backtest.kernels.records import (
    F_GROWTH,
    F_HELD,
    F_PRODUCTS,
    F_RETURNS,
    F_RISK,
    F_SQUARES,
    F_SUM,
    F_TRADES,
    BarArrays,
    Series,
)
from evolve.backtest.market import NEXT_OPEN, Market

if TYPE_CHECKING:
    from dsl.evaluate import SignalBuffers

BLOCK_BARS = 4
BLOCKS = 1 << 10  # whose sums are worked out at a time
CASES = 2 << BLOCK_BARS  # held or not on the bars of a block and on the one before
NO_SETTINGS = (None,) * len(SETTINGS)
SUMS = ("returns", "squares", "products", "log_growth")


class LongFlatTable(NamedTuple):
    """What every plain strategy on a tape has in common.

    Attributes:
        table: float64[block, case, SUMS], what the bars of a block add up to.
        first: int64[block], the first bar of each, from the window's first on.
        edges: int64[fold + 1], the first block of each fold, and the end.
        returns: float64[fold], how many returns each fold has.
        bars: how many bars the window has.
    """

    table: Series
    first: NDArray[np.int64]
    edges: NDArray[np.int64]
    returns: Series
    bars: int


def is_plain(rules: Rules) -> bool:
    """Whether a strategy is long or flat, all in, and leaves by its rule alone."""
    return rules.buy is not None and rules.short is None and rules[4:] == NO_SETTINGS


def build_long_flat_table(
    tape: BarArrays, market: Market, edges: NDArray[np.int64], benchmark: Series, risk_free: Series
) -> LongFlatTable | None:
    """Build the tables of a tape; None if plain strategies are no latches there.

    They are where orders fill at the next open, costs are in proportion to what is traded, the
    whole equity may be used, and the window begins with the first bar.

    Args:
        tape: the window.
        market: fills and costs.
        edges: int64[fold], the first bar of each, from the window's first on.
        benchmark: float64[bar], the benchmark's excess returns.
        risk_free: float64[bar], the returns of cash.
    """
    in_proportion = market.commission_minimum == 0.0 and math.isinf(market.max_volume_share)
    bars = tape.stop - tape.start
    is_plain_market = market.fill == NEXT_OPEN and market.max_leverage >= 1.0 and in_proportion
    if not is_plain_market or tape.start > 0 or not bars:
        return None
    growth = _growth(tape, market)
    if not np.all(growth > 0.0):
        return None
    ends = [*edges[1:].tolist(), bars]
    first = [np.arange(begin, end, BLOCK_BARS) for begin, end in zip(edges, ends, strict=True)]
    counts = [len(each) for each in first]
    returns = np.diff([*edges.tolist(), bars]).astype(np.float64)
    returns[0] -= 1.0  # the first bar has no return
    starts = np.concatenate(first)
    lengths = np.minimum(BLOCK_BARS, np.repeat(ends, counts) - starts)
    table = np.empty((len(starts), CASES, len(SUMS)))
    for begin in range(0, len(starts), BLOCKS):
        some = slice(begin, begin + BLOCKS)
        table[some] = _sums_by_case(growth, benchmark, risk_free, starts[some], lengths[some])
    return LongFlatTable(table, starts, np.concatenate([[0], np.cumsum(counts)]), returns, bars)


def _sums_by_case(
    growth: Series, benchmark: Series, risk_free: Series, starts: NDArray[np.int64],
    lengths: NDArray[np.int64],
) -> Series:  # fmt: skip
    """float64[block, case, SUMS]: what the bars of blocks add up to, a bar after the other."""
    added = np.zeros((len(starts), 2, len(SUMS)))  # by whether it was held on the bar before
    for bar in range(BLOCK_BARS):
        is_there = lengths > bar
        t = np.where(is_there, starts + bar, 0)
        grown = np.where(is_there, growth[:, t], 1.0)
        moved = np.where(t > 0, grown - 1.0 - risk_free[t], 0.0)
        sums = np.stack([moved, moved * moved, moved * benchmark[t], np.log(grown)], axis=2)
        case = np.arange(4 << bar)
        added = added[:, case & ((2 << bar) - 1)] + sums[(case >> bar) & 3].swapaxes(0, 1)
    return added


def _growth(tape: BarArrays, market: Market) -> Series:
    """float64[case, bar]: what a bar multiplies equity by: flat, left, entered, held.

    The case is whether the position was held before (1) and is held now (2).
    """
    window = slice(tape.start, tape.stop)
    opens, closes = tape.open[window], tape.close[window]
    spread = market.slippage_range * tape.spread[window]
    fee = market.commission_per_share * tape.adjustment[window]
    before = np.concatenate([closes[:1], closes[:-1]])
    idle = 1.0 + market.cash_rate * tape.days[window] / 365.0
    bought = opens * (1.0 + market.slippage) + spread
    cost = bought + (bought * market.commission + fee)
    sold, ended = (price * (1.0 - market.slippage) - spread for price in (opens, closes))
    left = (sold - (sold * market.commission + fee)) / before
    growth = np.stack([idle, left, idle * closes / cost, closes / before])
    growth[2:, -1] *= (ended[-1] * (1.0 - market.commission) - fee[-1]) / closes[-1]
    return growth


def sum_long_flat(
    rulings: SignalBuffers, latch: LongFlatTable, held: BitWords, folds: Series
) -> None:
    """Write the sums of plain strategies over each fold.

    Args:
        rulings: where each says buy and sell.
        latch: the tape's tables.
        held: uint64[word + 2], scratch: whether the position is held in a bar, a bit each; one
            word late, so that the bar before the first has a bit too.
        folds: float64[program, fold, FOLD_FIELDS], written to.
    """
    case = np.uint64(CASES - 1)
    held[0], held[-1] = 0, 0
    for p in range(folds.shape[0]):
        hold_positions(rulings.words, rulings.conditions[p, 0], rulings.conditions[p, 1], held)
        for fold in range(folds.shape[1]):
            moved, squares, products, grown = 0.0, 0.0, 0.0, 0.0
            for block in range(latch.edges[fold], latch.edges[fold + 1]):
                sums = latch.table[block, np.int64(bits_from(held, latch.first[block] - 1) & case)]
                moved += sums[0]
                squares += sums[1]
                products += sums[2]
                grown += sums[3]
            last_fold = fold + 1 == folds.shape[1]
            begin = latch.first[latch.edges[fold]]
            end = latch.bars if last_fold else latch.first[latch.edges[fold + 1]]
            entries, bars = 0, 0
            for bar in range(begin, end, WORD_BARS):
                now = bits_from(held, bar)
                if end - bar < WORD_BARS:
                    now &= (np.uint64(1) << np.uint64(end - bar)) - np.uint64(1)
                entries += ones(now & ~bits_from(held, bar - 1))
                bars += ones(now)
            risk = bars
            if last_fold:  # the last close ends it
                last = int(bits_from(held, latch.bars - 2) & np.uint64(3))
                bars -= last >> 1
                risk -= int(last == 3)  # one that began there was at risk there
            sums = folds[p, fold]
            sums[F_RETURNS], sums[F_SUM], sums[F_SQUARES] = latch.returns[fold], moved, squares
            sums[F_PRODUCTS], sums[F_GROWTH] = products, math.expm1(grown)
            sums[F_TRADES], sums[F_HELD], sums[F_RISK] = entries, bars, risk


@jitable
def hold_positions(words: BitWords, buy: int, sell: int, held: BitWords) -> None:
    """In which bars a position is held, 64 at a time.

    A carry runs through an addition as a position runs through time: what is bought generates it,
    what is not sold lets it pass. It arrives a bar later, as a fill does at the next open.
    """
    carry = np.uint64(0)
    for word in range(len(held) - 2):
        stays = ~words[sell + word]
        enters = words[buy + word] & stays
        total = stays + enters + carry
        held[word + 1] = total ^ stays ^ enters
        carry = (enters | (stays & ~total)) >> np.uint64(WORD_BARS - 1)
