"""Programs in plain words: a phrase for each operator, and sentences that people read."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from dsl.analysis.catalog import catalog
from dsl.analysis.check import check, check_file
from dsl.analysis.program import Program
from dsl.diagnostics import LanguageError
from dsl.printing.decompile import compact_text
from dsl.printing.phrases import choose_template, describe_term
from dsl.printing.plain_words import describe_program
from dsl.terms.infer import infer_kind
from dsl.terms.operator import Operator, list_placeholders
from dsl.terms.terms import Term
from dsl.types.kinds import BOOL
from tests.golden import golden
from tests.programs import random_programs

ROOT = Path(__file__).parents[2]
SHIPPED = sorted((ROOT / "experiments" / "strategies").glob("*.evo"))
CONDITIONS = """
close > sma(close, 200)
rsi(close, 2) < 10 and close > sma(close, 200)
rsi(open, 2) < 10 and close > low and volume > sma(volume, 20)
30 > rsi(close, 14)
not (close > open)
not (close != open)
not crossover(close, sma(close, 50))
not (close > open and low > low[1])
not rising(close, 3)
rising(close, 1)
close > open and (low > low[1] or volume > volume[5])
close > open and low > low[1] or volume > volume[5]
(close > open or low > low[1]) and (volume > volume[5] or high > high[1])
close > highest(high, 20)[1]
close > highest(high, 20)[3]
close > close[1]
sma(close, 20) > sma(close, 20)[1]
sma(close, 20) > sma(close, 20)[5]
rsi(close, 14) > sma(rsi(close, 14), 5)
rsi(open, 14) > sma(rsi(open, 14), 5)
highest(rsi(open, 14), 20) > 80
close > bb_upper(close, 20, 2.5)
open > bb_upper(close, 20, 2.5)
(close - sma(close, 20)) / stdev(close, 20) > 2
close - sma(close, 20) / stdev(close, 20) > 2
close > sma(close, 20) - 2 * stdev(close, 20)
sma(close, 5) - open - close > open - (close - low)
sma(close - open, 5) > 0
-change(close, 5) > atr(14)
2 * (close + open) > 3 * low
any(close > open and low > low[1], 5)
all(any(close > open, 5), 3)
count(close > open, 5) >= 3
min(open, close, close[1]) > where(close > open, open, low)
weekday == 1 and day_of_month <= 5
true and close > open
"""
RULES = """
buy when close > open
buy when true hold 1
buy when true sell when false
short when close < open
buy when close > open short when close < open
buy when close > open stop 0.08 target 12% trail 3 * atr(14)
short when close < open stop 8% target 12% trail 3 * atr(14) hold 20
buy when close > open short when close < open stop 8% target atr(14) trail 3 * atr(14)
param n = 20 in 5..60 param low_limit = 10 in 2..30 param s = 5% in 1%..9% buy when rsi(close, n) < low_limit and close > highest(close[1], n) stop s hold n
buy when close > open size 50% stop natr(14) / 50
buy when close > open size min(1, 0.02 / natr(14)) hold 5
"""  # noqa: E501
USER_DEFINED = """
define dip(x: number, n: window = 20) -> change about "a fall" = x / highest(x, n) - 1
define spread(a: window = 5, b: window = 9) -> change phrase "the gap of {a} and {b} bars"
  = sma(close, a) / sma(close, b) - 1
define is_calm(x: number, limit: ratio = 2) -> bool = abs(x - sma(x, 5)) < limit * stdev(x, 20)
define pause_now() -> bool = volume < 0.5 * sma(volume, 20)
strategy s {
  buy when dip(close, 30) < -5% and spread(3, 8) > 0 and is_calm(close, 3) and not pause_now()
  hold 5
}
"""


def read_term(text: str) -> Term:
    """Return an expression as written; a number is read as one side of a comparison."""
    try:
        term = check(f"strategy s {{ buy when {text} hold 5 }}").rules.buy
    except LanguageError:
        term = check(f"strategy s {{ buy when {text} > 0 * ({text}) hold 5 }}").rules.buy
        term = None if term is None else term.args[0]
    assert term is not None
    return term


@pytest.mark.parametrize("operator", list(catalog()), ids=lambda operator: operator.name)
def test_every_operator_has_a_phrase_with_all_of_its_arguments(operator: Operator) -> None:
    term = read_term(operator.example)
    is_condition = infer_kind(term) == BOOL
    template = choose_template(operator, is_condition)
    assert sorted(list_placeholders(template)) == sorted(slot.name for slot in operator.slots)
    text = describe_term(term)
    assert not set(text) & set("{}[]~")
    assert is_condition or text.startswith(("the ", "minus ", "2 × ", "(", "e to"))


def list_words(program: Program) -> str:
    return "\n".join(f"  {rule or '-'}: {text}" for rule, text in describe_program(program))


def test_plain_words() -> None:
    lines = ["-- operators", ""]
    for operator in catalog():
        lines += [operator.example, f"  {describe_term(read_term(operator.example))}"]
    lines += ["", "-- conditions", ""]
    for text in CONDITIONS.strip().splitlines():
        lines += [text, f"  {describe_term(read_term(text))}"]
    lines += ["", "-- rules", ""]
    for text in RULES.strip().splitlines():
        lines += [text, list_words(check(f"strategy s {{ {text} }}"))]
    lines += ["", "-- defines", USER_DEFINED.rstrip(), list_words(check(USER_DEFINED))]
    lines += ["", "-- shipped strategies", ""]
    for path in SHIPPED:
        for program in check_file(path.read_text("utf-8"), str(path)):
            lines += [program.name, list_words(program)]
    lines += ["", "-- random strategies", ""]
    for program in random_programs(8, 3):
        lines += [compact_text(program), list_words(program)]
    golden(Path(__file__).parent / "golden" / "plain_words.txt", "\n".join(lines) + "\n")


def test_a_random_program_is_described_by_balanced_phrases() -> None:
    for program in random_programs(150, 8):
        sentences = describe_program(program)
        names = [name for name, _ in program.rules.written.named()]
        assert [rule for rule, _ in sentences if rule] == names
        for _, text in sentences:
            assert text.count("(") == text.count(")")
            assert text.endswith(".") and text[0].isupper()
            assert not re.search(r"[{}\[\]~]|  | ,", text), text


PAIRS = {
    "a condition in another": ("(A and B) or C", "A and (B or C)"),
    "a negation": ("not (A and B)", "not A and B"),
    "a difference": ("x - y - z > 0", "x - (y - z) > 0"),
    "an average": ("sma(x - y, 5) > 0", "sma(x, 5) - y > 0"),
    "a quotient": ("(x - y) / z > 1", "x - y / z > 1"),
    "a lag": ("sma(x, 5)[2] > 0", "sma(x[2], 5) > 0"),
    "an event": ("any(A and B, 5)", "any(A, 5) and B"),
    "a negated event": ("not any(A, 5)", "any(not A, 5)"),
    "a covariance": ("covariance(x - y, z, 5) > 0", "covariance(x, y - z, 5) > 0"),
}


@pytest.mark.parametrize("name", PAIRS)
def test_different_groupings_have_different_words(name: str) -> None:
    letters = {
        "A": "close > open", "B": "low > low[1]", "C": "high > high[1]", "x": "close",
        "y": "open", "z": "low",
    }  # fmt: skip
    one, other = (
        describe_term(read_term(re.sub(r"\b[ABCxyz]\b", lambda m: f"{letters[m[0]]}", text)))
        for text in PAIRS[name]
    )
    assert one != other


def test_the_words_of_a_fill_are_those_of_the_market() -> None:
    program = check("strategy s { buy when close > open hold 5 }")
    (buy, _) = describe_program(program, "at the next close")
    assert buy.text == "Buys at the next close when the close is above the open."


def test_a_phrase_with_an_unknown_argument_is_an_error() -> None:
    text = 'define f(x: number) -> like x phrase "the f of {y}" = 2 * x'
    with pytest.raises(LanguageError, match="unknown argument `y` in the phrase of `f`"):
        check(f"{text} strategy s {{ buy when f(close) > open hold 5 }}")


def test_the_phrase_of_a_define_is_printed() -> None:
    text = 'define f(x: number) -> like x about "twice" phrase "twice {x}" = 2 * x\n'
    program = check(f"{text} strategy s {{ buy when f(close) > open hold 5 }}")
    assert compact_text(program).startswith(text.strip())
    buy = describe_program(program)[0]
    assert buy.text == "Buys at the next open when twice the close is above the open."
