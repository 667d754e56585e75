"""Types of fields whose JSON is compact and in one order."""

from __future__ import annotations

import struct
from base64 import b64decode, b64encode
from random import Random
from typing import Annotated, TypeVar

from pydantic import PlainSerializer, PlainValidator

Item = TypeVar("Item", int, str)
STATE_VERSION = 3  # of `Random.getstate`
WORDS = struct.Struct("<625I")  # the Mersenne Twister: 624 words and the position


def encode_random(rng: Random) -> tuple[str, float | None]:
    """Return the state of a generator: its words in base64, and its spare normal number."""
    _, words, spare = rng.getstate()
    return b64encode(WORDS.pack(*words)).decode(), spare


def decode_random(saved: object) -> Random:
    """Return the generator of a saved state.

    Raises:
        ValueError: if it is not the state of a generator.
    """
    if isinstance(saved, Random):
        return saved
    if not isinstance(saved, list | tuple) or len(saved) != 2 or not isinstance(saved[0], str):
        raise ValueError("expected the state of a random generator")
    try:
        words, rng = WORDS.unpack(b64decode(saved[0])), Random()
        rng.setstate((STATE_VERSION, words, saved[1]))
    except (struct.error, TypeError) as error:
        raise ValueError(f"expected the state of a random generator: {error}") from None
    return rng


SavedRandom = Annotated[Random, PlainValidator(decode_random), PlainSerializer(encode_random)]
SavedSet = Annotated[set[Item], PlainSerializer(sorted)]
