"""One memory for all that is computed on the bars of one symbol at a time.

A place is an index into it, counted in float64s. Room is handed out from the front on, and all of
it is taken back at once: what was kept is then computed again where it is asked for.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from dsl.terms.terms import Term

ARENA_MB = 64
MIN_SERIES = 64
PADDING_BARS = 64  # unknown bars before a series: a lag is the same memory, seen from earlier on
WORD_BARS = 64
STEP_FIELDS = 6  # where its kernel is, the place of its result, and four arguments

Series = NDArray[np.float64]
Words = NDArray[np.uint64]


class Arena:
    """Series, and conditions as bits (a word for 64 bars) or flags (a byte a bar), by place.

    Attributes:
        length: bars of a series, at most.
        memory: float64[place]; `words` is the same memory as uint64.
        kept: the places of what was computed, by term.
        given: the places of the bars' own series, by name.
        flags: the place of scratch flags.
        truths: the places of the bits of what never holds, and of what always does.
    """

    def __init__(self, length: int, given: Sequence[str], arena_mb: float) -> None:
        """
        Args:
            length: bars of a series, at most.
            given: names of the series that stay.
            arena_mb: how much is handed out before all of it is taken back.
        """
        self.length = length
        self.words_a_condition = -(-length // WORD_BARS)
        self.kept: dict[Term, int] = {}
        self._top = 0
        self.flags = self.allocate_flags()
        self.truths = self.allocate_bits(), self.allocate_bits()
        self.given = {name: self.allocate_series() for name in given}
        self._base = self._top
        least = MIN_SERIES * (PADDING_BARS + length)
        self._allocate(max(least, int(arena_mb * 1e6 / 8)))
        self.memory[: self._base] = math.nan

    def load(self, given: Mapping[str, Series]) -> None:
        """Take in the series of a symbol, of one length, in place of another's."""
        (length,) = {len(values) for values in given.values()}
        for name, values in given.items():
            self.memory[self.given[name] :][:length] = values
        self.words[self.flags :][: WORD_BARS // 8 * self.words_a_condition] = 0
        bars = np.arange(WORD_BARS * self.words_a_condition) < length
        never, always = (self.words[place:][: self.words_a_condition] for place in self.truths)
        never[:], always[:] = 0, np.packbits(bars, bitorder="little").view(np.uint64)

    @property
    def is_full(self) -> bool:
        """Whether more was handed out than there is."""
        return self._top > len(self.memory)

    def allocate_series(self) -> int:
        """The place of a series to come; the bars before it are for its kernel to make unknown."""
        self._top += PADDING_BARS + self.length
        return self._top - self.length

    def allocate_bits(self) -> int:
        """The place of a condition to come."""
        self._top += self.words_a_condition
        return self._top - self.words_a_condition

    def allocate_flags(self) -> int:
        """The place of flags to come."""
        self._top += WORD_BARS // 8 * self.words_a_condition
        return self._top - WORD_BARS // 8 * self.words_a_condition

    def value(self, number: float) -> int:
        """The place of a single number."""
        place = self._top
        self._top += 1
        if not self.is_full:
            self.memory[place] = number
        return place

    def release(self) -> None:
        """Take all back; what is written stays until it is written over."""
        self.kept.clear()
        self._top = self._base

    def grow(self) -> None:
        """Twice the memory, for a program that does not fit alone."""
        base = self.memory[: self._base].copy()
        self._allocate(2 * (len(self.memory) - self._base))
        self.memory[: self._base] = base

    def _allocate(self, room: int) -> None:
        self.memory: Series = np.empty(self._base + room)
        self.words: Words = self.memory.view(np.uint64)
