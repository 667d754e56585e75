"""Tests for equality within rounding, shared by every kernel that compares or divides.

The same quantity computed in two ways differs in its last bits. A kernel that compares such values
exactly decides on rounding: a range of 2e-14 becomes a stochastic of 0 or 100. So two values whose
relative difference is at most `ROUNDING` are equal, as in APL's tolerant comparison. Zero equals
only zero, because a difference of 0 does not show how large its two values were.

`dsl.evaluate.jit.jitable` compiles these functions together with the kernels that call them.
"""

from __future__ import annotations

ROUNDING = 2.0**-44  # 256 units in the last place of 1: some 6e-14
MIN_DIVISOR = 1e-280  # below it a decaying average runs out of digits
MIN_VARIANCE = 1e-140  # below it, its square is below MIN_DIVISOR
MAX_CANCELLED = 2.0**20  # bits that the rest of a running sum may lose as a value leaves it


def same(x: float, y: float) -> bool:
    """Return whether two values are equal within rounding; an unknown value equals none."""
    return abs(x - y) <= ROUNDING * min(abs(x), abs(y))


def exceeds(x: float, y: float) -> bool:
    """Return whether `x` is greater than `y` by more than rounding."""
    return x - y > ROUNDING * min(abs(x), abs(y))


def varies(variance: float, x: float) -> bool:
    """Return whether the variance of values like `x` is more than rounding."""
    return variance > max((ROUNDING * x) ** 2, MIN_VARIANCE)


def cancels(gone: float, rest: float) -> bool:
    """Return whether a value that left a running sum was too large for what is left to be exact."""
    return abs(gone) > MAX_CANCELLED * abs(rest)


def difference(x: float, y: float) -> float:
    """Return `x - y`, which is 0 if the two are equal within rounding."""
    return 0.0 if same(x, y) else x - y
