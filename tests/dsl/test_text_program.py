"""Programs that are given by their text."""

from __future__ import annotations

import pickle
from typing import Any

import pytest

from dsl.analysis import text_program
from dsl.analysis.catalog import catalog
from dsl.analysis.check import check, check_file, extend_catalog
from dsl.analysis.program import Program
from dsl.analysis.text_program import TextProgram
from dsl.diagnostics import LanguageError
from dsl.printing.decompile import compact_text, format_program

SOURCE = """
define dip(x: number, n: window = 5) -> change = x / highest(x, n) - 1

strategy pullback {
  about "Buys dips."
  param days = 8 in 3..20
  buy when dip(close, days) < -4%
  sell when rsi(close, 14) > 60
  stop 3 * atr(14)
}
"""


def build(program: Program) -> TextProgram:
    return TextProgram(compact_text(program), program.key, program.nodes, program.name)


def test_text_key_size_and_name_need_no_parsing(monkeypatch: pytest.MonkeyPatch) -> None:
    program = check(SOURCE)
    by_text = build(program)

    def refuse(*_: Any) -> Program:
        raise AssertionError("parsed")

    monkeypatch.setattr(text_program, "check", refuse)
    assert compact_text(by_text) == compact_text(program)
    assert (by_text.key, by_text.hash) == (program.key, program.hash)
    assert (by_text.nodes, by_text.name) == (program.nodes, "pullback")
    with pytest.raises(AssertionError, match="parsed"):
        _ = by_text.rules


def test_a_program_by_its_text_is_equal_to_the_program() -> None:
    program = check(SOURCE)
    by_text = build(program)
    assert by_text == program
    assert program == by_text
    assert hash(by_text) == hash(program)
    assert by_text != "text"
    assert by_text != check(SOURCE.replace("4%", "5%"))
    assert by_text.rules == program.rules
    assert by_text.about == "Buys dips."
    assert by_text.canonical == program.canonical
    assert format_program(by_text) == format_program(program)


def test_a_program_by_its_text_is_pickled_as_its_text() -> None:
    by_text = build(check(SOURCE))
    assert by_text.rules.buy is not None
    data = pickle.dumps(by_text)
    assert b"Term" not in data
    assert pickle.loads(data) == by_text  # noqa: S301
    assert "rules" not in vars(pickle.loads(data))  # noqa: S301


def test_a_text_of_another_key_is_an_error() -> None:
    other = check(SOURCE.replace("4%", "5%"))
    wrong = TextProgram(compact_text(check(SOURCE)), other.key, other.nodes, other.name)
    with pytest.raises(ValueError, match=f"expected a program of hash {other.hash}"):
        _ = wrong.rules


def test_a_text_without_a_strategy_is_an_error() -> None:
    with pytest.raises(LanguageError):
        _ = TextProgram("strategy", bytes(16), 1, "x").rules


def test_an_operator_is_that_of_the_catalog_although_its_comments_are_lost() -> None:
    known = extend_catalog(
        "# A fall.\ndefine fall2(x: number) -> change = x / x[1] - 1  # a", "d", catalog()
    )
    (program,) = check_file("strategy a { buy when fall2(close) < -4% }", "s", known)
    assert build(program).defines == program.defines == (known.operator("fall2"),)
    assert format_program(build(program)) == format_program(program)
    assert "# A fall." in format_program(program)
