"""Tests of the canonical form: one text for each meaning, and no value changes."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dsl.analysis.catalog import catalog
from dsl.analysis.check import check_expression
from dsl.analysis.resolve import resolve
from dsl.analysis.scope import Scope
from dsl.bars import Bars
from dsl.evaluate import Evaluator
from dsl.syntax.parser import parse_expression
from dsl.terms.canonical import canonicalize, substitute
from dsl.terms.terms import Term, call, number
from dsl.terms.text import format_term
from dsl.types.kinds import BOOL
from tests.dsl.expressions import conditions, numbers, small
from tests.dsl.naive import evaluate_naively, find_failures
from tests.dsl.values import assert_identical, values
from tests.samples import gappy_bars, random_bars, tied_bars

MARKETS = [random_bars(1, 60), gappy_bars(2, 60), gappy_bars(3, 60, 0.2), tied_bars(4, 60)]

CANONICAL = {
    # comparisons are written with `<`
    "open >= close": "close <= open",
    "3 < 2": "false",
    "1 <= 1": "true",
    # `not` moves down to the comparisons; an unknown value makes none of them true
    "not close == open": "close != open",
    "not (close > open or low < high)": "close <= open and high <= low",
    "not (not (close > open) and high > low)": "high <= low or open < close",
    "not crossunder(close, open)": "close[1] < open[1] or open <= close",
    "not true": "false",
    "0 / 0 == 0 / 0": "0 / 0 == 0 / 0",
    "not (0 / 0 == 1)": "0 / 0 != 1",
    # constant conditions
    "close > open and true": "open < close",
    "close > open or not false": "true",
    "close > open or false": "open < close",
    "where(true, close, open)": "close",
    "where(3 > 2 and close > open, 1, 2)": "where(open < close, 1, 2)",
    # operands are sorted and distinct; sums and products are not flattened
    "volume + (low + high)": "high + low + volume",
    "volume * (low + high)": "(high + low) * volume",
    "(open + close) + volume": "close + open + volume",
    "open - close": "open - close",
    "min(low, min(close, low), 3)": "min(3, close, low)",
    "max(close, close)": "close",
    # literals are folded, neutral ones dropped, unknown ones preserved
    "2 * 3 + 4": "10",
    "1 / 0": "1 / 0",
    "sqrt(-1)": "sqrt(-1)",
    "close / 1": "close",
    "close + 0": "0 + close",
    "-(-close)": "close",
    "0 * -1": "0",
    # lags add up
    "sma(close, 5)[2][1]": "sma(close, 5)[3]",
    "(close / open)[1][1]": "(close / open)[2]",
    "close[1][2][0]": "close[3]",
    "typical_price()[1]": "((close + (high + low)) / 3)[1]",
    # windows are whole numbers
    "sma(close, 15 / 2)": "sma(close, 7)",
    "sma(close, floor(sqrt(50)))": "sma(close, 7)",
    "close[1 / 2]": "close",
    # whole conditions
    "not (close > open and volume > 0)": "close <= open or volume <= 0",
    "close > open and (volume > 0 and low > 0)": "0 < low and 0 < volume and open < close",
    "close * 1 > open - 0": "open < close",
    "--close > open": "open < close",
    "close[0] > close[1][2]": "close[3] < close",
    "max(close, max(open, low)) > high": "high < max(close, low, open)",
    "crossover(close, open)": "close[1] <= open[1] and open < close",
    "not crossover(close, open)": "close <= open or open[1] < close[1]",
    "close > 6%": "0.06 < close",
    "bb_upper(close, 20, 2) > high": "high < 2 * stdev(close, 20) + sma(close, 20)",
}


@pytest.mark.parametrize("written", CANONICAL)
def test_an_expression_has_the_canonical_text(written: str) -> None:
    assert format_term(check_expression(written)) == CANONICAL[written]


def resolve_text(text: str) -> Term:
    term = resolve(parse_expression(text), Scope(catalog().find, catalog().names))
    assert term is not None
    return term


@given(small(conditions() | numbers()))
def test_canonicalization_is_idempotent(text: str) -> None:
    term = check_expression(text)
    assert check_expression(format_term(term)) is term


@settings(max_examples=150)
@given(small(numbers()), st.sampled_from(MARKETS))
def test_a_number_equals_its_naive_evaluation(text: str, bars: Bars) -> None:
    assert_identical(values(text, bars), evaluate_naively(resolve_text(text), bars))


@settings(max_examples=150)
@given(small(conditions()), st.sampled_from(MARKETS))
def test_a_condition_and_its_negation_equal_their_naive_evaluation(text: str, bars: Bars) -> None:
    assert_identical(values(text, bars), evaluate_naively(resolve_text(text), bars))
    assert_identical(values(f"not {text}", bars), find_failures(resolve_text(text), bars))


@given(small(conditions()), small(conditions()))
def test_the_order_of_conditions_does_not_matter(a: str, b: str) -> None:
    assert check_expression(f"{a} and {b}") is check_expression(f"{b} and {a}")
    assert check_expression(f"not ({a} or {b})") is check_expression(f"not {b} and not {a}")
    assert check_expression(f"{a} or {a}") is check_expression(a)


@pytest.mark.slow
@given(small(numbers()), small(numbers()))
def test_the_order_of_operands_does_not_matter(a: str, b: str) -> None:
    assert check_expression(f"{a} + {b}") is check_expression(f"{b} + {a}")
    assert check_expression(f"{a} * {b}") is check_expression(f"{b} * {a}")
    assert check_expression(f"{a} < {b}") is check_expression(f"{b} > {a}")
    assert check_expression(f"max({a}, {b}, low)") is check_expression(f"max({b}, low, {a})")


@pytest.mark.parametrize("text", ["max(low, max(3, 0))", "max(max(low, 3), 0)", "max(0, low, 3)"])
def test_literals_among_operands_are_folded_in_any_position(text: str) -> None:
    assert check_expression(text) is check_expression("max(3, low)")


@given(small(numbers()), st.integers(0, 3), st.integers(0, 3))
def test_lags_add_up(text: str, first: int, second: int) -> None:
    assert check_expression(f"({text})[{first}][{second}]") is check_expression(
        f"({text})[{first + second}]"
    )


@given(small(conditions()), st.sampled_from(MARKETS))
def test_values_do_not_depend_on_earlier_evaluations(text: str, bars: Bars) -> None:
    term, other = check_expression(text), check_expression("rsi(close, 3) > adx(5)")
    used = Evaluator(bars, arena_mb=0.0001)
    for _ in range(70):
        used.series(other)
        found = used.series(term)
    assert_identical(found, Evaluator(bars).series(term))


SAMPLES = {
    False: ["close", "volume[1]", "2", "-0.5", "sma(close, 5)", "max(high, 3)", "open - low"],
    True: ["close > open", "true", "not (low < 3 and high > 3)", "crossover(close, open)"],
}


@pytest.mark.parametrize("name", [each.name for each in catalog() if each.body is not None])
def test_a_define_is_its_expanded_body(name: str) -> None:
    operator, find, rng = catalog().operator(name), catalog().operator, Random(name)
    for _ in range(20):
        args = tuple(
            number(rng.randint(5, 30)) if slot.is_window else
            resolve_text(rng.choice(SAMPLES[slot.kind == BOOL]))
            for slot in operator.slots
        )  # fmt: skip
        assert operator.body is not None
        written = canonicalize(call(operator, *args), find)
        assert written is canonicalize(substitute(operator.body, args), find)
