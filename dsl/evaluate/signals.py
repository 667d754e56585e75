"""What programs say on bars: as bytes for people and proofs, as bits for the simulation."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from dsl.evaluate.arena import WORD_BARS, Arena, Words
from dsl.syntax.vocabulary import ORDERS

Condition = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Signals:
    """What a batch of programs says on the bars of one symbol.

    Attributes:
        orders: uint8[program, bar], a bit an order: the lowest is `buy`.
        settings: float64[row, bar], the series of size, stop, trail and target rules.
        rows: int64[program, 4], which row is its size, stop, trail and target; -1 for none.
        is_ratio: bool[program, 4], whether that row is a ratio (else a price distance).
        hold_bars: int64[program], 0 for no time exit.
    """

    orders: NDArray[np.uint8]
    settings: NDArray[np.float64]
    rows: NDArray[np.int64]
    is_ratio: NDArray[np.bool_]
    hold_bars: NDArray[np.int64]

    def order(self, name: str, program: int = 0) -> Condition:
        """bool[bar]: where a program says `buy`, `sell`, `short` or `cover`."""
        held: Condition = (self.orders[program] & (1 << ORDERS.index(name))) != 0
        return held

    def on(self, places: NDArray[np.int64], length: int) -> Signals:
        """The signals of a symbol's own bars on those of its panel; none where it has no bar."""
        orders = np.zeros((len(self.orders), length), np.uint8)
        settings = np.full((len(self.settings), length), math.nan)
        orders[:, places], settings[:, places] = self.orders, self.settings
        return replace(self, orders=orders, settings=settings)


class SignalBuffers(NamedTuple):
    """The same as the simulation reads it, where it was computed.

    Attributes:
        memory: float64[place]; `words` is the same memory as uint64.
        conditions: int64[program, 4], the places where it says buy, sell, short and cover: words,
            a bit a bar; the bits after the last are 0.
        settings: int64[program, 4], the places of its size, stop, trail and target; -1 for none.
        constants: float64[program, 4], those that are a number: NaN where it is not above 0; what
            is not set is a size of 1, or an infinite distance.
        is_ratio: bool[program, 4], whether a setting is a ratio (else a price distance).
        hold_bars: int64[program], 0 for no time exit.
    """

    memory: NDArray[np.float64]
    words: Words
    conditions: NDArray[np.int64]
    settings: NDArray[np.int64]
    constants: NDArray[np.float64]
    is_ratio: NDArray[np.bool_]
    hold_bars: NDArray[np.int64]

    def head(self, count: int) -> SignalBuffers:
        """Of the first programs."""
        return self._replace(
            conditions=self.conditions[:count],
            settings=self.settings[:count],
            constants=self.constants[:count],
            is_ratio=self.is_ratio[:count],
            hold_bars=self.hold_bars[:count],
        )


UNSET = np.array([1.0, math.inf, math.inf, math.inf])  # size, stop, trail and target


def empty(count: int, arena: Arena) -> SignalBuffers:
    """Of programs that say nothing."""
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


def unpack_signals(said: SignalBuffers, length: int) -> Signals:
    """Rulings as signals, copied."""
    words = said.words[said.conditions[:, :, None] + np.arange(-(-length // WORD_BARS))]
    bits = unpack_flags(words, length)
    orders = np.bitwise_or.reduce([bits[:, i] << i for i in range(len(ORDERS))])
    rows = np.full(said.settings.shape, -1, np.int64)
    is_series = said.settings >= 0
    is_set = is_series | (said.constants != UNSET)
    rows[is_set] = np.arange(is_set.sum())
    settings = np.repeat(said.constants[is_set][:, None], length, axis=1)
    places = said.settings[is_series]
    settings[rows[is_series]] = said.memory[places[:, None] + np.arange(length)]
    return Signals(orders, settings, rows, said.is_ratio, said.hold_bars)


def concat(parts: Sequence[Signals]) -> Signals:
    """The signals of programs that came in several parts."""
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


def unpack_flags(words: Words, length: int) -> NDArray[np.uint8]:
    """uint8[..., bar]: bits as bytes of 0 and 1."""
    return np.unpackbits(words.view(np.uint8), axis=-1, count=length, bitorder="little")
