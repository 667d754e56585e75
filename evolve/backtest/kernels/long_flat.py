"""Long-flat kernel: it scores strategies that are all in or flat by `buy` and `sell` alone.

It applies where orders fill at the next open and costs are proportional to the traded value. The
position is then a set-reset latch: `buy` sets it, `sell` resets it. On each bar equity moves in one
of four ways, by whether the position was held before and is held now. The sums of a fold are looked
up in a table, four bars at a time. The reference kernel gives the same sums within rounding.
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
CHUNK_BLOCKS = 1 << 10  # blocks that are summed at a time
CASES = 2 << BLOCK_BARS  # held or flat on the bars of a block and on the bar before
NO_SETTINGS = (None,) * len(SETTINGS)
SUMS = ("returns", "squares", "products", "log_growth")


class LongFlatTable(NamedTuple):
    """Sums over blocks of bars that all long-flat strategies on a symbol share.

    Attributes:
        table: float64[block, case, SUMS], sums over the bars of each block.
        first: int64[block], first bar of each block, counted from the start of the window.
        edges: int64[fold + 1], first block of each fold, and the end.
        returns: float64[fold], number of returns of each fold.
        bars: number of bars of the window.
    """

    table: Series
    first: NDArray[np.int64]
    edges: NDArray[np.int64]
    returns: Series
    bars: int


def is_long_flat(rules: Rules) -> bool:
    """Return whether a strategy has `buy`, perhaps `sell`, and neither `short` nor settings."""
    return rules.buy is not None and rules.short is None and rules[4:] == NO_SETTINGS


def build_long_flat_table(
    arrays: BarArrays,
    market: Market,
    edges: NDArray[np.int64],
    benchmark: Series,
    risk_free: Series,
) -> LongFlatTable | None:
    """Build the table of a symbol; None if the long-flat kernel does not apply.

    It applies where orders fill at the next open, costs are proportional to the traded value, the
    whole equity may be invested, and the window starts at the first bar.

    Args:
        arrays: bars of the symbol.
        market: fills and costs.
        edges: int64[fold], first bar of each fold, counted from the start of the window.
        benchmark: float64[bar], excess returns of the benchmark.
        risk_free: float64[bar], returns of cash.
    """
    is_proportional = market.commission_minimum == 0.0 and math.isinf(market.max_volume_share)
    bars = arrays.stop - arrays.start
    is_supported = market.fill == NEXT_OPEN and market.max_leverage >= 1.0 and is_proportional
    if not is_supported or arrays.start > 0 or not bars:
        return None
    growth = _compute_growth(arrays, market)
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
    for begin in range(0, len(starts), CHUNK_BLOCKS):
        chunk = slice(begin, begin + CHUNK_BLOCKS)
        table[chunk] = _sum_blocks(growth, benchmark, risk_free, starts[chunk], lengths[chunk])
    return LongFlatTable(table, starts, np.concatenate([[0], np.cumsum(counts)]), returns, bars)


def _sum_blocks(
    growth: Series, benchmark: Series, risk_free: Series, starts: NDArray[np.int64],
    lengths: NDArray[np.int64],
) -> Series:  # fmt: skip
    """Return float64[block, case, SUMS], the sums over the bars of blocks."""
    totals = np.zeros((len(starts), 2, len(SUMS)))  # by whether the bar before is held
    for bar in range(BLOCK_BARS):
        is_inside = lengths > bar
        t = np.where(is_inside, starts + bar, 0)
        factor = np.where(is_inside, growth[:, t], 1.0)
        change = np.where(t > 0, factor - 1.0 - risk_free[t], 0.0)
        sums = np.stack([change, change * change, change * benchmark[t], np.log(factor)], axis=2)
        case = np.arange(4 << bar)
        totals = totals[:, case & ((2 << bar) - 1)] + sums[(case >> bar) & 3].swapaxes(0, 1)
    return totals


def _compute_growth(arrays: BarArrays, market: Market) -> Series:
    """Return float64[case, bar], the growth factor of equity: flat, exited, entered, held.

    The case is 1 if the position was held before, plus 2 if it is held now.
    """
    window = slice(arrays.start, arrays.stop)
    opens, closes = arrays.open[window], arrays.close[window]
    spread = market.slippage_range * arrays.spread[window]
    fee = market.commission_per_share * arrays.adjustment[window]
    before = np.concatenate([closes[:1], closes[:-1]])
    idle = 1.0 + market.cash_rate * arrays.days[window] / 365.0
    buy_price = opens * (1.0 + market.slippage) + spread
    cost = buy_price + (buy_price * market.commission + fee)
    sell_price, end_price = (price * (1.0 - market.slippage) - spread for price in (opens, closes))
    exited = (sell_price - (sell_price * market.commission + fee)) / before
    growth = np.stack([idle, exited, idle * closes / cost, closes / before])
    growth[2:, -1] *= (end_price[-1] * (1.0 - market.commission) - fee[-1]) / closes[-1]
    return growth


def sum_long_flat(
    buffers: SignalBuffers, table: LongFlatTable, held: BitWords, folds: Series
) -> None:
    """Write the sums of long-flat strategies over each fold.

    Args:
        buffers: signals of the programs.
        table: table of the symbol.
        held: uint64[word + 2], scratch: one bit per bar, set if the position is held. It is
            shifted by one word, so that the bar before the first has a bit too.
        folds: float64[program, fold, FOLD_FIELDS], output.
    """
    mask = np.uint64(CASES - 1)
    held[0], held[-1] = 0, 0
    for p in range(folds.shape[0]):
        hold_positions(buffers.words, buffers.conditions[p, 0], buffers.conditions[p, 1], held)
        for fold in range(folds.shape[1]):
            total, squares, products, log_growth = 0.0, 0.0, 0.0, 0.0
            for block in range(table.edges[fold], table.edges[fold + 1]):
                bits = bits_from(held, table.first[block] - 1) & mask
                sums = table.table[block, np.int64(bits)]
                total += sums[0]
                squares += sums[1]
                products += sums[2]
                log_growth += sums[3]
            last_fold = fold + 1 == folds.shape[1]
            begin = table.first[table.edges[fold]]
            end = table.bars if last_fold else table.first[table.edges[fold + 1]]
            entries, bars = 0, 0
            for bar in range(begin, end, WORD_BARS):
                now = bits_from(held, bar)
                if end - bar < WORD_BARS:
                    now &= (np.uint64(1) << np.uint64(end - bar)) - np.uint64(1)
                entries += ones(now & ~bits_from(held, bar - 1))
                bars += ones(now)
            risk = bars
            if last_fold:  # the last close closes the position
                last = int(bits_from(held, table.bars - 2) & np.uint64(3))
                bars -= last >> 1
                risk -= int(last == 3)  # a position entered on it was at risk on it
            sums = folds[p, fold]
            sums[F_RETURNS], sums[F_SUM], sums[F_SQUARES] = table.returns[fold], total, squares
            sums[F_PRODUCTS], sums[F_GROWTH] = products, math.expm1(log_growth)
            sums[F_TRADES], sums[F_HELD], sums[F_RISK] = entries, bars, risk


@jitable
def hold_positions(words: BitWords, buy: int, sell: int, held: BitWords) -> None:
    """Write the bars on which a position is held, 64 at a time.

    The carry of an addition models the position: `buy` generates it, and it propagates while
    `sell` is false. It arrives one bit later, like a fill at the next open.

    Args:
        words: uint64[offset], memory of the conditions.
        buy, sell: offsets of the conditions.
        held: uint64[word + 2], output, shifted by one word.
    """
    carry = np.uint64(0)
    for word in range(len(held) - 2):
        stays = ~words[sell + word]
        enters = words[buy + word] & stays
        total = stays + enters + carry
        held[word + 1] = total ^ stays ^ enters
        carry = (enters | (stays & ~total)) >> np.uint64(WORD_BARS - 1)
