"""Tests that `lowest` and `lowest_bar` equal the mirrored `highest` and `highest_bar`."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from dsl.analysis.catalog import catalog
from dsl.analysis.check import check_expression
from dsl.evaluate.jit import compile_kernel, jitable
from dsl.operators.rounding import exceeds
from dsl.terms.text import format_for_message

Series = NDArray[np.float64]

# Signs of zero, infinities, unknown values, and two numbers that are equal within rounding.
VALUES = (0.0, -0.0, 1.0, 1.0 + 2.0**-50, -1.0, 5e-324, 1e300, math.inf, -math.inf, math.nan)


def lowest(x: Series, n: int) -> Series:
    """Return the minimum of each window, the newest of equals; NaN if any value is unknown."""
    out = np.full(len(x), np.nan)
    for i in range(n - 1, len(x)):
        window = x[i - n + 1 : i + 1]
        if not np.isnan(window).any():
            out[i] = window[len(window) - 1 - int(np.argmin(window[::-1]))]
    return out


def lowest_bar(x: Series, n: int) -> Series:
    """Return the bars since the head of a queue of rising values, with ties within rounding."""
    out = np.full(len(x), np.nan)
    queue: list[int] = []
    unknown = -1
    for i, value in enumerate(x):
        if math.isnan(value):
            queue, unknown = [], i
            continue
        queue = [each for each in queue if each > i - n]
        while queue and not exceeds(value, x[queue[-1]]):
            queue.pop()
        queue.append(i)
        if i - unknown >= n:
            out[i] = i - queue[0]
    return out


def run_mirrored(name: str, x: Series, n: int) -> Series:
    """Run the compiled kernels of a mirrored define, in the order of its body."""
    steps = {
        "lowest": (("negate", ()), ("highest", (n,)), ("negate", ())),
        "lowest_bar": (("negate", ()), ("highest_bar", (n,))),
    }
    for operator, windows in steps[name]:
        kernel = catalog().operator(operator).kernel
        assert kernel is not None
        out = np.empty(len(x))
        compile_kernel(jitable(kernel))(x, *windows, out)
        x = out
    return x


def assert_same_bits(found: Series, expected: Series) -> None:
    known = ~np.isnan(expected)
    assert np.array_equal(known, ~np.isnan(found))
    assert found[known].tobytes() == expected[known].tobytes()


@pytest.mark.parametrize(("name", "plain"), [("lowest", lowest), ("lowest_bar", lowest_bar)])
@given(st.lists(st.sampled_from(VALUES) | st.floats(), min_size=1, max_size=40), st.integers(1, 12))
def test_the_mirrored_maximum_equals_the_minimum_bit_for_bit(
    name: str, plain: object, values: list[float], n: int
) -> None:
    x = np.array(values)
    assert callable(plain)
    with np.errstate(all="ignore"):
        assert_same_bits(run_mirrored(name, x, n), plain(x, n))


def test_the_newer_of_two_zeros_is_the_lowest() -> None:
    found = run_mirrored("lowest", np.array([0.0, -0.0, 0.0, 0.0, -0.0]), 2)
    assert np.signbit(found[1:]).tolist() == [True, False, False, True]


def test_the_defines_are_these_compositions() -> None:
    for text, composition in {
        "lowest(close, 20)": "-highest(-close, 20)",
        "lowest_bar(close, 20)": "highest_bar(-close, 20)",
    }.items():
        assert check_expression(text) is check_expression(composition)


MIRRORED = [(each.name, each.mirror) for each in catalog() if each.mirror]


@pytest.mark.parametrize(("name", "mirror"), MIRRORED)
def test_a_message_prints_the_mirror_that_an_operator_declares(name: str, mirror: str) -> None:
    lowest_low = check_expression(f"{mirror}(low, 20)")
    assert lowest_low is check_expression(f"-{name}(-low, 20)")
    assert format_for_message(lowest_low) == f"{mirror}(low, 20)"
    other = check_expression(f"max({mirror}(high, 5)[3], -{name}(low, 20))")
    assert format_for_message(other) == f"max({mirror}(high, 5)[3], -{name}(low, 20))"
