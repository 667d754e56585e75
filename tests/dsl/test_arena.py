"""Tests of the arena: its memory is bounded, and no result depends on what is cached."""

from __future__ import annotations

from dataclasses import replace
from random import Random
from weakref import ref

import numpy as np
import pytest

from dsl.analysis.catalog import catalog
from dsl.analysis.check import check, check_expression
from dsl.bars import PANELS
from dsl.evaluate import Evaluator
from dsl.evaluate.arena import PADDING_BARS
from dsl.gc_pause import pause_gc
from dsl.terms.canonical import canonicalize
from dsl.types.kinds import BOOL
from evolve.data.align import align
from evolve.data.generators import random_walk
from evolve.search.grow import grow
from tests.programs import random_programs, space_of
from tests.samples import random_bars

BARS = random_walk(1_500, 3)


def test_the_arena_does_not_grow_with_generations() -> None:
    evaluator = Evaluator(BARS, arena_mb=2)
    arena = evaluator._arena
    memory, evictions = arena.memory.size, 0
    for seed in range(12):
        batches = list(evaluator.batches(random_programs(100, seed)))
        evictions += len(batches) - 1
        assert sum(map(len, batches)) == 100
        assert arena.memory.size == memory and not arena.is_full
    assert evictions > 12, "everything fits the arena"


@pytest.mark.parametrize("arena_mb", [64, 0.2])
def test_each_of_several_symbols_has_the_signals_of_a_single_evaluation(arena_mb: float) -> None:
    """Evaluate symbols of different lengths, one of them empty, in shared memory."""
    markets = [random_walk(count, count) for count in (700, 64, 1, 333)] + [BARS.slice(0, 0)]
    programs, together = random_programs(60, 4), Evaluator(*markets, arena_mb=arena_mb)
    term = canonicalize(grow(BOOL, 4, space_of(), Random(2)), catalog().operator)
    for symbol, bars in enumerate(markets):
        one, other = together.signals(programs, symbol), Evaluator(bars).signals(programs)
        for name in ("orders", "settings", "rows", "is_ratio", "hold_bars"):
            assert np.array_equal(getattr(one, name), getattr(other, name), equal_nan=True), name
        assert np.array_equal(together.series(term, symbol), Evaluator(bars).series(term))
        average = canonicalize(check_expression("sma(close, 5) / 2"), catalog().operator)
        found, expected = together.series(average, symbol), Evaluator(bars).series(average)
        assert np.array_equal(found, expected, equal_nan=True)


def test_the_memory_is_freed_with_the_evaluator_without_a_collection() -> None:
    evaluator = Evaluator(BARS)
    for batch in evaluator.batches(random_programs(5, 1)):
        batch.on(0)
    arena = ref(evaluator._arena)
    with pause_gc():
        del evaluator, batch
        assert arena() is None


def test_reading_a_batch_whose_memory_is_reused_is_an_error() -> None:
    evaluator = Evaluator(BARS)
    (batch,) = evaluator.batches(random_programs(5, 1))
    evaluator.series(canonicalize(check_expression("close"), catalog().operator))
    with pytest.raises(ValueError, match="has overwritten the memory"):
        batch.on(0)


def test_bars_of_several_symbols_are_refused() -> None:
    panel = align([replace(BARS, symbols=(name,)) for name in "AB"])
    with pytest.raises(ValueError, match="expected bars of one symbol, found 2"):
        Evaluator(panel)


def test_the_arena_grows_for_a_program_that_does_not_fit() -> None:
    evaluator = Evaluator(BARS, arena_mb=0.1)
    memory = evaluator._arena.memory.size
    averages = ", ".join(f"sma(close, {n})" for n in range(3, 90))
    program = check(f"strategy s {{ buy when close > max({averages}) sell when close < open }}")
    signals = evaluator.signals([*random_programs(5, 1), program, *random_programs(5, 2)])
    assert evaluator._arena.memory.size > memory
    expected = Evaluator(BARS).signals([*random_programs(5, 1), program, *random_programs(5, 2)])
    assert np.array_equal(signals.orders, expected.orders)


def test_signals_do_not_depend_on_what_is_cached() -> None:
    small, large = Evaluator(BARS, arena_mb=0.5), Evaluator(BARS, arena_mb=100)
    for seed in range(4):
        programs = random_programs(60, seed)
        one, other = small.signals(programs), large.signals(programs)
        assert np.array_equal(one.orders, other.orders)
        assert np.array_equal(one.settings, other.settings, equal_nan=True)
        assert np.array_equal(one.rows, other.rows)


def test_a_lag_of_any_length_gives_earlier_values() -> None:
    evaluator = Evaluator(BARS)
    x = evaluator.series(canonicalize(check_expression("sma(close, 5)"), catalog().operator))
    for bars in (1, 2, PADDING_BARS - 1, PADDING_BARS, PADDING_BARS + 1, 1_400):
        lagged = canonicalize(check_expression(f"sma(close, 5)[{bars}]"), catalog().operator)
        values = evaluator.series(lagged)
        assert np.isnan(values[:bars]).all()
        assert np.array_equal(values[bars:], x[:-bars], equal_nan=True)


def test_an_overwritten_series_is_unknown_before_its_first_bar() -> None:
    evaluator = Evaluator(BARS, arena_mb=0.1)
    for seed in range(6):
        for _ in evaluator.batches(random_programs(60, seed)):
            pass
        x = evaluator.series(canonicalize(check_expression("sma(close, 5)"), catalog().operator))
        lag = canonicalize(check_expression("sma(close, 5)[60]"), catalog().operator)
        assert np.array_equal(evaluator.series(lag)[60:], x[:-60], equal_nan=True)
        assert np.isnan(evaluator.series(lag)[:60]).all()


@pytest.mark.parametrize("name", ["time", *PANELS])
def test_bars_are_read_only(name: str) -> None:
    array = getattr(random_bars(1), name)
    with pytest.raises(ValueError, match="read-only"):
        array[(0,) * array.ndim] = array[(0,) * array.ndim]
