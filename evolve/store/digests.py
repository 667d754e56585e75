"""Digests of what a journal holds, by which a repair tells whole rows from damaged ones."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import blake2b

NO_TRIALS = ""
SEPARATOR = "\x1f"  # the unit separator of ASCII
BYTES = 16


def extend_digest(digest: str, row: Sequence[object]) -> str:
    """Return the digest of all trials so far after one more.

    Args:
        digest: of the trials before it.
        row: its values, as they are stored.
    """
    return compute_digest([digest, *row])


def compute_digest(row: Sequence[object]) -> str:
    """Return the 128-bit BLAKE2b digest of a row in hexadecimal digits."""
    content = SEPARATOR.join(map(str, row)).encode("utf-8", "surrogatepass")
    return blake2b(content, digest_size=BYTES).hexdigest()
