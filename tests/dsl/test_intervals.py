"""Tests of warnings that follow from ranges of values."""

from __future__ import annotations

from random import Random

import pytest

from dsl.analysis.check import check_expression, inspect
from dsl.budget import Budget
from dsl.evaluate import Evaluator
from dsl.terms.canonical import canonicalize
from dsl.terms.intervals import decide, find_contradiction, implies
from dsl.terms.terms import Term, call
from evolve.search.grow import grow_condition
from tests.programs import space_of
from tests.samples import gappy_bars, random_bars


def codes(rules: str) -> list[str]:
    return [each.code for each in inspect(f"strategy s {{ {rules} }}").diagnostics]


@pytest.mark.parametrize(
    ("rules", "code"),
    [
        ("buy when rsi(close, 14) > 120 hold 5", "W404"),
        ("buy when rsi(close, 14) <= 100 hold 5", "W404"),
        ("buy when rsi(close, 14) < 30% hold 5", "W404"),
        ("buy when rsi(close, 2) < 10 and rsi(close, 2) > 90 hold 5", "W404"),
        ("let r = rsi(close, 2) buy when r < 10 and close > open and not r < 20 hold 5", "W404"),
        ("buy when 3 > 2 hold 5", "W404"),
        ("buy when close > open and false hold 5", "W404"),
        ("buy when percentrank(close, 60) * 2 > 2.5 hold 5", "W404"),
        ("buy when 100 - rsi(close, 14) < 0 hold 5", "W404"),
        ("buy when close > open sell when close > open", "W410"),
        ("buy when rsi(close, 2) < 10 sell when rsi(close, 2) < 20", "W410"),
        ("buy when close > open and volume > volume[1] sell when open < close", "W410"),
        ("short when close < open cover when close < open or volume > volume[1]", "W410"),
        ("buy when close > open short when close > open hold 5", "W410"),
        ("param n = 5 in 0..9 buy when close > sma(close, n) hold 5", "W411"),
        ("param n = 5 in 1..9 buy when close > sma(close, n / 2) hold 5", "W411"),
        ("param heat = 20 in 5..150 buy when rsi(close, 14) > heat hold 5", "W411"),
    ],
)
def test_a_rule_without_effect_gets_a_warning(rules: str, code: str) -> None:
    assert code in codes(rules)


@pytest.mark.parametrize(
    "rules",
    [
        "buy when rsi(close, 2) < 10 sell when rsi(close, 2) > 10",
        "buy when rsi(close, 2) < 10 and rsi(close, 3) > 90 hold 5",
        "buy when rsi(close, 2) < 10 or rsi(close, 2) > 90 hold 5",
        "buy when close > open sell when close > open and volume > volume[1]",
        "buy when close > open short when close < open",
        "param n = 5 in 2..9 buy when close > sma(close, n / 2) hold 5",
    ],
)
def test_a_rule_with_effect_gets_no_warning(rules: str) -> None:
    assert codes(rules) == []


def evaluate(term: Term, seed: int) -> list[list[bool]]:
    markets = (random_bars(seed, 150), gappy_bars(seed, 150))
    return [Evaluator(bars).series(term).astype(bool).tolist() for bars in markets]


def test_a_condition_with_a_contradiction_never_holds() -> None:
    impossible = 0
    for seed in range(100):
        space, rng = space_of(), Random(seed)
        a, b = (grow_condition(space, rng) for _ in range(2))
        term = canonicalize(call(space.catalog.operator("and"), a, b), space.catalog.operator)
        parts = [
            part
            for part in term.walk()
            if (found := decide(part, Budget())) and found.verdict == "never"
        ]
        for each in [*parts, *[term] * bool(find_contradiction(term, Budget()))]:
            impossible += 1
            assert not any(any(row) for row in evaluate(each, seed))
    assert impossible > 20


@pytest.mark.parametrize(
    ("first", "other"),
    [
        ("rsi(close, 2) < 10", "rsi(close, 2) < 20"),
        ("rsi(close, 2) < 10", "rsi(close, 2) <= 10"),
        ("close > open and low > low[1]", "low[1] < low"),
        ("close > open", "volume > 3 or open < close"),
        ("rsi(close, 2) > 3 and rsi(close, 2) < 10", "rsi(close, 2) < 20 and rsi(close, 2) > 1"),
    ],
)
def test_one_condition_implies_another_and_not_the_reverse(first: str, other: str) -> None:
    stronger, weaker = check_expression(first), check_expression(other)
    assert implies(stronger, weaker, Budget())
    assert not implies(weaker, stronger, Budget())
    for strong, weak in zip(evaluate(stronger, 3), evaluate(weaker, 3), strict=True):
        assert all(b for a, b in zip(strong, weak, strict=True) if a)
