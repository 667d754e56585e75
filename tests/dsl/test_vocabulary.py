"""Tests that the vocabulary and the grammar file have the same words."""

from __future__ import annotations

import re
from pathlib import Path
from typing import get_args

import pytest

from dsl.analysis.check import check
from dsl.analysis.program import Rules
from dsl.syntax.parser import keywords
from dsl.syntax.vocabulary import (
    DIRECTION_ORDERS,
    ENTRIES,
    ITEMS,
    LOGIC,
    ORDERS,
    RESERVED,
    SERIES_SETTINGS,
    SETTINGS,
    STATEMENTS,
    USAGES,
)
from dsl.types.kinds import Family

GRAMMAR = (Path(__file__).parents[2] / "grammar" / "strategy.lark").read_text("utf-8")
KINDS = {"number", *get_args(Family)} - {"scalar"}  # only literals are scalars
IN_SIGNATURES = {"also", "like", "distance", "typical", "phrase", "usage", *USAGES, *KINDS}


def list_terminals(name: str) -> tuple[str, ...]:
    """Return the terminals of a rule of the grammar, in order."""
    match = re.search(rf"^\??{name}: (.*)$", GRAMMAR, re.MULTILINE)
    assert match is not None
    return tuple(word.lower() for word in re.findall(r"\b_?([A-Z]+)\b", match.group(1)))


def test_the_grammar_has_a_terminal_for_each_word_and_no_other() -> None:
    assert keywords() == {*RESERVED, *IN_SIGNATURES}


def test_each_word_is_declared_once() -> None:
    assert len(RESERVED) == len(set(RESERVED))


def test_names_exclude_all_reserved_words() -> None:
    match = re.search(r"^NAME: /\(\?!\(([a-z|]+)\)", GRAMMAR, re.MULTILINE)
    assert match is not None
    assert sorted(match.group(1).split("|")) == sorted(RESERVED)


def test_the_rules_of_the_grammar_have_the_words_of_the_vocabulary() -> None:
    assert list_terminals("order") == (*ORDERS, "when")
    assert list_terminals("holding") == (*ENTRIES, "while")
    assert list_terminals("setting") == SETTINGS
    assert tuple(word for word in ITEMS if list_terminals(word)[0] == word) == ITEMS
    statements = re.search(r"^_statement: (.*)$", GRAMMAR, re.MULTILINE)
    assert statements is not None
    declared = statements.group(1).split(" | ")
    assert (*declared[:-3], *ORDERS, *SETTINGS) == STATEMENTS
    assert set(LOGIC) <= {*list_terminals("_operand"), *list_terminals("_infix")}


def test_a_strategy_has_a_rule_for_each_order_and_setting() -> None:
    assert Rules._fields == (*ORDERS, *SETTINGS)
    assert {each for side in DIRECTION_ORDERS.values() for each in side} == set(ORDERS)
    assert (*SERIES_SETTINGS, "hold") == SETTINGS


@pytest.mark.parametrize("entry", ENTRIES)
def test_each_entry_opens_a_position(entry: str) -> None:
    assert check(f"strategy s {{ {entry} when close > open hold 5 }}").rules.named()[0][0] == entry
