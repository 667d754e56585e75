"""Tests of the packing of conditions to bits, for all lengths."""

from __future__ import annotations

import numpy as np
import pytest

from dsl.analysis.catalog import catalog
from dsl.analysis.check import check_expression
from dsl.evaluate import Evaluator
from dsl.evaluate.jit import compile_kernel
from dsl.evaluate.vm import pack, unpack
from dsl.terms.canonical import canonicalize
from evolve.data.generators import random_walk


def test_every_byte_of_bits_round_trips() -> None:
    words = np.arange(256, dtype=np.uint8).view(np.uint64)
    flags, packed = np.zeros(8 * len(words), np.uint64), np.zeros_like(words)
    compile_kernel(unpack)(words, flags)
    expected = np.unpackbits(words.view(np.uint8), bitorder="little")
    assert np.array_equal(flags.view(np.uint8), expected)
    compile_kernel(pack)(flags, packed)
    assert np.array_equal(packed, words)


@pytest.mark.parametrize("length", [*range(1, 12), 63, 64, 65, 127, 128, 129])
def test_a_condition_holds_on_the_right_bars_for_any_length(length: int) -> None:
    bars = random_walk(length, 5)
    above = bars.close[0] > bars.open[0]
    evaluator = Evaluator(bars)

    def series(text: str) -> np.ndarray:
        return evaluator.series(canonicalize(check_expression(text), catalog().operator))

    assert np.array_equal(series("close > open"), above)
    assert np.array_equal(series("not (close > open)"), bars.close[0] <= bars.open[0])
    assert np.array_equal(series("where(close > open, 2, 3)"), np.where(above, 2.0, 3.0))
    nested = series(
        "where(close > open, where(close > open, volume, 1), where(close > open, 2, 3))"
    )
    assert np.array_equal(nested, np.where(above, bars.volume[0], 3.0))
