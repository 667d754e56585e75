"""Tests of every operator: no look-ahead, the declared warm-up, and unknown values."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from dsl.analysis.catalog import catalog
from dsl.analysis.check import check_expression
from dsl.analysis.program import lookback
from dsl.bars import Bars
from dsl.evaluate import truth_values
from dsl.evaluate import values as evaluated
from dsl.terms.infer import infer_kind
from dsl.types.kinds import BOOL
from tests.dsl.values import assert_identical, first_known, values
from tests.samples import gappy_bars, random_bars, with_other_future

EVENT_OPERATORS = {"bars_since", "valuewhen", "consecutive"}  # known after an event
OPERATORS = [each.name for each in catalog() if not each.series]


@pytest.mark.parametrize("name", OPERATORS)
def test_every_operator_has_a_description_and_a_valid_example(name: str) -> None:
    operator = catalog().operator(name)
    assert operator.about
    assert len(values(operator.example, random_bars(1))) == 200


@pytest.mark.parametrize("name", OPERATORS)
@pytest.mark.parametrize("make_bars", [random_bars, gappy_bars])
def test_no_operator_looks_ahead(name: str, make_bars: Callable[[int, int], Bars]) -> None:
    example, bars = catalog().operator(name).example, make_bars(5, 300)
    whole = values(example, bars)
    for known in (1, 50, 137, 299):
        assert_identical(values(example, bars.slice(0, known)), whole[:known])
        assert_identical(values(example, with_other_future(bars, known, 9))[:known], whole[:known])


@pytest.mark.parametrize("name", OPERATORS)
def test_the_warm_up_is_the_declared_one(name: str) -> None:
    """Compare over several markets, as one side may decide a condition earlier on some."""
    term = check_expression(catalog().operator(name).example)
    evaluate = truth_values if infer_kind(term) == BOOL else evaluated
    known = [first_known(evaluate(term, random_bars(seed, 200))[0]) for seed in range(12)]
    if name in EVENT_OPERATORS:
        assert min(known) >= lookback(term)
        return
    assert max(known) == lookback(term)
    if infer_kind(term) != BOOL:
        assert min(known) == lookback(term)


def test_conditions_on_unknown_values_never_hold() -> None:
    bars = gappy_bars(2, 200)
    gaps = np.isnan(bars.close[0])
    assert gaps.any()
    for comparison in ("close > 0", "close <= 0", "close == close", "close != 0"):
        assert not values(comparison, bars)[gaps].any()
        assert not values(f"not ({comparison})", bars)[gaps].any()
    assert np.isnan(values("where(close > 0, 1, 2)", bars)[gaps]).all()
    assert np.isnan(values("min(1, close)", bars)[gaps]).all()
    assert np.isnan(values("close / (close - close)", bars)).all()
    assert np.isnan(values("log(-close)", bars)).all()
