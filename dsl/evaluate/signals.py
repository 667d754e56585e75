"""What programs say on bars: as bytes for the simulation, as bits for the quick ways of scoring."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

BUY, SELL, SHORT, COVER = 1, 2, 4, 8

Condition = NDArray[np.bool_]
Words = NDArray[np.uint64]


@dataclass(frozen=True, eq=False)
class Signals:
    """What a batch of programs says on the bars of one symbol.

    Attributes:
        orders: uint8[program, bar], bits BUY, SELL, SHORT and COVER.
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
        bit = {"buy": BUY, "sell": SELL, "short": SHORT, "cover": COVER}[name]
        held: Condition = (self.orders[program] & bit) != 0
        return held

    def on(self, places: NDArray[np.int64], length: int) -> Signals:
        """The signals of a symbol's own bars on those of its panel; none where it has no bar."""
        orders = np.zeros((len(self.orders), length), np.uint8)
        settings = np.full((len(self.settings), length), math.nan)
        orders[:, places], settings[:, places] = self.orders, self.settings
        return replace(self, orders=orders, settings=settings)


class Rulings(NamedTuple):
    """The same as the quick ways of scoring read it: conditions as bits, constants as numbers.

    Attributes:
        words: uint64[program, 4, word], where it says buy, sell, short and cover, a bit a bar;
            the bits after the last are 0.
        settings: float64[row, bar], the series of size, stop, trail and target rules.
        rows: int64[program, 4], which row is its size, stop, trail and target; -1 for none.
        constants: float64[program, 4], those that are a number: NaN where it is not above 0; what
            is not set is a size of 1, or an infinite distance.
        is_ratio: bool[program, 4], whether a setting is a ratio (else a price distance).
        hold_bars: int64[program], 0 for no time exit.
    """

    words: NDArray[np.uint64]
    settings: NDArray[np.float64]
    rows: NDArray[np.int64]
    constants: NDArray[np.float64]
    is_ratio: NDArray[np.bool_]
    hold_bars: NDArray[np.int64]
