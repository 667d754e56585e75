"""Tests of operators against TA-Lib, pandas and their plain definitions, with gaps."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from math import nan

import numpy as np
import pytest

from dsl.analysis.catalog import catalog
from dsl.bars import FIELDS, Bars
from dsl.syntax import nodes
from dsl.syntax.parser import parse_expression
from tests.dsl.definitions import exact_correlation, exact_covariance, exact_slope, roll
from tests.dsl.market import Reference, market, rows
from tests.dsl.references import ONCE_SETTLED, REFERENCES, SETTLED_BARS
from tests.dsl.references_windows import REMEMBERING, WINDOWED
from tests.dsl.values import assert_close, values
from tests.samples import Values, closing_at, gappy_bars, random_bars, tied_bars

RECURSIVE = {"ema", "rma", "kama"}
EXAMPLES = [
    ("decay_linear(close, 5)", [6, 5, 4, 5, 30], [nan, nan, nan, nan, 13.2]),
    ("highest_bar(close, 6)", [4, 9, 5, 8, 2, 6], [nan, nan, nan, nan, nan, 4]),
    ("lowest_bar(close, 6)", [4, 9, 5, 8, 2, 6], [nan, nan, nan, nan, nan, 1]),
    ("highest_bar(close, 3)", [7, 5, 7, 6], [nan, nan, 0, 1]),
    ("lowest_bar(close, 3)", [5, 5, 7, 6], [nan, nan, 1, 2]),
    ("percentrank(close, 3)", [200, 0, 100], [nan, nan, 0.5]),
    ("percentrank(close, 4)", [1, 3, 2, 2, 0], [nan, nan, nan, 0.5, 0]),
    ("quantile(close, 4, 0.25)", [4, 1, 3, 2], [nan, nan, nan, 1.75]),
    ("median(close, 4)", [4, 1, 3, 9], [nan, nan, nan, 3.5]),
    ("midpoint(close, 3)", [1, 5, 4], [nan, nan, 3]),
    ("kama(close, 2)", [10, 11, 12, 11], [nan, nan, 103 / 9, 103 / 9 - 4 / 9 * 4 / 961]),
    ("smooth(close, 0.5)", [1, 3, 5], [1, 2, 3.5]),
    ("hma(close, 4)", [1, 2, 3, 4, 8], [nan, nan, nan, nan, 103 / 15]),
    ("vwma(close, 3)", [1, 2, 6], [nan, nan, 3]),
    ("linreg(close, 3)", [1, 2, 6, 4], [nan, nan, 5.5, 5]),
    ("intercept(close, 3)", [1, 2, 6, 4], [nan, nan, 0.5, 3]),
    ("slope(close, 3)", [1, 2, 6, 4], [nan, nan, 2.5, 1]),
    ("rsquare(close, 3)", [1, 2, 6, 4], [nan, nan, 25 / 28, 1 / 4]),
    ("resid(close, 3)", [1, 2, 6, 4], [nan, nan, 0.5, -1]),
    ("variance(close, 3)", [1, 2, 6], [nan, nan, 7]),
    ("covariance(close, close[1], 3)", [1, 2, 6, 4], [nan, nan, nan, 1]),
    ("correlation(close, -close, 3)", [1, 2, 6], [nan, nan, -1]),
    ("skew(close, 3)", [1, 2, 6], [nan, nan, 6 * 6**0.5 / (14 / 3) ** 1.5]),
    ("kurt(close, 4)", [1, 2, 3, 4], [nan, nan, nan, -1.2]),
    ("product(close, 3)", [2, 3, 4, 1], [nan, nan, 24, 12]),
    ("cumulate(close)", [1, 2, 4], [1, 3, 7]),
    ("cumulate(close)", [1, nan, 4], [1, nan, 5]),
    ("count(close > 2, 3)", [1, 3, 4, 1, 5], [nan, nan, 2, 2, 2]),
    ("bars_since(close > 2)", [1, 3, 1, 1, 4], [nan, 0, 1, 2, 0]),
    ("bars_since(close > 2)", [3, 1, nan, 1, 4], [0, 1, nan, nan, 0]),
    ("valuewhen(close > 2, close[1])", [1, 3, 1, 2, 4], [nan, 1, 1, 1, 2]),
    ("valuewhen(close > 2, close)", [3, 1, nan, 1, 4], [3, 3, nan, nan, 4]),
    ("consecutive(close > 2)", [1, 3, 4, 1, 5], [0, 1, 2, 0, 1]),
    ("consecutive(close > 2)", [3, nan, 4, 1, 5], [1, nan, nan, 0, 1]),
    ("rising(close, 2)", [1, 3, 2, 4, 5, 5], [0, 0, 0, 1, 1, 0]),
    ("falling(close, 2)", [5, 3, 4, 2, 1, 1], [0, 0, 0, 1, 1, 0]),
    ("any(close > 2, 2)", [1, 3, 1, 1, 4], [0, 1, 1, 0, 1]),
    ("all(close > 2, 2)", [3, 3, 1, 4, 5], [0, 1, 0, 0, 1]),
    ("signed_power(close - 5, 2)", [2, 5, 7], [-9, 0, 4]),
    ("clip(close, 2, 4)", [1, 3, 5], [2, 3, 4]),
    ("exp(close - close)", [3, nan], [1, nan]),
    ("100 * gap()", [2, 3, 1], [nan, 100, -200]),
    ("weekday", [1, 1, 1, 1, 1, 1], [1, 2, 3, 4, 5, 1]),
    ("day_of_month", [1, 1, 1, 1, 1, 1], [4, 5, 6, 7, 8, 11]),
]  # fmt: skip
FLAT = {
    "aroon_up(5)": 100, "aroon_down(5)": 100, "percentrank(close, 5)": 0.5, "kama(close, 5)": 100.1,
    "hma(close, 9)": 100.1, "linreg(close, 5)": 100.1, "slope(close, 5)": 0, "resid(close, 5)": 0,
    "variance(close, 5)": 0, "covariance(close, close[1], 5)": 0, "bb_width(close, 5, 2)": 0,
    "parkinson(5)": 0, "garman_klass(5)": 0, "ppo(close, 3, 5)": 0, "trix(close, 3)": 0,
    "correlation(close, volume, 5)": nan, "rsquare(close, 5)": nan, "skew(close, 5)": nan,
    "kurt(close, 5)": nan, "cmo(close, 5)": nan, "stochrsi(close, 5, 5)": nan, "willr(5)": nan,
    "stoch_d(5, 3)": nan, "ultosc(3, 5, 8)": nan, "bb_percent(close, 5, 2)": nan, "cmf(5)": 0,
    "stdev(close, 20)": 0, "zscore(close, 20)": nan, "rsi(close, 14)": nan,
    "close > sma(close, 20)": 0,
}  # fmt: skip
PRECISE: dict[str, Reference] = {
    "variance(close, 20)": lambda b: roll(lambda x: exact_covariance(x, x), 20, b.close),
    "stdev(close, 20)": lambda b: roll(lambda x: exact_covariance(x, x) ** 0.5, 20, b.close),
    "covariance(close, open, 20)": lambda b: roll(exact_covariance, 20, b.close, b.open),
    "correlation(close, open, 20)": lambda b: roll(exact_correlation, 20, b.close, b.open),
    "slope(close, 20)": lambda b: roll(exact_slope, 20, b.close),
    "rsquare(close, 20)": lambda b: roll(
        lambda x: exact_correlation(np.arange(20.0), x) ** 2, 20, b.close
    ),
}


def list_used(texts: list[str]) -> set[str]:
    """Return the names of the operators in expressions."""
    words = {word for text in texts for word in list_words(parse_expression(text))}
    return {operator.name for operator in map(catalog().find, words) if operator is not None}


def list_words(node: nodes.Expression) -> Iterator[str]:
    if isinstance(node, nodes.Name):
        yield node.name
    if isinstance(node, nodes.Call):
        yield node.head
        for arg in node.args:
            yield from list_words(arg)


@pytest.mark.parametrize("name", ["sample", "random"])
@pytest.mark.parametrize("text", REFERENCES)
def test_values_equal_an_independent_reference(text: str, name: str) -> None:
    bars = market(name)
    assert_close(values(text, bars), REFERENCES[text](rows(bars)))


@pytest.mark.parametrize("name", ["sample", "random"])
@pytest.mark.parametrize("text", ONCE_SETTLED)
def test_recursions_converge_to_those_with_another_start(text: str, name: str) -> None:
    bars = market(name)
    assert_close(values(text, bars), ONCE_SETTLED[text](rows(bars)), SETTLED_BARS)


@pytest.mark.parametrize("text", REFERENCES)
def test_values_equal_the_reference_on_bars_with_many_equal_prices(text: str) -> None:
    bars = market("tied")
    with np.errstate(divide="ignore", invalid="ignore"):
        assert_close(values(text, bars), REFERENCES[text](rows(bars)))


def test_every_operator_has_a_reference() -> None:
    missing = {each.name for each in catalog()} - list_used([*REFERENCES, *WINDOWED])
    assert not missing, (
        f"no reference for {', '.join(sorted(missing))}: add a row to REFERENCES in "
        "tests/dsl/references_series.py or references_indicators.py, computed by another way"
    )


def test_every_rolling_operator_has_a_reference_for_series_with_gaps() -> None:
    rolling = {each.name for each in catalog() if each.kernel and each.windows} - {"lag"}
    missing = rolling - RECURSIVE - list_used(list(WINDOWED))
    assert not missing, (
        f"no reference on series with gaps for {', '.join(sorted(missing))}: add a row to WINDOWED "
        "in tests/dsl/references_windows.py"
    )


@pytest.mark.parametrize(
    "bars",
    [gappy_bars(2, 400), gappy_bars(7, 400), random_bars(3, 400), tied_bars(4, 400)],
    ids=["gaps", "more gaps", "random", "tied"],
)
@pytest.mark.parametrize("text", [*WINDOWED, *REMEMBERING])
def test_a_window_with_a_gap_is_unknown_and_all_others_equal_the_reference(
    text: str, bars: Bars
) -> None:
    reference = {**WINDOWED, **REMEMBERING}[text]
    with np.errstate(divide="ignore", invalid="ignore"):
        expected = reference(rows(bars))
    assert_close(values(text, bars), expected)


@pytest.mark.parametrize(
    ("text", "needed"),
    [("kama(close, 5)", 5), ("dema(close, 3)", 4), ("tema(close, 3)", 6), ("trix(close, 3)", 7),
     ("cmo(close, 4)", 4), ("stochrsi(close, 4, 3)", 6), ("ppo(close, 3, 5)", 4),
     ("keltner_upper(4, 2)", 4), ("natr(4)", 4), ("adosc(2, 4)", 3)],
)  # fmt: skip
def test_a_recursion_restarts_after_a_gap(text: str, needed: int) -> None:
    bars = random_bars(6, 60)
    fields = {name: getattr(bars, name).copy() for name in FIELDS}
    for field in fields.values():
        field[0, 30] = nan
    found = values(text, replace(bars, **fields))
    after = values(text, bars.slice(31, 60))
    assert np.flatnonzero(~np.isnan(after))[0] == needed
    assert_close(found[31:], after)
    assert np.isnan(found[30])


@pytest.mark.parametrize(("text", "closes", "expected"), EXAMPLES)
def test_worked_examples_have_the_expected_values(
    text: str, closes: list[float], expected: list[float]
) -> None:
    found = values(text, closing_at(np.array(closes, dtype=np.float64)))
    np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-12)


def test_calendar_series_are_right_on_weekends_leap_days_and_before_1970() -> None:
    times = ["1969-12-31", "2012-02-26T23:59", "2012-02-29", "2012-03-03", "2024-12-01T00:00"]
    time = np.array(times, dtype="datetime64[ns]")
    bars = replace(closing_at(np.ones(len(times))), time=time)
    assert values("weekday", bars).tolist() == [3, 7, 3, 6, 7]
    assert values("month", bars).tolist() == [12, 2, 2, 3, 12]
    assert values("day_of_month", bars).tolist() == [31, 26, 29, 3, 1]


@pytest.mark.parametrize("text", FLAT)
def test_an_operator_on_a_flat_price_has_its_limit_or_is_unknown(text: str) -> None:
    found = values(text, closing_at(np.full(60, 100.1)))[20:]
    np.testing.assert_allclose(found, np.full(40, FLAT[text]), rtol=1e-12, atol=1e-12)


def test_a_result_that_is_not_real_is_unknown() -> None:
    bars = closing_at(np.array([1.0, 2.0]))
    for text in ("power(-close, 0.5)", "power(close - close, -1)", "log(close - close)"):
        assert np.isnan(values(text, bars)).all()


@pytest.mark.parametrize("text", PRECISE)
@pytest.mark.parametrize("is_walk", [True, False])
def test_small_moves_of_a_large_price_are_precise(text: str, is_walk: bool) -> None:
    moves = np.random.default_rng(1).normal(0.0, 1e-3, (2, 300))
    close, opened = 1e9 + (np.cumsum(moves, axis=1) if is_walk else moves)
    assert_precise(text, opened, close)


@pytest.mark.parametrize("text", PRECISE)
def test_a_huge_value_leaves_no_trace_after_its_window(text: str) -> None:
    opened, close = 100 + np.random.default_rng(2).normal(0.0, 1.0, (2, 120))
    opened[50] = close[40] = 1e8
    assert_precise(text, opened, close, since=90)


def assert_precise(text: str, opened: Values, close: Values, since: int = 0) -> None:
    bars = replace(closing_at(close), open=opened[None].copy())
    expected = PRECISE[text](rows(bars))
    np.testing.assert_allclose(values(text, bars)[since:], expected[since:], rtol=1e-6)
