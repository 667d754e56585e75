"""Signals of a batch of programs: one byte per bar, or one bit per bar for the simulation."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from dsl.evaluate.arena import WORD_BARS, Arena, BitWords
from dsl.syntax.vocabulary import ORDERS

Condition = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Signals:
    """Signals of a batch of programs on the bars of one symbol.

    Attributes:
        orders: uint8[program, bar], one bit per order; the lowest bit is `buy`.
        settings: float64[row, bar], the series of the size, stop, trail and target rules.
        rows: int64[program, 4], rows of size, stop, trail and target; -1 for none.
        is_ratio: bool[program, 4], whether a setting is a ratio rather than a price distance.
        hold_bars: int64[program], bars of the time exit; 0 for none.
    """

    orders: NDArray[np.uint8]
    settings: NDArray[np.float64]
    rows: NDArray[np.int64]
    is_ratio: NDArray[np.bool_]
    hold_bars: NDArray[np.int64]

    def order(self, name: str, program: int = 0) -> Condition:
        """Return bool[bar], on which bars a program orders `buy`, `sell`, `short` or `cover`."""
        condition: Condition = (self.orders[program] & (1 << ORDERS.index(name))) != 0
        return condition

    def reindex(self, indices: NDArray[np.int64], length: int) -> Signals:
        """Return the signals on the bars of a panel, without orders where the symbol has no bar.

        Args:
            indices: int64[bar], indices in the panel of the bars of the symbol.
            length: number of bars of the panel.
        """
        orders = np.zeros((len(self.orders), length), np.uint8)
        settings = np.full((len(self.settings), length), math.nan)
        orders[:, indices], settings[:, indices] = self.orders, self.settings
        return replace(self, orders=orders, settings=settings)


class SignalBuffers(NamedTuple):
    """Signals of a batch of programs in the memory of the evaluator, for the simulation.

    Attributes:
        memory: float64[offset].
        words: view of the memory as uint64.
        conditions: int64[program, 4], offsets of the bits of buy, sell, short and cover; the bits
            after the last bar are 0.
        settings: int64[program, 4], offsets of the series of size, stop, trail and target; -1 for
            a constant.
        constants: float64[program, 4], values of the constant settings; NaN for values that are
            not above 0; 1 for an unset size, infinity for an unset distance.
        is_ratio: bool[program, 4], whether a setting is a ratio rather than a price distance.
        hold_bars: int64[program], bars of the time exit; 0 for none.
    """

    memory: NDArray[np.float64]
    words: BitWords
    conditions: NDArray[np.int64]
    settings: NDArray[np.int64]
    constants: NDArray[np.float64]
    is_ratio: NDArray[np.bool_]
    hold_bars: NDArray[np.int64]

    def head(self, count: int) -> SignalBuffers:
        """Return the buffers of the first `count` programs."""
        return self._replace(
            conditions=self.conditions[:count],
            settings=self.settings[:count],
            constants=self.constants[:count],
            is_ratio=self.is_ratio[:count],
            hold_bars=self.hold_bars[:count],
        )


UNSET = np.array([1.0, math.inf, math.inf, math.inf])  # size, stop, trail and target


def empty(count: int, arena: Arena) -> SignalBuffers:
    """Return the buffers of `count` programs without orders and settings."""
    never, _ = arena.truths
    return SignalBuffers(
        arena.memory,
        arena.words,
        np.full((count, 4), never, np.int64),
        np.full((count, 4), -1, np.int64),
        np.tile(UNSET, (count, 1)),
        np.zeros((count, 4), np.bool_),
        np.zeros(count, np.int64),
    )


def unpack_signals(buffers: SignalBuffers, length: int) -> Signals:
    """Return a copy of signals with one byte per bar."""
    words = buffers.words[buffers.conditions[:, :, None] + np.arange(-(-length // WORD_BARS))]
    bits = unpack_flags(words, length)
    orders = np.bitwise_or.reduce([bits[:, i] << i for i in range(len(ORDERS))])
    rows = np.full(buffers.settings.shape, -1, np.int64)
    is_series = buffers.settings >= 0
    is_set = is_series | (buffers.constants != UNSET)
    rows[is_set] = np.arange(is_set.sum())
    settings = np.repeat(buffers.constants[is_set][:, None], length, axis=1)
    offsets = buffers.settings[is_series]
    settings[rows[is_series]] = buffers.memory[offsets[:, None] + np.arange(length)]
    return Signals(orders, settings, rows, buffers.is_ratio, buffers.hold_bars)


def pack_signals(signals: Signals) -> SignalBuffers:
    """Return signals of one byte per bar in their own memory, for the simulation."""
    count, length = signals.orders.shape
    words = -(-length // WORD_BARS)
    flags = np.zeros((count, len(ORDERS), words * WORD_BARS), np.uint8)
    flags[:, :, :length] = (signals.orders[:, None, :] >> np.arange(len(ORDERS))[:, None]) & 1
    conditions = np.arange(count * len(ORDERS)) * words
    return SignalBuffers(
        signals.settings.ravel(),
        np.packbits(flags, bitorder="little").view(np.uint64),
        conditions.reshape(count, len(ORDERS)),
        np.where(signals.rows < 0, -1, signals.rows * length),
        np.tile(UNSET, (count, 1)),
        signals.is_ratio,
        signals.hold_bars,
    )


def concat(parts: Sequence[Signals]) -> Signals:
    """Concatenate the signals of several batches."""
    counts = [len(each.settings) for each in parts]
    rows = [
        np.where(each.rows < 0, each.rows, each.rows + sum(counts[:index]))
        for index, each in enumerate(parts)
    ]
    return Signals(
        np.concatenate([each.orders for each in parts]),
        np.concatenate([each.settings for each in parts]),
        np.concatenate(rows),
        np.concatenate([each.is_ratio for each in parts]),
        np.concatenate([each.hold_bars for each in parts]),
    )


def unpack_flags(words: BitWords, length: int) -> NDArray[np.uint8]:
    """Return uint8[..., bar], bits as bytes of 0 and 1."""
    return np.unpackbits(words.view(np.uint8), axis=-1, count=length, bitorder="little")
