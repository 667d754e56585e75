"""Constraint grammar: every sentence is a valid program, in Lark, GBNF and JSON schema."""

from __future__ import annotations

import json
import re
from functools import cache
from random import Random

import jsonschema
import pytest
from lark import Lark
from llguidance import LLMatcher

from dsl.analysis.check import check
from dsl.evaluate import Evaluator
from dsl.generate.gbnf import gbnf_text
from dsl.generate.grammar import constraint_grammar
from dsl.generate.json_schema import format_tree, json_schema, parse_tree
from dsl.generate.lark import lark_text
from dsl.generate.numbers import constants, whole_numbers
from dsl.generate.rules import Grammar
from dsl.syntax.literals import format_number
from evolve.search.space import build_space
from tests.dsl.generate.gbnf import Gbnf
from tests.dsl.generate.walk import accepts, build_matcher, draw_sentence, list_messages
from tests.params import thin_out
from tests.samples import random_bars

SENTENCES = 3000
LIMITS = [(("long",), 40), (("long", "short"), 200), (("short",), 12), (("long",), 6)]


@cache
def grammar(directions: tuple[str, ...] = ("long", "short"), max_nodes: int = 200) -> Grammar:
    space = build_space(directions=directions, max_nodes=max_nodes)
    return constraint_grammar(space.productions, directions, max_nodes)


@cache
def sentences() -> tuple[str, ...]:
    matcher, rng = build_matcher(lark_text(grammar())), Random(1)
    return tuple(draw_sentence(matcher, rng) for _ in range(SENTENCES))


@pytest.mark.parametrize(("directions", "max_nodes"), thin_out(LIMITS, 3))
def test_the_grammar_has_no_error_and_no_warning(
    directions: tuple[str, ...], max_nodes: int
) -> None:
    assert list_messages(lark_text(grammar(directions, max_nodes))) == []


@pytest.mark.slow
def test_every_sentence_is_a_valid_program_that_can_be_evaluated() -> None:
    evaluator = Evaluator(random_bars(1, 60))
    programs = [check(text) for text in sentences()]
    assert len({program.hash for program in programs}) > SENTENCES / 2
    assert max(program.nodes for program in programs) <= 200
    for program in programs:
        evaluator.signals([program])


@pytest.mark.parametrize(("directions", "max_nodes"), thin_out(LIMITS, 3))
def test_sentences_respect_the_node_limit_and_the_directions(
    directions: tuple[str, ...], max_nodes: int
) -> None:
    matcher, rng = build_matcher(lark_text(grammar(directions, max_nodes))), Random(2)
    for _ in range(200):
        rules = check(draw_sentence(matcher, rng)).rules
        assert rules.nodes <= max_nodes
        assert "long" in directions or rules.buy is None
        assert "short" in directions or rules.short is None


def test_the_grammar_contains_only_the_operators_of_the_experiment() -> None:
    space = build_space(["sma", "rsi"])
    text = lark_text(constraint_grammar(space.productions, ("long",), 40))
    assert set(re.findall(r'"(\w+)\(', text)) == {"sma", "rsi"}


@pytest.mark.slow
def test_a_node_limit_below_the_smallest_strategy_is_rejected() -> None:
    with pytest.raises(ValueError, match="at most 2 nodes"):
        constraint_grammar(build_space().productions, ("long",), 2)


def test_lark_parses_the_sentences_of_llguidance() -> None:
    text = lark_text(grammar(("long",), 40))
    parser = Lark(text, parser="earley", lexer="dynamic")
    matcher, rng = build_matcher(text), Random(3)
    for _ in range(60):
        assert parser.parse(draw_sentence(matcher, rng))


@pytest.mark.slow
def test_gbnf_accepts_what_lark_accepts() -> None:
    gbnf, lark = Gbnf(gbnf_text(grammar())), build_matcher(lark_text(grammar()))
    rng = Random(4)
    for text in sentences()[:80]:
        assert gbnf.accepts(text)
        mutant = mutate(text, rng)
        assert gbnf.accepts(mutant) == accepts(lark, mutant)


@pytest.mark.slow
def test_the_schema_accepts_the_tree_of_every_sentence() -> None:
    schema = json_schema(grammar())
    validator = jsonschema.Draft202012Validator(schema)
    validator.check_schema(schema)
    for text in sentences()[:100]:
        tree = fill(parse_tree(text))
        validator.validate(tree)
        assert format_tree(tree) == text


@pytest.mark.slow
def test_the_grammar_accepts_the_text_of_every_tree() -> None:
    schema = LLMatcher.grammar_from_json_schema(
        json_schema(grammar()), overrides={"whitespace_flexible": False}
    )
    assert list_messages(schema) == []
    matcher, lark, rng = build_matcher(schema), build_matcher(lark_text(grammar())), Random(6)
    for _ in range(SENTENCES // 10):
        tree = json.loads(draw_sentence(matcher, rng))
        assert accepts(lark, format_tree(tree))


@pytest.mark.parametrize(
    "tree",
    [
        {}, {"strategy": None}, {"strategy": []}, {"strategy": {"buy": {"a": 1, "b": 2}}},
        {"strategy": {"buy": {"sma": "close"}}}, {"strategy": {"buy": {"nothing": {"x": "1"}}}},
        {"strategy": {"buy": {"sma": {"x": "close"}}}}, {"strategy": {"buy": [1]}},
        {"strategy": {"buy": True}},
    ],
)  # fmt: skip
def test_an_invalid_tree_is_rejected_with_a_message(tree: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"^expected|^unknown operator `nothing`$"):
        format_tree(tree)


def fill(tree: dict[str, dict[str, object]]) -> dict[str, dict[str, object]]:
    """Return a tree with omitted settings as null."""
    settings = dict.fromkeys(grammar().settings)
    orders = {k: v for k, v in tree["strategy"].items() if k not in settings}
    return {"strategy": {"about": None, **orders, **settings, **tree["strategy"]}}


def mutate(text: str, rng: Random) -> str:
    index = rng.randrange(len(text))
    replacement = rng.choice(["", "x", "1", " ", ")", "sma(", text[index]])
    return text[:index] + replacement + text[index + 1 :]


@pytest.mark.parametrize(("low", "high"), [(1, 9), (2, 200), (5, 5), (17, 243), (1, 5000), (8, 30)])
def test_patterns_of_whole_numbers_are_exact(low: int, high: int) -> None:
    pattern = re.compile("|".join(whole_numbers(low, high)))
    matched = [value for value in range(12_000) if pattern.fullmatch(str(value))]
    assert matched == list(range(low, high + 1))
    assert not pattern.fullmatch("007")


def test_patterns_of_constants_are_a_grid_within_the_range() -> None:
    for low, high in ((-2.5, 2.5), (10, 90), (0.002, 0.04), (0.25, 4.0), (-200, 200)):
        texts = [each.replace("[.]", ".") for each in constants(low, high, 6)]
        values = sorted(map(float, texts))
        assert low <= values[0] <= values[-1] <= high
        assert 20 <= len(values) <= 101
        assert sorted(map(format_number, values)) == sorted(texts)
