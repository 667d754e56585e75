"""Comparisons up to rounding, for every kernel that compares or divides.

One quantity computed in two ways differs in its last bits. An exact comparison of such values would
amplify rounding errors: a range of 2e-14 would become a stochastic of 0 or 100. Two values are
therefore equal if their relative difference is at most `ROUNDING`, as in APL's tolerant comparison.
Zero equals only zero, because a difference of 0 does not show how large its operands were.

`dsl.evaluate.jit.jitable` compiles these functions together with the kernels that call them.
"""

from __future__ import annotations

ROUNDING = 2.0**-44  # 256 units in the last place of 1, about 6e-14
MIN_DIVISOR = 1e-280  # below it a decaying average loses its digits
MIN_VARIANCE = 1e-140  # below it, its square is below MIN_DIVISOR
MAX_CANCELLED = 2.0**20  # at most 20 bits of a running sum are lost when a value leaves it


def same(x: float, y: float) -> bool:
    """Return whether two values are equal up to rounding; an unknown value equals none."""
    return abs(x - y) <= ROUNDING * min(abs(x), abs(y))


def exceeds(x: float, y: float) -> bool:
    """Return whether `x` is greater than `y` by more than rounding."""
    return x - y > ROUNDING * min(abs(x), abs(y))


def varies(variance: float, x: float) -> bool:
    """Return whether a variance exceeds the rounding error of values of the size of `x`."""
    return variance > max((ROUNDING * x) ** 2, MIN_VARIANCE)


def cancels(gone: float, rest: float) -> bool:
    """Return whether the rest of a running sum is inexact after a large value left it."""
    return abs(gone) > MAX_CANCELLED * abs(rest)


def difference(x: float, y: float) -> float:
    """Return `x - y`, or 0 if the two are equal up to rounding."""
    return 0.0 if same(x, y) else x - y
