"""Tests of keyword boundaries, and of files with several errors."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dsl.analysis.check import check_file, inspect
from dsl.diagnostics import LanguageError
from tests.dsl.trees import RESERVED


def errors(text: str) -> list[str]:
    return [each.code for each in inspect(text).errors]


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ("buy whenclose > 3", "E101"),
        ("buywhen close > open", "E101"),
        ("buy when close > open andlow > 1", "E101"),
        ("buy when notclose > open", "E201"),
        ("let and = 3", "E101"),
        ("letx = 3", "E101"),
        ("param x = 3 in1..5", "E101"),
        ("param x = 3 in 1..5step 1", "E101"),
        ("param x = close", "E101"),
        ("BUY when close > open", "E101"),
        ("buy when close > open;", "E101"),
        ("buy when close = open", "E101"),
        ("buy when close > open && low > 1", "E101"),
        ("buy when 1 < close < 3", "E106"),
        ("buy when close == open == low", "E106"),
        ("buy when close > 5 %", "E101"),
        ("buy when close > 1.2.3", "E101"),
        ("buy when close > 5x", "E101"),
        ("buy when close > 1.", "E101"),
        ("buy when close > 'a'", "E101"),
        ("about 'a'", "E101"),
    ],
)
def test_a_statement_that_does_not_parse_is_one_error(body: str, code: str) -> None:
    assert errors(f"strategy s {{ {body} short when close < open hold 5 }}") == [code]


@pytest.mark.parametrize("word", RESERVED)
def test_a_reserved_word_is_not_a_name(word: str) -> None:
    for text in (
        f"strategy {word} {{ buy when close > open }}",
        f"strategy s {{ let {word} = close buy when close > open }}",
        f"strategy s {{ param {word} = 3 buy when close > open }}",
        f"define {word}(x: number) -> like x = x",
        f"define f({word}: number) -> volume = volume",
    ):
        assert "E101" in errors(text), text


@pytest.mark.parametrize("word", [f"{word}{end}" for word in RESERVED for end in ("s", "_", "1")])
def test_a_word_that_begins_like_a_reserved_one_is_a_name(word: str) -> None:
    assert errors(f"strategy s {{ let {word} = low buy when close > {word} }}") == []


@pytest.mark.parametrize(
    "statement",
    ['about "x"', *[f"{word} when close > open" for word in ("buy", "sell", "short", "cover")],
     "size 1", "stop 5%", "trail 5%", "target 5%", "hold 5"],
)  # fmt: skip
def test_a_duplicate_statement_is_an_error(statement: str) -> None:
    rest = "" if statement.startswith("buy") else "buy when close > low"
    assert errors(f"strategy s {{ {statement} {rest} {statement} }}") == ["E105"]


WRONG = {
    "let {} = close + * 2": "E101",
    "let {} = = 3": "E101",
    "let {} = 1 < low < 3": "E106",
    "param {} = 5 in 9..1": "E110",
    "param {} = 50 in 1..9": "E309",
    "param {} = 5 in 1..9 step 0": "E309",
    "let {} = nothing(close)": "E202",
    "let {} = min(1)": "E203",
    "let close = 3": "E204",
    "let {} = not close": "E301",
    "let {} = rsi(close > open)": "E302",
    "let {} = sma(close, close)": "E303",
    "let {} = sma(close, 0)": "E304",
    "let {} = close[-1]": "E304",
}
RIGHT = ("let {} = sma(close, 20)", "param {} = 5 in 1..9", "# a comment", "")


@given(st.lists(st.sampled_from([*WRONG, *RIGHT]), max_size=12), st.integers(0, 99))
def test_every_error_is_reported_at_its_line(templates: list[str], seed: int) -> None:
    lines = [each.format(f"n{index}") for index, each in enumerate(templates)]
    order = Random(seed).randrange(len(lines) + 1)
    lines.insert(order, "buy when close > open")
    templates.insert(order, "")
    text = "strategy s {\n" + "\n".join(lines) + "\n}\n"
    found = [
        (each.source.position(each.span.start).line, each.code) for each in inspect(text).errors
    ]
    expected = [(index + 2, WRONG[each]) for index, each in enumerate(templates) if each in WRONG]
    assert found == expected


def test_the_errors_of_all_strategies_are_reported() -> None:
    text = """
    define f(x: number) -> like x = nothing(x)
    strategy a { buy whn close > open }
    define g(x number) -> like x = x
    strategy b { buy when close }
    strategy c { buy when 1 < close < 2 sell when clse(close) > open }
    strategy d { buy when clos > open size volume }
    strategy e { sell when close > open }
    """
    with pytest.raises(LanguageError) as caught:
        check_file(text, "many.evo")
    found = [each.code for each in caught.value.diagnostics]
    assert found == ["E202", "E101", "E101", "E301", "E106", "E202", "E201", "E306", "E308"]
    assert str(caught.value).count("--> many.evo:") == len(found)
