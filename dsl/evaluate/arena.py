"""One memory for all that is computed on the bars of each symbol.

A place is an index into it, counted in float64s, and the same for all symbols. Room is handed out
from the front on, and all of it is taken back at once: what was kept is then computed again where
it is asked for.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from dsl.terms import Term

SYMBOL_MB, PANEL_MB = 64, 256  # if nothing else is said: a symbol, and all at most
LEAST_SERIES = 64
PADDING_BARS = 64  # unknown bars before a series: a lag is the same memory, seen from earlier on
WORD_BARS = 64
STEP_FIELDS = 6  # where its kernel is, the place of its result, and four arguments

Series = NDArray[np.float64]
Words = NDArray[np.uint64]


class Arena:
    """Series, and conditions as bits (a word for 64 bars) or flags (a byte a bar), by place.

    Attributes:
        length: bars of a series, of the symbol that has most of them.
        memory: float64[symbol, place]; `words` is the same memory as uint64.
        kept: the places of what was computed, by term.
        given: the places of the bars' own series, by name.
        flags: the place of scratch flags.
        truths: the places of the bits of what never holds, and of what always does.
    """

    def __init__(self, given: Sequence[Mapping[str, Series]], arena_mb: float | None) -> None:
        """
        Args:
            given: series that stay, of each symbol, by name; all of a symbol are equally long.
            arena_mb: how much is handed out before all of it is taken back, of all symbols.
        """
        if arena_mb is None:
            arena_mb = min(SYMBOL_MB * len(given), PANEL_MB)
        lengths = [len(next(iter(each.values()))) for each in given]
        self.length = max(lengths)
        self.words_a_condition = -(-self.length // WORD_BARS)
        self.kept: dict[Term, int] = {}
        self._symbols, self._top = len(given), 0
        self.flags = self.room_for_flags()
        self.truths = self.room_for_bits(), self.room_for_bits()
        self.given = {name: self.room_for_series() for name in given[0]}
        self._base = self._top
        least = LEAST_SERIES * (PADDING_BARS + self.length)
        self._allot(max(least, int(arena_mb * 1e6 / 8 / self._symbols)))
        self.memory[:, : self._base] = math.nan
        self.words[:, self.flags :][:, : WORD_BARS // 8 * self.words_a_condition] = 0
        never, always = (self.words[:, at:][:, : self.words_a_condition] for at in self.truths)
        never[:] = 0
        every_bar = np.arange(WORD_BARS * self.words_a_condition)
        for symbol, (length, series) in enumerate(zip(lengths, given, strict=True)):
            always[symbol] = np.packbits(every_bar < length, bitorder="little").view(np.uint64)
            for name, values in series.items():
                self.memory[symbol, self.given[name] :][:length] = values

    @property
    def is_full(self) -> bool:
        """Whether more was handed out than there is."""
        return self._top > self._room

    def room_for_series(self) -> int:
        """The place of a series to come; the bars before it are for its kernel to make unknown."""
        self._top += PADDING_BARS + self.length
        return self._top - self.length

    def room_for_bits(self) -> int:
        """The place of a condition to come."""
        self._top += self.words_a_condition
        return self._top - self.words_a_condition

    def room_for_flags(self) -> int:
        """The place of flags to come."""
        self._top += WORD_BARS // 8 * self.words_a_condition
        return self._top - WORD_BARS // 8 * self.words_a_condition

    def value(self, number: float) -> int:
        """The place of a single number."""
        place = self._top
        self._top += 1
        if not self.is_full:
            self.memory[:, place] = number
        return place

    def forget(self) -> None:
        """Take all back; what is written stays until it is written over."""
        self.kept.clear()
        self._top = self._base

    def grow(self) -> None:
        """Twice the memory, for a program that does not fit alone."""
        base = self.memory[:, : self._base].copy()
        self._allot(2 * (self._room - self._base))
        self.memory[:, : self._base] = base

    def _allot(self, room: int) -> None:
        self._room = self._base + room
        self.memory: Series = np.empty((self._symbols, self._room))
        self.words: Words = self.memory.view(np.uint64)
