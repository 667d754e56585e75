"""Digests of what a journal holds, by which a repair tells whole rows from damaged ones."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import blake2b

NO_TRIALS = ""
BYTES = 16


def extend_digest(digest: str, row: Sequence[object]) -> str:
    """Return the digest of all trials so far after one more.

    Args:
        digest: of the trials before it.
        row: its values, as they are stored.
    """
    return compute_digest("\x1f".join([digest, *map(str, row)]))


def compute_digest(text: str) -> str:
    """Return the 128-bit BLAKE2b digest of a text in hexadecimal digits."""
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=BYTES).hexdigest()
