"""State of a random generator as JSON."""

from __future__ import annotations

import sys
from array import array
from base64 import b64decode, b64encode
from collections.abc import Sequence
from random import Random
from typing import Any

WORD = "I"  # of 32 bits


def encode_random_state(state: tuple[Any, ...]) -> list[Any]:
    """Encode the state of a generator, which `Random.getstate` returns.

    Returns:
        Its words in base 64, and the next normal variate if the last draw computed two.
    """
    _, words, variate = state
    return [b64encode(_order(array(WORD, words)).tobytes()).decode(), variate]


def decode_random_state(encoded: Sequence[Any]) -> tuple[Any, ...]:
    """Decode the state of a generator.

    Raises:
        TypeError, ValueError: if it is no state.
    """
    text, variate = encoded
    words = array(WORD)
    words.frombytes(b64decode(text, validate=True))
    state = (Random.VERSION, tuple(_order(words)), variate)
    Random().setstate(state)  # raises for a state that is invalid
    return state


def _order(words: array[int]) -> array[int]:
    """Return words in little-endian order, or such words in the order of this machine."""
    if sys.byteorder == "big":
        words.byteswap()
    return words
