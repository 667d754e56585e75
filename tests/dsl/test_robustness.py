"""Tests that any text gets diagnostics, in time proportional to its length, and no traceback."""

from __future__ import annotations

import json
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dsl.analysis.catalog import catalog
from dsl.analysis.check import Report, check_file, inspect
from dsl.syntax.printer import format_text
from tests.dsl.expressions import strategies
from tests.work import limited_calls

SOUND = "strategy s {{ buy when {} hold 5 }}"
NAMES = sorted({each.name for each in catalog() if each.name.isidentifier()} - {"and", "or", "not"})


def check_report(text: str) -> Report:
    """Return the report on a text; check that each diagnostic renders and lies in the text."""
    report = inspect(text)
    for each in report.diagnostics:
        assert each.code in each.render()
        assert each.source.name in json.dumps(each.as_json())
        assert 0 <= each.span.start <= len(text)
        assert each.span.start < each.span.end
    return report


# -- any text


@given(st.text())
def test_any_text_gets_diagnostics(text: str) -> None:
    check_report(text)


@given(st.binary())
def test_any_bytes_get_diagnostics(data: bytes) -> None:
    check_report(data.decode(errors="replace"))


@pytest.mark.slow
@given(strategies(), st.data())
def test_a_broken_strategy_gets_diagnostics(text: str, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, min(len(text), start + 5)))
    pieces = st.sampled_from(["", "(", ")", "{", "}", '"', "#", "when", "buy", "-", "[", "1", "\n"])
    piece = data.draw(pieces | st.text(max_size=3))
    broken = text[:start] + piece + text[end:]
    report = check_report(broken)
    if not report.errors:
        again = check_file(format_text(broken))
        assert [each.hash for each in again] == [each.hash for each in report.programs]


WORDS = """strategy s { } ( ) [ ] buy sell when let param about size stop hold = == < > and or
not close sma rsi 3 2.5 6% , .. in step define -> number " # true x y - + * /"""


@given(st.lists(st.sampled_from([*WORDS.split(), "\n"]), max_size=40).map(" ".join))
def test_any_words_get_diagnostics_or_a_program(text: str) -> None:
    report = check_report(text)
    assert report.programs or report.diagnostics


@pytest.mark.parametrize("name", NAMES)
def test_an_operator_with_any_arguments_gets_errors_or_a_program(name: str) -> None:
    rng = Random(name)
    arguments = ["close", "close > open", "3", "2.5", "-1", "0", "1e9", "6%", "true"]
    for count in range(5):
        args = ", ".join(rng.choices(arguments, k=count))
        text = SOUND.format(f"{name}({args}) > close")
        report = check_report(text)
        assert report.errors or report.programs
        format_text(text)


# -- unusual numbers


@pytest.mark.parametrize("number", ["1e400", "1e400%", f"1e{'9' * 30}%", "9" * 400, "1e-400%"])
@pytest.mark.parametrize(
    "form",
    ["close > {}", "rsi(close, {}) > 3", "close[{}] > 3", "close > sma(close, 2 * {})"],
)
def test_a_number_of_any_size_gets_diagnostics(number: str, form: str) -> None:
    check_report(SOUND.format(form.format(number)))


@pytest.mark.parametrize("exponent", ["1.5", "inf", "-inf", "6%", "1e2", "1e400", "-0"])
def test_an_unusual_exponent_gets_diagnostics(exponent: str) -> None:
    check_report(f"define f(x: number) -> other({exponent}, 1) = close * volume")


@pytest.mark.parametrize("bound", ["-5", "0", "0.5", "1e9", "inf"])
def test_a_window_with_invalid_bounds_gets_diagnostics(bound: str) -> None:
    check_report(f"strategy s {{ param n = 3 in {bound}..{bound} buy when close > sma(close, n) }}")


# -- size and nesting


def list_errors(text: str) -> list[str]:
    """Return the codes of the errors of a text; limit the calls in proportion to its length."""
    with limited_calls(100_000 + 100 * len(text)):
        return [each.code for each in inspect(text).errors]


def chain(link: str, last: str, count: int) -> str:
    """Write defines d0, d1, … that each call the next, and a strategy that uses the first."""
    bodies = [link.replace("next", f"d{index + 1}") for index in range(count)]
    defines = [
        f"define d{index}(x: number) -> like x = {body}"
        for index, body in enumerate([*bodies, last])
    ]
    return "\n".join([*defines, SOUND.format("d0(close) > open")])


def lets(link: str, count: int) -> str:
    """Write a strategy with lets a0, a1, … that each use the previous one."""
    lines = [f"let a{index + 1} = {link.replace('last', f'a{index}')}" for index in range(count)]
    body = "\n".join(["let a0 = close", *lines, f"buy when a{count} > open hold 5"])
    return f"strategy s {{ {body} }}"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("{" * 3_000_000, "E103"),
        ("{" * 1_900_000, "E101"),
        (SOUND.format("(" * 20_000), "E101"),
        (SOUND.format("not " * 20_000 + "close > open"), "E104"),
        (SOUND.format("-" * 20_000 + "close > open"), "E104"),
        (SOUND.format("close" + "[1]" * 20_000 + " > open"), "E104"),
        (SOUND.format("abs(" * 20_000 + "close" + ")" * 20_000 + " > open"), "E104"),
        (SOUND.format("close + " * 5_000 + "close > open"), "E104"),
        (SOUND.format(" and ".join(["close > open"] * 2_000)), "E104"),
        (lets("last + last[1]", 60), "E307"),
        (chain("next(x) + next(x)[1] + next(x)[2]", "x", 11), "E307"),
        (chain("next(x) + next(x)[1]", "x", 40), "E104"),
    ],
    ids=[
        "too many braces", "braces", "open parentheses", "nots", "minuses", "lags", "calls",
        "sums", "ands", "doubling lets", "tripling defines", "deep defines",
    ],
)  # fmt: skip
def test_a_limit_is_reported_in_proportional_time(text: str, code: str) -> None:
    assert code in list_errors(text)


@pytest.mark.parametrize(
    "text",
    [
        SOUND.format("(" * 10_000 + "close" + ")" * 10_000 + " > open"),
        lets("last + last[1] / 2", 60),
        lets("max(last, 3)", 240),
        chain("next(x)", "x", 150),
        chain("next(x)", "x", 1_000),
        chain("sma(next(x), 2)", "x", 150),
        chain("sma(next(x), 2)", "x", 1_000),
    ],
    ids=[
        "parentheses", "lets", "long lets", "defines", "a thousand defines", "nested defines",
        "a thousand nested defines",
    ],
)  # fmt: skip
def test_long_chains_get_diagnostics_in_proportional_time(text: str) -> None:
    list_errors(text)
