"""Tests of the rewrite rules: each against a golden file, and none changes a value."""

from __future__ import annotations

from pathlib import Path

import pytest

from dsl.analysis.check import check_expression
from dsl.evaluate import Evaluator
from dsl.terms.rewrites import POINTWISE, REWRITES
from dsl.terms.text import format_term
from tests.dsl.naive import evaluate_naively
from tests.dsl.test_canonical import resolve_text
from tests.dsl.values import assert_identical
from tests.golden import golden
from tests.samples import gappy_bars, tied_bars

GOLDEN = Path(__file__).parent / "golden" / "rules.txt"
EXAMPLES = {
    "fold_literals": ("close / (2 * 3)", "close - log(1)", "close * floor(2.5)", "close + 1 / 0"),
    "decide_literals": ("3 < 2", "1 <= 1", "2 != 2"),
    "flip_greater": ("close > open", "close >= open"),
    "sort_operands": ("open + close", "volume * (low + high)", "open == close", "open != close"),
    "flatten": (
        "open > low and (close > low and open > low)",
        "open > low or (close > low or open > low)",
        "max(low, max(close, low))",
        "min(open, min(close, low), close)",
    ),
    "merge_literals": ("max(close, 3, 0)", "min(min(close, 3), 4)"),
    "decide_conditions": (
        "close > open and true",
        "close > open and false",
        "close > open or true",
        "close > open or false",
    ),
    "drop_neutral": ("close * 1", "1 * close", "close / 1", "close - 0"),
    "drop_double_sign": ("-(-close)",),
    "choose_constant_branch": ("where(true, close, open)", "where(1 > 2, close, open)"),
    "add_lags": ("close[0]", "close[1][2]", "sma(close, 3)[2][1]"),
}


def test_the_rules_rewrite_as_the_golden_file_shows() -> None:
    lines = []
    for name, texts in EXAMPLES.items():
        lines.append(f"{name}: {_describe_rule(name)}")
        lines += [f"    {text}  →  {format_term(check_expression(text))}" for text in texts]
        lines.append("")
    golden(GOLDEN, "\n".join(lines))


def test_every_rule_has_examples() -> None:
    rules = {rule.__name__ for group in (*REWRITES.values(), POINTWISE) for rule in group}
    assert rules == EXAMPLES.keys()


@pytest.mark.parametrize("text", [text for texts in EXAMPLES.values() for text in texts])
def test_no_rule_changes_a_value(text: str) -> None:
    for bars in (gappy_bars(5, 80, 0.1), tied_bars(6, 80)):
        found = Evaluator(bars).series(check_expression(text)).astype(float)
        assert_identical(found, evaluate_naively(resolve_text(text), bars))


def _describe_rule(name: str) -> str:
    rules = {rule.__name__: rule for group in (*REWRITES.values(), POINTWISE) for rule in group}
    return str(rules[name].__doc__).splitlines()[0]
