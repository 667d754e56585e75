"""Tests that every declared fact of an operator holds on random, gappy and tied bars."""

from __future__ import annotations

from collections.abc import Callable
from typing import get_args

import numpy as np
import pytest
from numpy.typing import NDArray

from dsl.analysis.catalog import catalog, list_declarations
from dsl.analysis.check import check_expression
from dsl.bars import Bars
from dsl.evaluate import Evaluator
from dsl.operators.declaration import Fact
from dsl.terms.operator import Operator
from tests.samples import gappy_bars, random_bars, tied_bars

Series = NDArray[np.float64]

BARS = (random_bars(1, 200), gappy_bars(2, 200), tied_bars(3, 200))
NEAR = 1e-12
WINDOW = 5
SIGNED, POSITIVE, WHOLE = "change(close, 1) / open", "volume", "floor(close * 9)"
CASES = [(each, fact) for each in catalog() for fact in each.facts]


def evaluate(operator: Operator, series: str, bars: Bars) -> Series:
    """Evaluate an operator on a series, with a fixed window and condition for other arguments."""
    args = []
    for slot in operator.slots:
        family = slot.kind.family if slot.kind else "number"
        default = "0.5" if slot.default is not None else series
        args.append({"window": str(WINDOW), "bool": "close > open"}.get(family, default))
    text = operator.name if operator.series else f"{operator.name}({', '.join(args)})"
    if not operator.name.isidentifier():
        text = f"({args[0]}) {operator.name} ({args[1]})"
    return np.asarray(Evaluator(bars).series(check_expression(text)))


def find_extremes(series: Series, end: Callable[..., Series]) -> Series:
    """Return the minimum or maximum of each window, unknown in the first bars."""
    rows = np.lib.stride_tricks.sliding_window_view(series, WINDOW)
    return np.concatenate([np.full(WINDOW - 1, np.nan), end(rows, axis=1)])


def holds(operator: Operator, fact: str, bars: Bars) -> NDArray[np.bool_]:
    """Return whether a fact holds, for each bar with a known value."""
    values = evaluate(operator, "close", bars)
    close = bars.close[0]
    lows, highs = find_extremes(close, np.min), find_extremes(close, np.max)
    match fact:
        case "maximum":
            is_true = values == highs
        case "mean":
            is_true = (values >= lows - NEAR * lows) & (values <= highs + NEAR * highs)
        case "monotone":
            low, high = (evaluate(operator, name, bars) for name in ("low", "high"))
            values, is_true = low + high, low <= high + NEAR * np.abs(high)
        case "nonnegative":
            values = evaluate(operator, SIGNED, bars)
            is_true = values >= 0
        case "keeps_sign":
            values = evaluate(operator, POSITIVE, bars)
            is_true = values >= 0
        case _:
            values = values if fact == "whole" else evaluate(operator, WHOLE, bars)
            is_true = values % 1 == 0
    known: NDArray[np.bool_] = is_true[~np.isnan(values)]
    return known


@pytest.mark.parametrize(("operator", "fact"), CASES, ids=lambda each: getattr(each, "name", each))
def test_a_declared_fact_holds(operator: Operator, fact: str) -> None:
    for bars in BARS:
        known = holds(operator, fact, bars)
        assert known.all()
        assert known.size > 10, f"{operator.name} has too few known values to test `{fact}`"


def test_each_fact_is_declared_by_one_operator_and_false_for_another() -> None:
    declared = {fact for _, fact in CASES}
    assert declared == set(get_args(Fact))
    wrong = {
        "maximum": "sma", "mean": "sum", "monotone": "negate",
        "nonnegative": "negate", "keeps_sign": "negate", "whole": "sma", "keeps_whole": "sma",
    }  # fmt: skip
    assert wrong.keys() == declared
    for fact, name in wrong.items():
        assert not holds(catalog().operator(name), fact, BARS[0]).all()


def test_bar_prices_are_in_their_declared_order() -> None:
    ordered = [(each, above) for _, each in list_declarations() for above in each.never_above]
    assert len(ordered) == 5
    for each, above in ordered:
        for bars in BARS:
            assert not (getattr(bars, each.series) > getattr(bars, above)).any()
