"""Digests of what a journal holds, by which a repair tells whole rows from damaged ones."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256

NO_TRIALS = ""
DIGITS = 32


def extend_digest(digest: str, row: Sequence[object]) -> str:
    """Return the digest of all trials so far after one more.

    Args:
        digest: of the trials before it.
        row: its values, as they are stored.
    """
    return compute_digest((digest, *row))


def compute_digest(row: Sequence[object]) -> str:
    """Return the first 128 bits of the SHA-256 digest of a row in hexadecimal digits."""
    content = ("%s\x1f" * len(row) % tuple(row)).encode("utf-8", "surrogatepass")
    return sha256(content).hexdigest()[:DIGITS]
