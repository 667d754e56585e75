"""The memory for kept series is bounded, and nothing that is computed depends on it."""

from __future__ import annotations

from random import Random

import numpy as np

from dsl.catalog import catalog
from dsl.check import check_expression
from dsl.evaluate import Evaluator
from dsl.evaluate.evaluator import PADDING_BARS, VIEWS_A_SERIES, WORDS_A_SERIES
from dsl.program import Program
from dsl.simplify import canonical
from evolve.data.laws import random_walk
from evolve.search.grow import grow_rules
from evolve.search.space import build_space

BARS = random_walk(1_500, 3)


def grown(count: int, seed: int) -> list[Program]:
    space, rng = build_space(directions=("long", "short")), Random(seed)
    return [Program("p", grow_rules(space, rng)) for _ in range(count)]


def test_it_never_grows_with_generations() -> None:
    evaluator = Evaluator(BARS, arena_mb=1)
    most = evaluator._capacity
    for seed in range(12):
        programs = grown(100, seed)
        largest = max(sum(t.size for t in p.canonical if t is not None) for p in programs)
        evaluator.rulings(programs)
        buffers = len(evaluator._used) + len(evaluator._spare)
        assert buffers <= most + largest
        assert len(evaluator._kept) <= VIEWS_A_SERIES * most + largest
        assert len(evaluator._kept_words) <= WORDS_A_SERIES * most + largest
    assert evaluator._spare, "something was dropped, or this proves nothing"


def test_what_is_said_does_not_depend_on_what_is_kept() -> None:
    small, large = Evaluator(BARS, arena_mb=0.5), Evaluator(BARS, arena_mb=100)
    for seed in range(4):
        programs = grown(60, seed)
        one, other = small.signals(programs), large.signals(programs)
        assert np.array_equal(one.orders, other.orders)
        assert np.array_equal(one.settings, other.settings, equal_nan=True)
        assert np.array_equal(one.rows, other.rows)


def test_lags_are_the_values_before_however_far() -> None:
    evaluator = Evaluator(BARS)
    x = evaluator.series(canonical(check_expression("sma(close, 5)"), catalog().operator))
    for bars in (1, 2, PADDING_BARS - 1, PADDING_BARS, PADDING_BARS + 1, 1_400):
        lagged = canonical(check_expression(f"sma(close, 5)[{bars}]"), catalog().operator)
        found = evaluator.series(lagged)
        assert np.isnan(found[:bars]).all()
        assert np.array_equal(found[bars:], x[:-bars], equal_nan=True)


def test_rows_that_are_used_again_have_unknown_bars_before_them() -> None:
    evaluator = Evaluator(BARS, arena_mb=0.1)
    for seed in range(6):
        evaluator.rulings(grown(60, seed))
    for buffer in (*evaluator._used, *evaluator._spare):
        assert np.isnan(buffer[:PADDING_BARS]).all()
