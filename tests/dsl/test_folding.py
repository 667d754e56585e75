"""Constant expressions: every operator folds on literals to the value that it has on bars."""

from __future__ import annotations

import math
from itertools import product

import pytest

from dsl.analysis.catalog import catalog
from dsl.analysis.check import check, inspect
from dsl.analysis.resolve import resolve
from dsl.analysis.scope import Scope
from dsl.syntax.parser import parse_expression
from dsl.terms.canonical import canonicalize
from dsl.terms.folding import fold, fold_at_ends
from dsl.terms.infer import infer_kind
from dsl.terms.operator import Operator
from dsl.terms.terms import Parameter, Term, call, number, parameter, truth
from dsl.types.kinds import BOOL
from tests.dsl.naive import evaluate_naively
from tests.samples import random_bars

OPERATORS = [each for each in catalog() if not each.series]
NAMES = [each.name for each in OPERATORS]
VALUES = (0.0, 1.0, -2.5, 7.0, 1e308, 1e-30)
BARS = random_bars(1, 3)
N = parameter(Parameter("n", 12.0, 2.0, 30.0))


def conditions() -> list[Term]:
    """Return conditions over constants: two known, one that depends on a param, one unknown."""
    find = catalog().operator
    unknown = call(find("<"), call(find("/"), number(0), number(0)), number(1))
    return [truth(True), truth(False), call(find(">"), N, number(10)), unknown]


def list_calls(operator: Operator) -> list[Term]:
    """Return calls of an operator with constant arguments, a variadic one with three."""
    slots = [*operator.slots, *operator.slots[-1:] * operator.is_variadic]
    choices: list[list[Term]] = []
    for slot in slots:
        if slot.is_window:
            choices.append([number(2), N])
        elif slot.kind == BOOL:
            choices.append(conditions())
        else:
            choices.append([*map(number, VALUES[: 4 if len(slots) > 2 else None]), N])
    return [call(operator, *args) for args in product(*choices)][:200]


def resolve_text(text: str) -> Term | None:
    scope = Scope(catalog().find, catalog().names, names={"n": N})
    return resolve(parse_expression(text), scope)


@pytest.mark.parametrize("name", NAMES)
def test_an_operator_folds_on_literals_to_its_value_on_bars(name: str) -> None:
    operator = catalog().operator(name)
    for term in list_calls(operator):
        value = fold(term)
        if not operator.is_pointwise or infer_kind(term) == BOOL:
            assert value is None
            continue
        assert value is not None
        found = evaluate_naively(term, BARS)[-1]
        assert found == value or (math.isnan(found) and math.isnan(value))


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("form", ["close > sma(close, {})", "close > close[{}]", "{} > close"])
def test_an_operator_on_literals_never_fails_as_a_window(name: str, form: str) -> None:
    operator = catalog().operator(name)
    args = {"window": "3", "bool": "n > 10"}
    written = [args.get(slot.kind.family if slot.kind else "", "7") for slot in operator.slots]
    text = f"{name}({', '.join(written)})" if name.isidentifier() else f"where(n {name} 5, 5, 20)"
    if name in ("+", "-", "*", "/"):
        text = f"n {name} 5"
    if name in ("and", "or"):
        text = f"where(n > 5 {name} n < 9, 5, 20)"
    if name in ("not", "negate", "lag"):
        text = "where(not n > 5, --n, 20[1])"
    inspect(f"strategy s {{ param n = 7 in 6..30 buy when {form.format(text)} hold 5 }}")
    inspect(f"strategy s {{ param n = 7 in 6..30 buy when close > open hold {text} }}")
    define = f"define f(x: number, n: window = 12) -> like x = sma(x, {text})"
    inspect(f"{define}\nstrategy s {{ buy when close > f(close, 9) hold 5 }}")


@pytest.mark.parametrize(
    ("window", "bars"),
    [
        ("where(n > 10, 5, 20)", 5),
        ("where(n > 12, 5, 20)", 20),
        ("where(not (n > 12), 5, 20)", 5),
        ("where(n > 10 and n < 12, 5, 20)", 20),
        ("where(n > 10 or n / 0 > 1, 5, 20)", 5),
        ("where(true, min(n, 9, 4), 20)", 4),
        ("max(n, 9, 14)", 14),
        ("floor(power(2, 3) + sqrt(n) / 100)", 8),
    ],
)
def test_a_window_of_constants_folds(window: str, bars: int) -> None:
    text = "strategy s {{ param n = 12 in 2..30 buy when close > sma(close, {}) hold 5 }}"
    assert check(text.format(window)).hash == check(text.format(bars)).hash


@pytest.mark.parametrize("condition", ["n / 0 > 1", "not (n / 0 > 1)", "n > 1 and 0 / 0 == 0"])
def test_a_window_that_depends_on_an_unknown_condition_is_an_error(condition: str) -> None:
    text = f"strategy s {{ param n = 12 buy when close > sma(close, where({condition}, 5, 20)) }}"
    assert [each.code for each in inspect(text).errors] == ["E304"]


def test_the_ends_of_a_constant_are_those_of_its_params() -> None:
    term = resolve_text("where(n > 10, n * 2, 3)")
    assert term is not None
    assert fold_at_ends(term) == [3.0, 60.0]


@pytest.mark.parametrize("text", ["close", "where(close > 1, 2, 3)", "sma(3, 2)", "close - close"])
def test_what_depends_on_the_bars_does_not_fold(text: str) -> None:
    term = resolve_text(text)
    assert term is not None
    assert fold(term) is None


def test_a_constant_is_folded_once_for_each_distinct_part() -> None:
    term, find = N, catalog().operator
    for _ in range(200):
        term = call(find("-"), call(find("+"), term, term), term)
    assert fold(term) == 12.0


@pytest.mark.parametrize("name", NAMES)
def test_a_canonical_constant_has_the_value_of_the_written_one(name: str) -> None:
    operator, find = catalog().operator(name), catalog().operator
    for term in list_calls(operator)[:40]:
        value = fold(term)
        if value is not None:
            again = fold(canonicalize(term, find))
            assert again == value or (again is not None and math.isnan(again) and math.isnan(value))
