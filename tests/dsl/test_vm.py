"""Conditions keep every bar on their way from flags to bits and back, whatever the length."""

from __future__ import annotations

import numpy as np
import pytest

from dsl.analysis.catalog import catalog
from dsl.analysis.check import check_expression
from dsl.evaluate import Evaluator
from dsl.evaluate.jit import compiled
from dsl.evaluate.vm import pack, unpack
from dsl.terms.canonical import canonicalize
from evolve.data.generators import random_walk


def test_every_byte_of_bits_is_unpacked_and_packed_again() -> None:
    words = np.arange(256, dtype=np.uint8).view(np.uint64)
    eights, again = np.zeros(8 * len(words), np.uint64), np.zeros_like(words)
    compiled(unpack)(words, eights)
    expected = np.unpackbits(words.view(np.uint8), bitorder="little")
    assert np.array_equal(eights.view(np.uint8), expected)
    compiled(pack)(eights, again)
    assert np.array_equal(again, words)


@pytest.mark.parametrize("length", [*range(1, 12), 63, 64, 65, 127, 128, 129])
def test_a_condition_holds_on_its_own_bars(length: int) -> None:
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
