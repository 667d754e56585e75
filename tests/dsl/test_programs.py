"""Tests of programs: printing, hashes and defines."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from itertools import permutations

import pytest
from hypothesis import given

from dsl.analysis.catalog import catalog
from dsl.analysis.check import check, check_expression, inspect
from dsl.evaluate import Evaluator
from dsl.printing.decompile import compact_text, format_program
from dsl.syntax.printer import format_text
from tests.dsl.expressions import conditions, numbers, small, strategies
from tests.dsl.values import assert_identical, values
from tests.samples import gappy_bars


def sound(condition: str, defines: str = "") -> str:
    return f"{defines}\nstrategy s {{ buy when {condition} hold 5 }}"


def errors(text: str) -> list[str]:
    return [each.code for each in inspect(text).errors]


# -- printing


@given(strategies())
def test_a_printed_program_parses_to_the_same_program(text: str) -> None:
    program = check(text)
    for printed in (format_program(program), compact_text(program)):
        again = check(printed)
        assert again.rules == program.rules
        assert again.hash == program.hash
    assert format_text(format_program(program)) == format_program(program)


@pytest.mark.slow
@given(strategies())
def test_formatting_does_not_change_the_meaning(text: str) -> None:
    assert check(format_text(text)).rules == check(text).rules


@pytest.mark.slow
@given(strategies(), strategies("level", "also"))
def test_the_hash_does_not_depend_on_names(text: str, other: str) -> None:
    def rename(source: str, heat: str, bars: str) -> str:
        source = re.sub(rf"\b(edge_)?{bars}\b", lambda m: f"{m.group(1) or ''}zz", source)
        return re.sub(rf"\b{heat}\b", "aa.b", source).replace("strategy s", "strategy t")

    assert check(rename(text, "heat", "bars")).hash == check(text).hash
    assert check(rename(other, "level", "also")).hash == check(other).hash


@given(strategies())
def test_the_hash_does_not_depend_on_descriptions_comments_and_ranges(text: str) -> None:
    other = text.replace("{\n", '{ about "why"\n# because\n', 1)
    other = re.sub(r" in \S+( step \S+)?\n", "\n", other)
    assert other.count(" in ") == 0
    assert check(other).hash == check(text).hash


def test_a_printed_program_includes_the_defines_that_it_uses() -> None:
    defines = """
    define outer(x: number) -> like x also wrapper = inner(x) * 2
    define unused(x: number) -> like x = x
    define inner(x: number, n: window = 3) -> like x about "smooth" = sma(x, n)
    """
    program = check(sound("close > wrapper(open)", defines))
    assert [each.name for each in program.defines] == ["inner", "outer"]
    printed = format_program(program)
    assert "unused" not in printed
    assert check(printed).hash == program.hash


# -- hashes


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("close > open", "open < close"),
        ("close >= open", "not close < open"),
        ("SMA(close, 9) > low", "ta.sma(close, 9) > low"),
        ("ts_mean(close, 9) > low", "sma(close, 9) > low"),
        ("Sma(close, 9) > low", "ta.SMA(close, 9) > low"),
        ("delay(close, 2) > low", "close[2] > low"),
        ("add(close, open) > low", "close + open > low"),
        ("sma(close) > low", "sma(close, 20) > low"),
        ("obv() > 0", "obv(close, volume) > 0"),
        ("CLOSE > ta.open", "close > open"),
        ("roc(close, 3) > 6%", "(close - close[3]) / close[3] > .06"),
        ("bb_upper(close, 9) < high", "sma(close, 9) + 2 * stdev(close, 9) < high"),
        ("cross_above(close, low)", "close > low and close[1] <= low[1]"),
        ("atr(5) > 0", "rma(true_range(), 5) > 0"),
        ("close > low and close > low", "close > low"),
        ("close > sma(close, 2 * 5)", "close > sma(close, 10)"),
    ],
)
def test_two_spellings_have_one_hash(one: str, other: str) -> None:
    assert check(sound(one)).hash == check(sound(other)).hash


def test_params_lets_and_descriptions_do_not_change_the_hash() -> None:
    texts = (
        "strategy a { buy when close > sma(close, 20) hold 5 }",
        "strategy b { param n = 20 in 5..50 let m = sma(close, n) buy when m < close hold 5 }",
        'strategy c { about "x" buy when not close <= SMA(close, 20) hold 5 size 1 }',
    )
    assert len({check(text).hash for text in texts}) == 1


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("close > sma(close, 20)", "close > sma(close, 21)"),
        ("close > open", "close >= open"),
        ("close > open", "close < open"),
        ("(close + open) + low > 0", "close + (open + low) > 0"),
        ("close / open > 1", "close > open"),
        ("close > close[1]", "close > close[2]"),
        ("close - open > 0", "open - close > 0"),
        ("not close > open", "close < open"),
    ],
)
def test_two_meanings_have_two_hashes(one: str, other: str) -> None:
    assert check(sound(one)).hash != check(sound(other)).hash


def test_every_alias_finds_its_operator() -> None:
    pairs = [(alias, each) for each in catalog() for alias in each.aliases]
    assert len(pairs) > 60
    for alias, operator in pairs:
        assert catalog().find(alias) is operator
        assert catalog().find(f"ta.{alias}") is operator


@pytest.mark.parametrize(
    "rules",
    ["buy when close > open stop 5%", "short when close > open hold 5",
     "buy when close > open hold 5 size 0.5", "buy when close > open sell when low < open hold 5",
     "buy when close > open hold 6"],
)  # fmt: skip
def test_the_hash_depends_on_every_rule(rules: str) -> None:
    assert check(f"strategy s {{ {rules} }}").hash != check(sound("close > open")).hash


# -- defines

CHAINED = (
    "define outer(x: number, n: window = 4) -> like x = middle(x, n) + middle(x[1], n / 2)",
    "define middle(x: number, n: window) -> like x = inner(x, 2, n)",
    "define inner(x: number, k: ratio, n: window) -> like x = k * sma(x, n)",
)


@pytest.mark.parametrize("order", list(permutations(CHAINED)))
def test_defines_work_in_any_order(order: tuple[str, ...]) -> None:
    written = "2 * sma(close, 4) + 2 * sma(close[1], 2) > low"
    assert check(sound("outer(close) > low", "\n".join(order))).hash == check(sound(written)).hash


@given(small(numbers()), small(conditions()))
def test_a_define_is_equal_to_its_expanded_body(number: str, condition: str) -> None:
    defines = """
    define f(c: bool, x: number, y: number) -> like x = where(c and x > y, x + 1, -y)
    define g(x: number, c: bool) -> bool = f(not c, x, 0.5) > x or c
    """
    plain = f"sign({number})"
    report = inspect(sound(f"g({plain}, {condition})", defines))
    assert not report.errors
    body = f"where((not {condition}) and {plain} > 0.5, {plain} + 1, -0.5)"
    assert report.programs[0].hash == check(sound(f"{body} > {plain} or {condition}")).hash


@pytest.mark.parametrize(
    ("define", "used", "expanded"),
    [
        ("f(c: bool) -> bool = not c", "f(close > open)", "close <= open"),
        (
            "f(c: bool) -> bool = not (c and low > 3)",
            "f(close > open)",
            "close <= open or low <= 3",
        ),
        (
            "f(c: bool, d: bool) -> bool = not c or d",
            "f(close > 1, low > 1)",
            "close <= 1 or low > 1",
        ),
        (
            "f(c: bool) -> ratio = where(not c, 1, 2)",
            "f(close > open) > 1",
            "where(close <= open, 1, 2) > 1",
        ),
        ("f(c: bool) -> bool = c and true", "not f(close > open)", "close <= open"),
        ("f(x: number, n: window) -> like x = x[n][1]", "f(close, 2) > low", "close[3] > low"),
        ("f(x: number, n: window) -> like x = x[n]", "f(close, 0 + 1) > low", "close[1] > low"),
        ("f(x: number) -> like x = x[1] - x", "f(close) > 0", "close[1] - close > 0"),
        ("f(x: number) -> like x = max(x, close, x)", "f(open) > low", "max(open, close) > low"),
        ("f(b: number, a: number) -> like a = b - a", "f(open, low) > 0", "open - low > 0"),
    ],
)
def test_arguments_are_substituted_into_the_body(define: str, used: str, expanded: str) -> None:
    assert check(sound(used, f"define {define}")).hash == check(sound(expanded)).hash


def test_argument_names_do_not_capture_and_are_not_captured() -> None:
    define = "define f(x: number, y: number) -> like x = x - y"
    text = f"""{define}
    strategy s {{ let x = low let y = high buy when f(y, x) > f(x - y, close) hold 5 }}"""
    assert check(text).hash == check(sound("high - low > (low - high) - close")).hash
    nested = f"{define} define g(y: number, x: number) -> like x = f(y, x)"
    assert check(sound("g(high, low) > 1", nested)).hash == check(sound("high - low > 1")).hash


def test_a_define_cannot_read_the_lets_of_a_strategy() -> None:
    define = "define f(x: number) -> like x = x + y"
    text = f"{define} strategy s {{ let y = low buy when f(low) > y hold 5 }}"
    assert "E201" in errors(text)


@pytest.mark.parametrize(
    "defines",
    [
        "define f(x: number) -> like x = f(x)",
        "define f(x: number) -> like x = sma(f(x)[1], 3)",
        "define f(x: number) -> like x = g(x) define g(x: number) -> like x = f(x)",
        "define f(x: number) -> like x = g(x) define g(x: number) -> like x = h(x) "
        "define h(x: number) -> like x = f(x)",
        "define f(x: number) -> like x also g = g(x)",
    ],
)
def test_recursion_is_an_error(defines: str) -> None:
    assert "E205" in errors(sound("f(close) > open", defines))


def test_a_define_may_use_another_by_its_alias() -> None:
    defines = "define f(x: number) -> like x = g(x) define h(x: number) -> like x also g = x + 1"
    assert errors(sound("f(close) > open", defines)) == []


@pytest.mark.parametrize(
    "define",
    [
        "f(x: number) -> like x also sma = x",
        "f(x: number) -> like x also f = x",
        "f(x: number) -> like x also g, g = x",
        "f(x: number) -> like x also g = x define g(x: number) -> like x = x + 1",
        "f(x: number) -> like x also g = x define h(x: number) -> like x also g = x + 1",
    ],
)
def test_an_alias_that_already_exists_is_an_error(define: str) -> None:
    assert "E204" in errors(sound("f(close) > open", f"define {define}"))


@pytest.mark.parametrize(
    ("define", "code"),
    [
        ("define f(x: number) -> bool = x", "E311"),
        ("define f(x: number) -> volume = x", "E311"),
        ("define sma(x: number) -> like x = x", "E204"),
        ("define f(x: number, x: number) -> like x = x", "E204"),
        ("define f(x: number) -> like y = x", "E201"),
        ("define f(x: number = 1, y: number) -> like x = x + y", "E203"),
        ("define f(x: number, n: window = 3) -> like x = x", "W406"),
    ],
)
def test_an_invalid_define_gets_its_code(define: str, code: str) -> None:
    assert code in [each.code for each in inspect(define).diagnostics]


@pytest.mark.parametrize(
    "argument",
    ["n: window = nothing", "n: window = close", "n: window = 2.5", "n: window = 0",
     "n: bool = close", "n: bool = 1", "n: level = nothing"],
)  # fmt: skip
def test_an_invalid_default_is_an_error(argument: str) -> None:
    assert errors(f"define f({argument}) -> volume = volume") != []


# -- signals


@pytest.mark.slow
@given(strategies())
def test_signals_are_the_values_of_the_rules(text: str) -> None:
    program, bars = check(text), gappy_bars(5, 80)
    signals = Evaluator(bars).signals([program])
    for order in ("buy", "sell", "short", "cover"):
        term = getattr(program.canonical, order)
        found = signals.order(order).astype(float)
        expected = values("false", bars) if term is None else values(write_term(term), bars)
        assert_identical(found, expected)


def write_term(term: object) -> str:
    from dsl.terms.terms import Term
    from dsl.terms.text import format_term

    assert isinstance(term, Term)
    return format_term(term)


# -- processes

IN_A_PROCESS = """
import sys
import dsl.analysis.catalog, dsl.analysis.check, dsl.printing.decompile
program = dsl.analysis.check.check(sys.stdin.read())
dsl.printing.decompile.format_program(program)
print(program.hash, *[each for each in ("numpy", "numba", "pandas") if each in sys.modules])
"""


def test_a_hash_is_equal_in_every_process_and_needs_no_numerical_library() -> None:
    text = format_text(sound("adx() > 25 and min(mfi(), rsi(close), 50) < 10 and close > low"))
    printed = {
        subprocess.run(
            [sys.executable, "-c", IN_A_PROCESS],
            input=text,
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert printed == {check(text).hash + "\n"}
    assert check_expression("min(mfi(), 50)") is check_expression("min(50, mfi())")


def test_a_define_with_comments_is_written_on_one_line_without_them() -> None:
    define = "# why\ndefine twice(x: number) -> like x = x * 2  # doubled"
    text = f"{define}\nstrategy s {{ buy when twice(close) > open }}"
    program = check(text)
    assert "# doubled" in format_program(program)
    assert check(compact_text(program)).hash == program.hash
