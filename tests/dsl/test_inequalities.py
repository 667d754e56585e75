"""Tests of comparisons that the order of values decides."""

from __future__ import annotations

from functools import cache
from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dsl.analysis.catalog import catalog
from dsl.analysis.check import check_expression, inspect
from dsl.budget import Budget
from dsl.evaluate import Evaluator
from dsl.terms.intervals import COMPARISONS, decide
from dsl.terms.terms import Term, call
from tests.samples import closing_at, gappy_bars, random_bars, tied_bars

VERDICTS = {
    # -- the order of one bar's prices
    "low > close": "never", "close > high": "never", "open < low": "never", "high < low": "never",
    "low <= open": "always", "high >= close": "always", "low[1] > high[1]": "never",
    "max(open, close) > high": "never", "min(open, close) < low": "never",
    "typical_price() > high": "never", "(high + low) / 2 < low": "never",
    "low[1] > high": "", "close > open": "", "low >= close": "", "high <= low": "",
    # -- windows
    "close > highest(high, 20)": "never", "close <= highest(high, 20)": "always",
    "low < lowest(low, 20)": "never", "high < lowest(low, 20)": "never",
    "low > highest(close, 20)": "never", "close[3] > highest(high, 20)": "never",
    "highest(close, 10) > highest(close, 20)": "never",
    "highest(close, 10)[5] > highest(high, 20)": "never",
    "lowest(close, 5) > lowest(high, 3)": "never", "lowest(low, 5) > highest(high, 3)": "never",
    "sma(close, 20) > highest(close, 20)": "never", "sma(close, 9) > highest(high, 20)": "never",
    "median(close, 9) < lowest(low, 9)": "never", "midpoint(low, 5) > highest(high, 9)": "never",
    "highest(sma(close, 5), 10) > highest(close, 14)": "never",
    "close > highest(high, 20) + atr(14)": "never", "close > 1.02 * highest(high, 20)": "never",
    "close - highest(high, 20) > 0": "never", "close / highest(high, 20) > 1": "never",
    "close / lowest(low, 20) >= 1": "always", "close < 0.98 * lowest(low, 20)": "never",
    "sma(low, 5) > sma(high, 5)": "never", "sum(low, 5) <= sum(close, 5)": "always",
    "ema(low, 5) > ema(high, 5)": "", "sma(low, 5) > sma(high, 6)": "",
    "close > highest(high, 20)[1]": "", "close > highest(high[1], 20)": "",
    "close >= highest(high, 20)": "", "close == highest(high, 20)": "",
    "close[20] > highest(high, 20)": "", "highest(close, 20) > highest(close, 10)": "",
    "sma(close, 20) > highest(close, 10)": "", "ema(close, 20) > highest(close, 20)": "",
    "highest(sma(close, 5), 10) > highest(close, 10)": "", "rising(close, 3)": "",
    "close > 0.98 * highest(high, 20)": "", "close > highest(high, 20) - atr(14)": "",
    # -- values that are never below 0
    "close < 0": "never", "close > -1": "always", "volume < 0": "never", "close >= 0": "always",
    "high - low < 0": "never", "atr(14) < 0": "never", "stdev(close, 20) >= 0": "always",
    "close / open < 0": "never", "true_range() < 0": "never",
    "close > 30": "", "close - 3 * atr(14) < 0": "", "bb_lower(close, 20, 2) < 0": "",
    "change(close, 1) < 0": "", "hma(close, 9) < 0": "",
    "1 + rma(0 / high, 2) > mad(close, 3)": "",  # unlike kinds: the range of a sum is not known
    # -- a value and itself
    "close > close": "never", "close >= close": "always", "close == close": "always",
    "close != close": "never", "rsi(close, 2) < rsi(close, 2)": "never", "close > close[1]": "",
    # -- equality
    "weekday == 0": "never", "weekday == 2.5": "never", "month == 13": "never",
    "weekday != 8": "always", "rsi(close, 14) == 150": "never", "rsi(close, 14) != 150": "always",
    "count(close > open, 10) == 2.5": "never", "bars_since(close > open) == -1": "never",
    "weekday + 1 == 2.5": "never", "weekday == 5": "", "weekday / 2 == 2.5": "",
    "rsi(close, 14) == 50.5": "", "close == open": "", "close != 2.5": "",
}  # fmt: skip


def verdict_of(comparison: Term) -> str:
    """Return `never` or `always` for a decided comparison; empty if it is undecided."""
    decision = decide(comparison, Budget())
    return decision.verdict if decision else ""


@pytest.mark.parametrize("text", VERDICTS)
def test_a_comparison_gets_the_verdict_that_follows_from_its_sides(text: str) -> None:
    diagnostics = inspect(f"strategy s {{ buy when {text} hold 5 }}").diagnostics
    messages = [each.message for each in diagnostics if each.code == "W404"]
    assert len(messages) == bool(VERDICTS[text])
    assert all(f"this comparison is {VERDICTS[text]} true" in each for each in messages)


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        ("close > highest(high, 20)", "`close` is never above `highest(high, 20)`, which includes "
         "this bar", "compare with `highest(high, 20)[1]`"),
        ("close < lowest(low, 20)", "`close` is never below `lowest(low, 20)`, which includes this "
         "bar", "compare with `lowest(low, 20)[1]`"),
        ("close[3] > highest(high, 20)", "which includes that bar", "`highest(high, 20)[4]`"),
        ("close > 1.02 * highest(high, 20)", "as `highest(high, 20)` includes this bar",
         "`highest(high, 20)[1]`"),
        ("low > close", "`low` is never above `close`", "between its low and its high"),
        ("close > close", "`close` is compared with itself", "`close[1]`"),
        ("weekday == 2.5", "`weekday` is a whole number", "such as 2"),
        ("close < 0", "`close` is never below 0", "that it can cross"),
        ("month == 13", "never true", "between 1 and 12"),
        ("crossover(close, highest(high, 20))", "`buy` never holds", "`highest(high, 20)[1]`"),
        ("crossunder(close, lowest(low, 20))", "`close` is never below `lowest(low, 20)`, which "
         "includes this bar", "`lowest(low, 20)[1]`"),
        ("falling(lowest(low, 9)[2], 2) and lowest(low, 5) > high", "`lowest(low, 5)` is never",
         "`lowest(low, 5)[1]`"),
        ("volume > volume[1] and high < low", "`high` is never below `low`",
         "its low and its high"),
    ],
)  # fmt: skip
def test_the_message_contains_the_reason_and_a_fix(text: str, message: str, hint: str) -> None:
    (warning,) = inspect(f"strategy s {{ buy when {text} hold 5 }}").diagnostics
    assert warning.code == "W404"
    assert message in warning.message
    assert hint in warning.hint


@pytest.mark.parametrize("sides", [("close >", "highest(high, 20)"), ("low <", "lowest(low, 9)")])
def test_the_suggested_fix_gets_no_diagnostics(sides: tuple[str, str]) -> None:
    left, right = sides
    (warning,) = inspect(f"strategy s {{ buy when {left} {right} hold 5 }}").diagnostics
    fix = warning.hint.split("`")[1]
    assert inspect(f"strategy s {{ buy when {left} {fix} hold 5 }}").diagnostics == ()


def test_a_comparison_with_a_param_is_decided_for_its_range_and_its_value() -> None:
    def diagnose(rule: str) -> list[str]:
        text = f"strategy s {{ param n = 20 in 5..50 buy when {rule} hold 5 }}"
        return [each.message.split(":")[0] for each in inspect(text).diagnostics]

    assert diagnose("close > highest(high, n)") == ["this comparison is never true"]
    assert diagnose("close[4] > highest(high, n)") == ["this comparison is never true"]
    assert diagnose("close[5] > highest(high, n)") == ["`buy` never holds"]  # as n is 20
    assert diagnose("close[20] > highest(high, n)") == []
    assert diagnose("highest(high, n) > highest(high, 50)") == ["this comparison is never true"]
    assert diagnose("highest(high, n) > highest(high, 19)") == []


# -- verdicts on random bars

SERIES = ("open", "high", "low", "close", "volume")
NUMBERS = ("0", "1", "2", "0.5")
WINDOWED = ("highest", "lowest", "sma", "wma", "ema", "rma", "sum", "stdev", "mad")
JOINING = ("min", "max", "+", "-", "*", "/")
DEFINED = ("median({}, 5)", "midpoint({}, 4)", "bb_lower({}, 5, 2)", "change({}, 1)", "hma({}, 4)",
           "zscore({}, 5)", "rsi({}, 3)", "rsi({}, 3) / 20 - 1", "abs({})", "({} + high + low) / 3",
           "where(close > open, {}, high)", "floor({} / open)", "count({} > open, 3)",
           "-({})")  # fmt: skip


@cache
def evaluators() -> tuple[Evaluator, ...]:
    flat = closing_at(np.full(120, 3.5))
    markets = (random_bars(1, 120), gappy_bars(2, 120), tied_bars(3, 120), flat)
    return tuple(map(Evaluator, markets))


def draw_text(rng: Random, depth: int) -> str:
    """Draw an expression."""
    if depth == 0 or rng.random() < 0.15:
        return rng.choice(SERIES) if rng.random() < 0.9 else rng.choice(NUMBERS)
    x = draw_text(rng, depth - 1)
    shape = rng.random()
    if shape < 0.4:
        return f"{rng.choice(WINDOWED)}({x}, {rng.randint(2, 6)})" if x not in NUMBERS else x
    if shape < 0.55:
        return f"({x})[{rng.randint(0, 4)}]"
    if shape < 0.7:
        return rng.choice(DEFINED).format(x) if x not in NUMBERS else x
    if shape < 0.8:
        return f"{rng.choice(['0.5', '1', '1.5'])} * {x}"
    joined, y = rng.choice(JOINING), draw_text(rng, depth - 1)
    return f"{joined}({x}, {y})" if joined.isalpha() else f"({x} {joined} {y})"


def draw_term(rng: Random) -> Term:
    return check_expression(draw_text(rng, 3))


def assert_correct(comparison: Term, verdict: str) -> None:
    for evaluator in evaluators():
        held = evaluator.series(comparison)
        if verdict == "never":
            assert not held.any()
        else:
            sides = [evaluator.series(side) for side in comparison.args]
            assert held[~np.isnan(sides[0]) & ~np.isnan(sides[1])].all()


@pytest.mark.slow
@given(st.integers(0, 10**9))
def test_every_verdict_about_two_random_terms_is_correct(seed: int) -> None:
    rng = Random(seed)
    terms = [draw_term(rng) for _ in range(6)]
    for x in terms:
        for y in terms:
            for symbol in COMPARISONS:
                comparison = call(catalog().operator(symbol), x, y)
                verdict = verdict_of(comparison)
                if verdict:
                    assert_correct(comparison, verdict)


POOL = [
    *SERIES[:4], *(f"{x}[2]" for x in SERIES[:4]),
    *(f"{f}({x}, {n})" for f in ("highest", "lowest", "sma") for x in SERIES[:4] for n in (3, 6)),
    "highest(close, 3)[2]", "lowest(low, 6)[3]", "median(close, 4)", "typical_price()",
    "max(open, close)", "min(open, close[1])", "highest(max(open, close), 4)", "1.1 * high",
    "0.9 * lowest(low, 3)", "low - atr(3)", "highest(high, 3) + stdev(close, 3)", "ema(close, 3)",
]  # fmt: skip


def test_many_verdicts_about_a_pool_of_terms_are_correct() -> None:
    terms = [check_expression(text) for text in POOL]
    verdicts = 0
    for x in terms:
        for y in terms:
            comparison = call(catalog().operator(">"), x, y)
            verdict = verdict_of(comparison)
            if verdict:
                verdicts += 1
                assert_correct(comparison, verdict)
    assert verdicts > 250
