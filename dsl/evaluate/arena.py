"""Arena: the memory of all series and conditions of one symbol at a time.

An offset is an index into the memory, counted in float64s. Allocation moves a pointer, and all
allocations are released at once. Cached values are then computed again on demand.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from dsl.terms.terms import Term

ARENA_MB = 64
MIN_SERIES = 64
PADDING_BARS = 64  # unknown bars before a series; a lag is an earlier offset into them
WORD_BARS = 64
INSTRUCTION_FIELDS = 6  # address of the kernel, offset of the result, four operands

Series = NDArray[np.float64]
BitWords = NDArray[np.uint64]  # 64 bars per word


class Arena:
    """Memory of series, and of conditions as bits (64 bars per word) or flags (a byte per bar).

    Attributes:
        length: maximum bars of a series.
        memory: float64[offset]; `words` is a view of it as uint64.
        words_per_condition: words of the bits of a condition.
        cached: offsets of computed values by term.
        inputs: offsets of the input series by name.
        flags: offset of scratch flags.
        truths: offsets of the bits of `false` and `true`.
    """

    def __init__(self, length: int, inputs: Sequence[str], arena_mb: float) -> None:
        """Allocate the memory and the input series.

        Args:
            length: maximum bars of a series.
            inputs: names of the input series, which are never released.
            arena_mb: memory in megabytes that is allocated before a release.
        """
        self.length = length
        self.words_per_condition = -(-length // WORD_BARS)
        self.cached: dict[Term, int] = {}
        self._top = 0
        self.flags = self.allocate_flags()
        self.truths = self.allocate_bits(), self.allocate_bits()
        self.inputs = {name: self.allocate_series() for name in inputs}
        self._base = self._top
        minimum = MIN_SERIES * (PADDING_BARS + length)
        self._allocate(max(minimum, int(arena_mb * 1e6 / 8)))
        self.memory[: self._base] = math.nan

    def load(self, inputs: Mapping[str, Series]) -> None:
        """Replace the input series by those of a symbol, all of one length."""
        (length,) = {len(values) for values in inputs.values()}
        for name, values in inputs.items():
            self.memory[self.inputs[name] :][:length] = values
        self.words[self.flags :][: WORD_BARS // 8 * self.words_per_condition] = 0
        bars = np.arange(WORD_BARS * self.words_per_condition) < length
        never, always = (self.words[start:][: self.words_per_condition] for start in self.truths)
        never[:], always[:] = 0, np.packbits(bars, bitorder="little").view(np.uint64)

    @property
    def is_full(self) -> bool:
        """True if allocations exceed the memory."""
        return self._top > len(self.memory)

    def allocate_series(self) -> int:
        """Return the offset of a new series; its kernel fills the padding before it."""
        self._top += PADDING_BARS + self.length
        return self._top - self.length

    def allocate_bits(self) -> int:
        """Return the offset of the bits of a new condition."""
        self._top += self.words_per_condition
        return self._top - self.words_per_condition

    def allocate_flags(self) -> int:
        """Return the offset of new flags."""
        self._top += WORD_BARS // 8 * self.words_per_condition
        return self._top - WORD_BARS // 8 * self.words_per_condition

    def store_value(self, number: float) -> int:
        """Store a number; return its offset."""
        offset = self._top
        self._top += 1
        if not self.is_full:
            self.memory[offset] = number
        return offset

    def release(self) -> None:
        """Release all allocations; their contents remain until they are overwritten."""
        self.cached.clear()
        self._top = self._base

    def grow(self) -> None:
        """Double the memory, for a program that does not fit alone."""
        base = self.memory[: self._base].copy()
        self._allocate(2 * (len(self.memory) - self._base))
        self.memory[: self._base] = base

    def _allocate(self, size: int) -> None:
        self.memory: Series = np.empty(self._base + size)
        self.words: BitWords = self.memory.view(np.uint64)
