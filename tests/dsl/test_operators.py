"""Every operator: blind to the future, honest of its warm-up, open about what is unknown."""

from __future__ import annotations

import numpy as np
import pytest

from dsl.analysis.catalog import catalog
from dsl.analysis.check import check_expression
from dsl.analysis.program import lookback
from dsl.evaluate import Evaluator
from tests.dsl.values import assert_close, assert_identical, first_known, values
from tests.samples import closing_at, gappy_bars, random_bars, with_other_future

WAITING = {"bars_since", "valuewhen"}  # unknown until a condition first holds
WRITTEN = [each for each in catalog() if not each.series]


@pytest.mark.parametrize("operator", WRITTEN, ids=lambda each: each.name)
def test_examples_are_sound_and_described(operator: object) -> None:
    each = catalog().find(getattr(operator, "name", ""))
    assert each is not None
    assert each.about
    assert len(values(each.example, random_bars(1))) == 200


@pytest.mark.parametrize("operator", WRITTEN, ids=lambda each: each.name)
@pytest.mark.parametrize("holes", [False, True])
def test_no_operator_sees_the_future(operator: object, holes: bool) -> None:
    example = str(getattr(operator, "example", ""))
    bars = gappy_bars(5, 300) if holes else random_bars(5, 300)
    whole = values(example, bars)
    for known in (1, 50, 137, 299):
        assert_identical(values(example, bars.slice(0, known)), whole[:known])
        assert_identical(values(example, with_other_future(bars, known, 9))[:known], whole[:known])


@pytest.mark.parametrize("operator", WRITTEN, ids=lambda each: each.name)
def test_the_declared_warm_up_is_honest(operator: object) -> None:
    term = check_expression(str(getattr(operator, "example", "")))
    series = Evaluator(random_bars(8, 400)).series(term)
    if getattr(operator, "name", "") in WAITING:
        assert first_known(series) >= lookback(term)
    elif series.dtype != np.bool_:
        assert first_known(series) == lookback(term)


@pytest.mark.parametrize(
    "expression",
    ["sma(close, 5)", "stdev(close, 5)", "highest(close, 5)", "lowest(close, 5)", "sum(close, 5)",
     "wma(close, 5)", "mad(close, 5)"],
)  # fmt: skip
def test_a_window_that_holds_an_unknown_value_is_unknown_and_recovers(expression: str) -> None:
    close = np.arange(1.0, 31.0) ** 1.5
    close[12] = np.nan
    found = values(expression, closing_at(close))
    known = ~np.isnan(found)
    assert known.tolist() == [i >= 4 and not 12 <= i <= 16 for i in range(30)]
    assert_close(found[17:], values(expression, closing_at(close[13:]))[4:])


@pytest.mark.parametrize("expression", ["ema(close, 5)", "rma(close, 5)"])
def test_a_recursive_average_restarts_from_the_next_known_values(expression: str) -> None:
    close = np.arange(1.0, 31.0) ** 1.5
    close[12] = np.nan
    found = values(expression, closing_at(close))
    assert np.isnan(found[12:17]).all()
    assert_identical(found[13:], values(expression, closing_at(close[13:])))


def test_equal_values_deviate_by_exactly_nothing() -> None:
    flat = closing_at(np.full(60, 100.1))
    assert np.nanmax(values("stdev(close, 20)", flat)) == 0.0
    assert np.isnan(values("zscore(close, 20)", flat)).all()
    assert np.isnan(values("rsi(close, 14)", flat)).all()
    assert not values("close > sma(close, 20)", flat).any()


def test_unknown_values_never_decide() -> None:
    bars = gappy_bars(2, 200)
    holes = np.isnan(bars.close[0])
    assert holes.any()
    for comparison in ("close > 0", "close <= 0", "close == close", "close != 0"):
        assert not values(comparison, bars)[holes].any()
        assert not values(f"not ({comparison})", bars)[holes].any()
    assert np.isnan(values("where(close > 0, 1, 2)", bars)[holes]).all()
    assert np.isnan(values("min(1, close)", bars)[holes]).all()
    assert np.isnan(values("close / (close - close)", bars)).all()
    assert np.isnan(values("log(-close)", bars)).all()
