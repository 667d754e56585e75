"""Conditions as words of bits, a bit a bar: what the quick ways of scoring read."""

from __future__ import annotations

import numpy as np

from dsl.evaluate import WORD_BARS, BitWords
from dsl.evaluate.jit import jitable


@jitable
def bit(word: np.uint64, t: int) -> bool:
    """Whether the bit of a bar is set in its word."""
    is_set: bool = (word >> np.uint64(t & 63)) & np.uint64(1) != np.uint64(0)
    return is_set


@jitable
def next_bit(words: BitWords, first: int, until: int) -> int:
    """The first bar from `first` on whose bit is set; `until` if there is none before it."""
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
    """How many bits below the lowest that is set."""
    return ones(~word & (word - np.uint64(1)))


@jitable
def bits_from(held: BitWords, bar: int) -> np.uint64:
    """The 64 bits from a bar on, the first of them lowest; the bar may be -1."""
    place = bar + WORD_BARS
    word, shift = place >> 6, np.uint64(place & 63)
    above = (held[word + 1] << np.uint64(1)) << (np.uint64(63) - shift)
    bits: np.uint64 = (held[word] >> shift) | above
    return bits


@jitable
def ones(word: np.uint64) -> int:
    """How many bits of a word are set."""
    word -= (word >> np.uint64(1)) & np.uint64(0x5555555555555555)
    pairs = np.uint64(0x3333333333333333)
    word = (word & pairs) + ((word >> np.uint64(2)) & pairs)
    word = (word + (word >> np.uint64(4))) & np.uint64(0x0F0F0F0F0F0F0F0F)
    return (word * np.uint64(0x0101010101010101)) >> np.uint64(56)  # type: ignore[return-value]
