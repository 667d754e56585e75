"""Conditions as words of bits, one bit per bar."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from dsl.evaluate import WORD_BARS, BitWords
from dsl.evaluate.jit import jitable


@jitable
def bit(word: np.uint64, t: int) -> bool:
    """Return whether the bit of bar `t` is set in its word."""
    is_set: bool = (word >> np.uint64(t & 63)) & np.uint64(1) != np.uint64(0)
    return is_set


@jitable
def next_bit(words: BitWords, first: int, until: int) -> int:
    """Return the first bar from `first` on whose bit is set; `until` if none before it is."""
    if first >= until:
        return until
    word = first >> 6
    rest = words[word] >> np.uint64(first & 63)
    t = first
    while rest == np.uint64(0):
        word += 1
        t = word * WORD_BARS
        if t >= until:
            return until
        rest = words[word]
    t += trailing_zeros(rest)
    return min(t, until)


@jitable
def trailing_zeros(word: np.uint64) -> int:
    """Return the number of zero bits below the lowest set bit."""
    return ones(~word & (word - np.uint64(1)))


@jitable
def bits_from(held: BitWords, bar: int) -> np.uint64:
    """Return the 64 bits from a bar on, the first lowest; the bar may be -1."""
    offset = bar + WORD_BARS
    word, shift = offset >> 6, np.uint64(offset & 63)
    above = (held[word + 1] << np.uint64(1)) << (np.uint64(63) - shift)
    bits: np.uint64 = (held[word] >> shift) | above
    return bits


@jitable
def ones(word: np.uint64) -> int:
    """Count the set bits of a word."""
    word -= (word >> np.uint64(1)) & np.uint64(0x5555555555555555)
    pairs = np.uint64(0x3333333333333333)
    word = (word & pairs) + ((word >> np.uint64(2)) & pairs)
    word = (word + (word >> np.uint64(4))) & np.uint64(0x0F0F0F0F0F0F0F0F)
    return (word * np.uint64(0x0101010101010101)) >> np.uint64(56)  # type: ignore[return-value]


@jitable
def read_rules(words: BitWords, offsets: NDArray[np.int64], bits: BitWords) -> None:
    """Write the bars of entries from flat and of exits, for long and short.

    A true exit blocks an entry on its side; `buy` and `short` together enter nothing.

    Args:
        words: uint64[offset], memory of the conditions.
        offsets: int64[4], offsets of buy, sell, short and cover.
        bits: uint64[4, word], output: entries long, entries short, exits long, exits short.
    """
    buys, sells, shorts, covers = offsets[0], offsets[1], offsets[2], offsets[3]
    for word in range(bits.shape[1]):
        buy, sell = words[buys + word], words[sells + word]
        short, cover = words[shorts + word], words[covers + word]
        bits[0, word] = buy & ~sell & ~short
        bits[1, word] = short & ~cover & ~buy
        bits[2, word] = sell
        bits[3, word] = cover
