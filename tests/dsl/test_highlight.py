"""Classes of the tokens of a source text."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dsl.analysis.catalog import catalog
from dsl.printing.decompile import format_program
from dsl.printing.highlight import tokenize
from dsl.syntax.parser import keywords
from dsl.syntax.vocabulary import RESERVED
from tests.programs import random_programs

ROOT = Path(__file__).parents[2]
SHIPPED = [*(ROOT / "experiments" / "strategies").glob("*.evo"), ROOT / "dsl/operators/prelude.evo"]


def list_tokens(source: str, kind: str) -> list[str]:
    return [token.text for token in tokenize(source) if token.kind == kind]


def join(source: str) -> str:
    return "".join(token.text for token in tokenize(source))


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_the_tokens_of_a_shipped_file_are_its_text(path: Path) -> None:
    source = path.read_text("utf-8")
    assert join(source) == source
    assert {"keyword", "name", "operator", "number"} <= {token.kind for token in tokenize(source)}


def test_the_tokens_of_a_random_program_are_its_text() -> None:
    for program in random_programs(100, 4):
        source = format_program(program)
        assert join(source) == source
        words = {
            word for token in tokenize(source) if not token.kind for word in token.text.split()
        }
        assert not words & {*RESERVED, *catalog().operators}


@given(st.text() | st.text(alphabet='ab1.%"#(){}<>=-+ \n\t'))
def test_the_tokens_of_any_text_are_its_text(source: str) -> None:
    assert join(source) == source


SOURCE = """# the best "one"
define dip(x: number, n: window 1..50 = 20) -> change typical -inf..8% also drop
  about "a # dip" = x / highest(x, n) - 1
strategy s {
  param n = 20 in 5..60 step 5  # bars
  let count_up = count(close > obv, n)
  buy when dip(close, n) <= -5% and not count_up > .5
  sell when true
}
"""


def test_each_token_has_its_class() -> None:
    assert list_tokens(SOURCE, "keyword") == [
        "define", "number", "window", "change", "typical", "also", "about", "strategy", "param",
        "in", "step", "let", "buy", "when", "and", "not", "sell", "when", "true",
    ]  # fmt: skip
    assert list_tokens(SOURCE, "name") == [
        "dip", "highest", "count", "close", "obv", "dip", "close",
    ]  # fmt: skip
    assert list_tokens(SOURCE, "operator") == ["->", "-", "/", "-", ">", "<=", "-", ">"]
    numbers = ["1", "50", "20", "inf", "8%", "1", "20", "5", "60", "5", "5%", ".5"]
    assert list_tokens(SOURCE, "number") == numbers
    assert list_tokens(SOURCE, "string") == ['"a # dip"']
    assert list_tokens(SOURCE, "comment") == ['# the best "one"', "# bars"]


@pytest.mark.parametrize("word", sorted(keywords() - {*RESERVED}))
def test_a_word_of_signatures_is_a_keyword_only_there(word: str) -> None:
    signature = f"define f(x: {word}) -> {word} also g = x"
    assert list_tokens(signature, "keyword") == ["define", word, word, "also"]
    body = f"strategy s {{ let y = {word}(close, 3) }}"
    assert list_tokens(body, "keyword") == ["strategy", "let"]
    assert word in list_tokens(body, "name")


@pytest.mark.parametrize("name", ["SMA", "ta.sma", "mean", "sma"])
def test_other_names_of_an_operator_are_names(name: str) -> None:
    assert list_tokens(f"buy when close > {name} (close, 3)", "name") == ["close", name, "close"]
