"""Tests of the printer: a printed tree parses back to the same tree, comments included."""

from __future__ import annotations

import re
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dsl.analysis.check import check
from dsl.diagnostics import LanguageError
from dsl.printing.decompile import format_program
from dsl.syntax import nodes
from dsl.syntax.parser import parse, parse_expression
from dsl.syntax.printer import expression_text, format_file, format_text
from tests.dsl.trees import expressions, files, replace_spaces, without_comments

HAND_WRITTEN = """\
# The house style is not
#   yet applied here.
define   depth( x:number,n :window 5..200=20 )->change typical -20%..0%  also dip,drawdown
about "fall from the recent high" = x/highest(x,n)-1   # how deep


define twice(x: number) -> like x = 2*x # no blank line before this
strategy  pullback{   # opens
  # first of all
  about "Oversold dips revert."
  param lookback=2 in 2..14
  param oversold = 10 in 2 .. 35 step 1 # tuned

  #tight
  let uptrend=close>sma(close,200)
  ## loud
  let heat    = rsi( close , lookback )


  buy when uptrend and heat<oversold # in the middle of
     and depth(close) < -.05         # a rule
  sell when heat>65 or not uptrend
  short when (crossunder(close,sma(close,200))) and (heat > 90)
  cover when heat < 3e1
  size min(1,.10/(stdev(roc(close,1),20)*sqrt(252)))   # fraction
  stop 3*atr(14) trail 4*atr(14) target 10% hold 20
  # last of all
} # closed
# between
strategy empty { # nothing
}

# the end
#
"""


@given(files())
def test_a_printed_tree_parses_back_to_itself(file: nodes.File) -> None:
    assert parse(format_file(file)) == file


@given(files(), st.lists(st.sampled_from([" ", "  ", "\t", "\n", "\r\n"]), min_size=1))
def test_white_space_does_not_change_the_tree(file: nodes.File, spaces: list[str]) -> None:
    bare = without_comments(file)
    assert without_comments(parse(replace_spaces(format_file(bare), spaces))) == bare


@given(expressions())
def test_a_printed_expression_parses_back_to_itself(expression: nodes.Expression) -> None:
    assert parse_expression(expression_text(expression)) == expression


@given(files())
def test_formatting_is_idempotent(file: nodes.File) -> None:
    text = format_file(file)
    assert format_text(text) == text


def test_formatting_hand_written_text_is_idempotent() -> None:
    tidy = format_text(HAND_WRITTEN)
    assert format_text(tidy) == tidy
    assert without_comments(parse(tidy)) == without_comments(parse(HAND_WRITTEN))


def test_formatting_preserves_all_comments_in_order() -> None:
    def words(text: str) -> list[str]:
        return re.findall(r"#+ *(.*?) *$", text, re.MULTILINE)

    assert words(format_text(HAND_WRITTEN)) == words(HAND_WRITTEN)


def test_comments_are_attached_to_the_nodes_beside_them() -> None:
    first, second = parse(HAND_WRITTEN).strategies
    statements = enumerate(first.statements)
    comments = {type(each).__name__ + str(i): each.comments for i, each in statements}
    assert parse(HAND_WRITTEN).items[0].comments.after == "# how deep"
    assert comments["About0"].before == ("# opens", "# first of all")
    assert comments["Param2"].after == "# tuned"
    assert comments["Let3"] == nodes.Comments(("# tight",), blank=True)
    assert comments["Let4"].before == ("# loud",)
    assert comments["Order5"] == nodes.Comments(("# in the middle of",), "# a rule", blank=True)
    assert first.closing == ("# last of all",)
    assert first.comments.after == "# closed"
    assert second.comments.before == ("# between",)
    assert second.closing == ("# nothing",)
    assert parse(HAND_WRITTEN).closing == ("# the end", "#")


def test_blank_lines_between_statements_become_one() -> None:
    text = 'strategy a {\n  about "b"\n\n\n  buy when close > open\n}\n'
    statements = parse(text).strategies[0].statements
    assert [each.comments.blank for each in statements] == [False, True]
    text = 'strategy a {\n  buy when close > open\n\n  about "b"\n}\n'
    assert format_text(text) == text


def test_windows_line_ends_do_not_change_the_format() -> None:
    assert format_text(HAND_WRITTEN.replace("\n", "\r\n")) == format_text(HAND_WRITTEN)


def test_formatting_a_comment_of_unusual_spaces_is_idempotent() -> None:
    tidy = format_text("#\xa0\x0c\nstrategy a { buy when close > open }")
    assert format_text(tidy) == tidy


def test_long_rules_are_broken_at_their_conditions() -> None:
    parts = [f"close > sma(close, {n})" for n in range(2, 12)]
    text = format_text(f"strategy a {{ buy when {' and '.join(parts)} }}")
    assert max(map(len, text.splitlines())) < 100
    assert [line.strip().removeprefix("and ") for line in text.splitlines()[2:-1]] == parts[1:]


# -- numbers


@pytest.mark.parametrize(
    ("written", "printed"),
    [
        (".5", "0.5"),
        ("1e-3", "0.001"),
        ("1E2", "100"),
        ("20", "20"),
        ("20.0", "20"),
        ("007", "7"),
        ("6%", "6%"),
        (".5%", "0.5%"),
        ("0.1%", "0.1%"),
        ("1e2%", "100%"),
        ("1e-9", "1e-9"),
        ("123456789", "123456789"),
        ("1e22", "1e22"),
    ],
)
def test_numbers_are_printed_in_the_shortest_form(written: str, printed: str) -> None:
    assert expression_text(parse_expression(written)) == printed


@given(st.floats(min_value=0, allow_nan=False, allow_infinity=False), st.booleans())
def test_numbers_round_trip(value: float, percent: bool) -> None:
    number = nodes.Number(value, percent)
    assert parse_expression(expression_text(number)) == number


@given(st.decimals(0, 1_000_000, allow_nan=False, places=6))
def test_a_percentage_is_an_exact_decimal_shift(percentage: Decimal) -> None:
    number = parse_expression(f"{percentage}%")
    assert isinstance(number, nodes.Number)
    assert number.value == float(percentage / 100)
    assert parse_expression(expression_text(number)) == number


@pytest.mark.parametrize("written", ["1e400", "9" * 400])
def test_a_number_too_large_for_a_float_is_an_error(written: str) -> None:
    with pytest.raises(LanguageError, match="too large"):
        parse(f"strategy a {{ buy when close > {written} }}")


# -- calls of operators with a symbol


@pytest.mark.parametrize("call", ["lag(close, 1)", "negate(close)", "delay(close, 1)"])
def test_a_call_by_name_parses_back_to_itself(call: str) -> None:
    tree = parse(f"strategy a {{ buy when {call} > open }}")
    assert parse(format_file(tree)) == tree


@pytest.mark.parametrize(
    "call", ["lag(close)", "lag()", "lag(close, 1, 2)", "negate()", "negate(close, 3)"]
)
def test_formatting_preserves_a_wrong_number_of_arguments(call: str) -> None:
    tree = parse(f"strategy a {{ buy when {call} > open }}")
    assert parse(format_file(tree)) == tree


# -- common subexpressions


def test_repeated_parts_become_lets() -> None:
    text = """strategy s {
      buy when close > sma(close, 20) and sma(close, 20) > sma(close[1], 50)
      sell when close < sma(close, 20)
      stop 2 * atr(14) trail 3 * atr(14)
    }"""
    printed = format_program(check(text))
    assert "let sma_close_20 = sma(close, 20)" in printed
    assert "let atr_14 = atr(14)" in printed
    assert "buy when close > sma_close_20 and sma_close_20 > sma(close[1], 50)" in printed
    assert check(printed).rules == check(text).rules
