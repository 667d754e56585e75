"""Unrelated work, which distinguishes a slow machine from slow code.

A shared machine slows work on memory more than other work, and for seconds at a time. So the work
is of both kinds, and is timed before and after each round of what is measured.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np

ROWS, BARS = 4_000, 5_000
PAIRS, KEYS = 400, 4_000


class Reference:
    """Constant work on Python objects, and on rows that no cache of the processor can hold."""

    def __init__(self) -> None:
        rng = np.random.default_rng(1)
        self._rows = rng.random((ROWS, BARS))  # 160 MB
        self._pairs = rng.integers(0, ROWS, (PAIRS, 2))
        self.seconds()

    def seconds(self) -> float:
        """Return the time of the work."""
        began = time.perf_counter()
        known: dict[tuple[object, ...], str] = {}
        for number in range(KEYS):
            key = ("node", number % 997, number % 13)
            text = known.get(key) or known.setdefault(key, f"node({number % 997}, {number % 13})")
            parts = [text, *(str(each) for each in key)]
            known[(" ".join(parts),)] = text
        for first, second in self._pairs:
            np.packbits(self._rows[first] < self._rows[second]).sum()
        return time.perf_counter() - began

    def compare(self, seconds: Callable[[], float]) -> float:
        """Return the time of a task, which it returns itself, as a multiple of the work around."""
        before = self.seconds()
        took = seconds()
        return 2 * took / (before + self.seconds())
