"""What programs mean: kinds and warnings, the canonical form, hashes, defines, determinism."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dsl.analysis.catalog import catalog
from dsl.analysis.check import check, check_expression, check_file, inspect
from dsl.analysis.program import Program
from dsl.bars import FIELDS
from dsl.diagnostics import LanguageError
from dsl.evaluate import Evaluator
from dsl.printing.decompile import compact_text, format_program
from dsl.terms.canonical import canonical
from dsl.terms.infer import kind_of
from dsl.terms.terms import Term
from dsl.terms.text import text_of
from evolve.search.grow import grow_condition, grow_rules
from evolve.search.space import build_space
from tests.dsl.naive import fails, plainly
from tests.dsl.values import assert_identical
from tests.samples import gappy_bars, random_bars, tied_bars, with_other_future

SPACE = build_space(directions=("long", "short"), max_nodes=80)


def strategy(condition: str) -> str:
    return f"strategy s {{ buy when {condition} hold 5 }}"


def codes(text: str) -> list[str]:
    return [each.code for each in inspect(text).diagnostics]


# -- kinds

KINDS = {
    "close": "level", "high - low": "diff", "(high + low) / 2": "level", "close / open": "ratio",
    "close / open - 1": "change", "volume": "volume", "volume / sma(volume, 20)": "ratio",
    "rsi(close, 14)": "oscillator", "2 * atr(14)": "diff", "close + 2 * atr(14)": "level",
    "stdev(close, 20)": "diff", "stdev(roc(close, 1), 20)": "change", "1.02 * close": "level",
    "(close - open) / close": "change", "close * volume": "other", "obv()": "other",
    "sma(rsi(close, 14), 5)": "oscillator", "where(close > open, high, low)": "level",
    "close[1]": "level", "-atr(14)": "diff", "2 + 3": "scalar", "close > open": "bool",
}  # fmt: skip


@pytest.mark.parametrize("expression", KINDS)
def test_an_expression_has_the_kind_of_what_it_measures(expression: str) -> None:
    report = inspect(f"strategy s {{ let x = {expression} buy when close > open hold 1 }}")
    assert codes_of_errors(report.diagnostics) == []
    term = resolve_alone(expression)
    assert kind_of(term).family == KINDS[expression]


def resolve_alone(expression: str) -> Term:
    from dsl.analysis.resolve import resolve
    from dsl.analysis.scope import Scope
    from dsl.syntax.parser import parse_expression

    term = resolve(parse_expression(expression), Scope(catalog().find, catalog().names))
    assert term is not None
    return term


def codes_of_errors(diagnostics: object) -> list[str]:
    assert isinstance(diagnostics, tuple)
    return [each.code for each in diagnostics if each.severity == "error"]


WARNED = {
    "close > 30": "W403", "rsi(close, 14) > sma(close, 20)": "W401",
    "rsi(close, 14) < 30%": "W404", "rsi(close, 14) > 120": "W404", "volume > 1000000": "W403",
    "close > high - low": "W401", "crossover(close, volume)": "W402", "close > volume": "W401",
    "close + 5 > open": "W403", "close + volume > open": "W401", "atr(14) > 2": "W403",
}  # fmt: skip
SOUND = (
    "close > sma(close, 20)", "(high + low) / 2 > close", "rsi(close, 14) < 30",
    "roc(close, 10) > 5%", "close / sma(close, 50) > 1.05", "high - low > 2 * atr(14)",
    "crossover(rsi(close, 14), 30)", "macd(close) > 0", "volume > 2 * sma(volume, 20)",
    "obv() > sma(obv(), 20)", "zscore(close, 20) < -2", "close < 1.02 * highest(high, 20)",
    "(close - low) / (high - low) > 0.8", "adx(14) > 25 and plus_di(14) > minus_di(14)",
)  # fmt: skip


@pytest.mark.parametrize("condition", WARNED)
def test_what_computes_but_means_little_is_a_warning(condition: str) -> None:
    assert codes(strategy(condition)) == [WARNED[condition]]


@pytest.mark.parametrize("condition", SOUND)
def test_what_traders_write_passes_without_a_word(condition: str) -> None:
    assert codes(strategy(condition)) == []


# -- the canonical form

CANONICAL = {
    "close > open": "open < close",
    "not close > open": "close <= open",
    "not (close > open and volume > 0)": "close <= open or volume <= 0",
    "not not (close > open)": "open < close",
    "close > open and (volume > 0 and low > 0)": "0 < low and 0 < volume and open < close",
    "close > open or close > open": "open < close",
    "close + open > 2 * 3": "6 < close + open",
    "open + close > low": "low < close + open",
    "(close + open) + low > high": "high < close + open + low",
    "close * 1 > open - 0": "open < close",
    "--close > open": "open < close",
    "close[0] > close[1][2]": "close[3] < close",
    "(close - open)[2] > 0": "0 < (close - open)[2]",
    "max(close, max(open, low)) > high": "high < max(close, low, open)",
    "crossover(close, open)": "close[1] <= open[1] and open < close",
    "not crossover(close, open)": "close <= open or open[1] < close[1]",
    "SMA(close, 20) > ta.sma(open, 20)": "sma(open, 20) < sma(close, 20)",
    "ts_mean(close, 20) > delay(close, 3)": "close[3] < sma(close, 20)",
    "bb_upper(close, 20, 2) > high": "high < 2 * stdev(close, 20) + sma(close, 20)",
    "close > open and false": "false",
    "sma(close, 41 / 2) > open": "open < sma(close, 20)",
    "close > 6%": "0.06 < close",
}


@pytest.mark.parametrize("written", CANONICAL)
def test_the_canonical_form_is_written_one_way(written: str) -> None:
    term = check_expression(written)
    assert text_of(term) == CANONICAL[written]
    assert canonical(term, catalog().operator) is term


def test_equal_meanings_are_one_hash_and_different_ones_are_not() -> None:
    same = (
        "strategy a { buy when close > sma(close, 20) hold 5 }",
        "strategy b { param n = 20 in 5..50 let m = sma(close, n) buy when m < close hold 5 }",
        'strategy c { about "x" buy when not close <= SMA(close, 20) hold 5 size 1 }',
    )
    other = "strategy d { buy when close > sma(close, 21) hold 5 }"
    assert len({check(text).hash for text in same}) == 1
    assert check(other).hash != check(same[0]).hash


def random_program(seed: int) -> Program:
    return Program("p", grow_rules(SPACE, Random(seed)))


@given(st.integers(0, 10**9))
def test_a_program_printed_and_checked_is_itself(seed: int) -> None:
    program = random_program(seed)
    for text in (format_program(program), compact_text(program)):
        again = check(text)
        assert again.rules == program.rules
        assert again.hash == program.hash


@given(st.integers(0, 10**9))
def test_the_canonical_form_computes_what_was_written(seed: int) -> None:
    rng = Random(seed)
    written = grow_condition(SPACE, rng)
    bars = rng.choice([random_bars, gappy_bars, tied_bars])(seed % 1000, 120)
    simple = canonical(written, catalog().operator)
    found = Evaluator(bars).series(simple)
    assert_identical(found.astype(float), plainly(written, bars))
    negated = check_expression(f"not ({text_of(written)})")
    assert_identical(Evaluator(bars).series(negated).astype(float), fails(written, bars))


@given(st.integers(0, 10**9), st.integers(1, 149))
def test_no_program_sees_the_future(seed: int, known: int) -> None:
    program, bars = random_program(seed), random_bars(seed % 1000, 150)
    whole = Evaluator(bars).signals([program])
    for other in (bars.slice(0, known), with_other_future(bars, known, 3)):
        seen = Evaluator(other).signals([program])
        assert (seen.orders[:, :known] == whole.orders[:, :known]).all()
        assert_identical(seen.settings[:, :known], whole.settings[:, :known])


@given(st.integers(0, 10**9))
def test_no_signal_comes_before_every_rule_is_warm(seed: int) -> None:
    program = random_program(seed)
    bars = random_bars(seed % 1000, 60)
    once = Evaluator(bars, arena_mb=0.001).signals([program, program])
    again = Evaluator(bars).signals([program])
    assert (once.orders[0] == once.orders[1]).all()
    assert (once.orders[0] == again.orders[0]).all()


# -- defines


def test_defines_stand_in_any_order_and_are_hygienic() -> None:
    text = """
    define twice(x: number) -> like x = 2 * half(4 * x)
    define half(x: number) -> like x = x / 2
    strategy s { let n = high buy when twice(n - low) > close - open hold 3 }
    """
    plain = "strategy s { buy when 2 * (4 * (high - low) / 2) > close - open hold 3 }"
    assert check(text).hash == check(plain).hash
    assert check(format_program(check(text))).hash == check(plain).hash


@pytest.mark.parametrize(
    ("define", "code"),
    [
        ("define f(x: number) -> like x = f(x)", "E205"),
        ("define f(x: number) -> like x = g(x) define g(x: number) -> like x = f(x)", "E205"),
        ("define f(x: number) -> bool = x", "E311"),
        ("define f(x: number) -> volume = x", "E311"),
        ("define sma(x: number) -> like x = x", "E204"),
        ("define f(x: number, x: number) -> like x = x", "E204"),
        ("define f(x: number) -> like y = x", "E201"),
        ("define f(x: number = 1, y: number) -> like x = x + y", "E203"),
        ("define f(x: number, n: window = 3) -> like x = x", "W406"),
    ],
)
def test_a_define_that_cannot_be_is_refused(define: str, code: str) -> None:
    assert code in codes(define)


# -- nothing breaks it


@given(st.text(max_size=300))
def test_any_text_ends_in_findings(text: str) -> None:
    for each in inspect(text).diagnostics:
        assert each.render()


WORDS = """strategy s { } ( ) [ ] buy sell when let param about size stop hold = == < > and or
not close sma rsi 3 2.5 6% , .. in step define -> number " # true x y - + * /"""
PIECES = st.sampled_from([*re.split(r"\s+", WORDS), "\n"])


@given(st.lists(PIECES, max_size=40).map(" ".join))
def test_any_words_end_in_findings_or_programs(text: str) -> None:
    report = inspect(text)
    assert report.programs or report.diagnostics
    for each in report.diagnostics:
        assert each.render()


@pytest.mark.parametrize(
    "text",
    [
        "(" * 100_000, "strategy s { buy when " + "not " * 100_000 + "close > open }",
        "{" * 3_000_000, "strategy s { buy when " + "close + " * 20_000 + "close > open }",
        "strategy s { buy when " + " and ".join(["close > open"] * 5_000) + " }",
    ],
    ids=["parens", "nots", "braces", "sums", "ands"],
)  # fmt: skip
def test_nesting_and_size_have_limits_that_are_reached_at_once(text: str) -> None:
    began = time.monotonic()
    assert any(each.severity == "error" for each in inspect(text).diagnostics)
    assert time.monotonic() - began < 10


def test_all_errors_of_a_file_are_found_at_once() -> None:
    text = """strategy a { buy whenclose > 3 let and = 3 sell when clos < 1 }
    strategy b { buy when smaa(close, 3) > close short when close > 3 < 4 size close }"""
    found = codes(text)
    assert {"E101", "E106", "E202", "E306"} <= set(found)
    with pytest.raises(LanguageError) as caught:
        check_file(text)
    assert len(caught.value.diagnostics) >= 4


def test_a_hash_does_not_depend_on_the_process() -> None:
    script = (
        "from dsl.analysis.check import check; import sys;"
        "print(check('strategy s { buy when adx(14) > 25 and rsi(close, 2) < 10 hold 5 }').hash);"
        "assert not {'numpy', 'numba', 'pandas'} & set(sys.modules)"
    )
    hashes = {
        subprocess.run(
            [sys.executable, "-c", script],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("0", "1", "2")
    }
    assert len(hashes) == 1


def test_bars_cannot_be_changed() -> None:
    bars = random_bars(1)
    for name in FIELDS:
        with pytest.raises(ValueError, match="read-only"):
            getattr(bars, name)[0, 0] = 1.0
