"""Unrelated work, which distinguishes a slow machine from slow code."""

from __future__ import annotations

import time

import numpy as np

ROUNDS = 15


def pace() -> float:
    """Return rounds per second of constant work: Python objects, and passes over arrays."""
    rng = np.random.default_rng(1)
    rows = rng.random((40, 5_000))
    fastest = min(_seconds(rows) for _ in range(ROUNDS))
    return 1.0 / fastest


def _seconds(rows: np.ndarray) -> float:
    began = time.perf_counter()
    known: dict[tuple[object, ...], str] = {}
    for number in range(4_000):
        key = ("node", number % 997, number % 13)
        text = known.get(key) or known.setdefault(key, f"node({number % 997}, {number % 13})")
        parts = [text, *(str(each) for each in key)]
        known[(" ".join(parts),)] = text
    for first in rows:
        for second in rows[:10]:
            np.packbits(first < second).sum()
    return time.perf_counter() - began
