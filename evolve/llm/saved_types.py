"""Types of fields whose JSON is compact and in one order."""

from __future__ import annotations

from random import Random
from typing import Annotated, Any, TypeVar

from pydantic import PlainSerializer, PlainValidator

from evolve.search.random_state import decode_random_state, encode_random_state

Item = TypeVar("Item", int, str)


def encode_random(rng: Random) -> list[Any]:
    """Return the state of a generator as JSON values."""
    return encode_random_state(rng.getstate())


def decode_random(saved: Any) -> Random:
    """Return the generator of a saved state.

    Raises:
        ValueError: if it is not the state of a generator.
    """
    rng = Random()
    try:
        rng.setstate(decode_random_state(saved))
    except TypeError as error:
        raise ValueError(str(error)) from None
    return rng


SavedRandom = Annotated[Random, PlainValidator(decode_random), PlainSerializer(encode_random)]
SavedSet = Annotated[set[Item], PlainSerializer(sorted)]
