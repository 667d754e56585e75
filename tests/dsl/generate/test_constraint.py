"""The constraint grammar: what a decoder may write is what the language reads, and ends."""

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
from dsl.generate.json_schema import json_schema, text_of_tree, tree_of
from dsl.generate.lark import lark_text
from dsl.generate.numbers import constants, whole_numbers
from dsl.generate.rules import Grammar
from dsl.syntax.literals import format_number
from evolve.search.space import build_space
from tests.dsl.generate.gbnf import Gbnf
from tests.dsl.generate.walk import accepts, complaints, matcher, sentence
from tests.samples import random_bars

SENTENCES = 3000
LIMITS = [(("long",), 40), (("long", "short"), 200), (("short",), 12), (("long",), 6)]


@cache
def grammar(directions: tuple[str, ...] = ("long", "short"), max_nodes: int = 200) -> Grammar:
    space = build_space(directions=directions, max_nodes=max_nodes)
    return constraint_grammar(space.productions, directions, max_nodes)


@cache
def sentences() -> tuple[str, ...]:
    walker, rng = matcher(lark_text(grammar())), Random(1)
    return tuple(sentence(walker, rng) for _ in range(SENTENCES))


@pytest.mark.parametrize(("directions", "max_nodes"), LIMITS)
def test_the_grammar_has_no_error_and_no_warning(
    directions: tuple[str, ...], max_nodes: int
) -> None:
    assert complaints(lark_text(grammar(directions, max_nodes))) == []


@pytest.mark.slow
def test_every_sentence_is_a_sound_program_that_can_be_evaluated() -> None:
    evaluator = Evaluator(random_bars(1, 60))
    programs = [check(text) for text in sentences()]
    assert len({program.hash for program in programs}) > SENTENCES / 2
    assert max(program.nodes for program in programs) <= 200
    for program in programs:
        evaluator.signals([program])


@pytest.mark.parametrize(("directions", "max_nodes"), LIMITS)
def test_limits_and_directions_hold(directions: tuple[str, ...], max_nodes: int) -> None:
    walker, rng = matcher(lark_text(grammar(directions, max_nodes))), Random(2)
    for _ in range(200):
        rules = check(sentence(walker, rng)).rules
        assert rules.nodes <= max_nodes
        assert "long" in directions or rules.buy is None
        assert "short" in directions or rules.short is None


def test_the_operators_of_an_experiment_are_the_only_ones() -> None:
    space = build_space(["sma", "rsi"])
    text = lark_text(constraint_grammar(space.productions, ("long",), 40))
    assert set(re.findall(r'"(\w+)\(', text)) == {"sma", "rsi"}


def test_too_small_a_limit_is_refused() -> None:
    with pytest.raises(ValueError, match="at most 2 nodes"):
        constraint_grammar(build_space().productions, ("long",), 2)


def test_a_second_reader_takes_the_same_grammar() -> None:
    text = lark_text(grammar(("long",), 40))
    reader = Lark(text, parser="earley", lexer="dynamic")
    walker, rng = matcher(text), Random(3)
    for _ in range(60):
        assert reader.parse(sentence(walker, rng))


@pytest.mark.slow
def test_gbnf_accepts_what_lark_accepts() -> None:
    other, own = Gbnf(gbnf_text(grammar())), matcher(lark_text(grammar()))
    rng = Random(4)
    for text in sentences()[:80]:
        assert other.accepts(text)
        changed = mutated(text, rng)
        assert other.accepts(changed) == accepts(own, changed)


@pytest.mark.slow
def test_the_schema_accepts_the_tree_of_every_sentence() -> None:
    schema = json_schema(grammar())
    validator = jsonschema.Draft202012Validator(schema)
    validator.check_schema(schema)
    for text in sentences()[:100]:
        tree = filled(tree_of(text))
        validator.validate(tree)
        assert text_of_tree(tree) == text


def test_the_grammar_accepts_the_text_of_every_tree() -> None:
    schema = LLMatcher.grammar_from_json_schema(
        json_schema(grammar()), overrides={"whitespace_flexible": False}
    )
    assert complaints(schema) == []
    walker, own, rng = matcher(schema), matcher(lark_text(grammar())), Random(6)
    for _ in range(SENTENCES // 10):
        tree = json.loads(sentence(walker, rng))
        assert accepts(own, text_of_tree(tree))


@pytest.mark.parametrize(
    "tree",
    [
        {}, {"strategy": None}, {"strategy": []}, {"strategy": {"buy": {"a": 1, "b": 2}}},
        {"strategy": {"buy": {"sma": "close"}}}, {"strategy": {"buy": {"nothing": {"x": "1"}}}},
        {"strategy": {"buy": {"sma": {"x": "close"}}}}, {"strategy": {"buy": [1]}},
        {"strategy": {"buy": True}},
    ],
)  # fmt: skip
def test_what_is_no_tree_is_refused_in_words(tree: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"is not|is neither|is an object|there is no|arguments"):
        text_of_tree(tree)


def filled(tree: dict[str, dict[str, object]]) -> dict[str, dict[str, object]]:
    """The tree with every setting there is, null where it was left out."""
    settings = dict.fromkeys(grammar().settings)
    orders = {k: v for k, v in tree["strategy"].items() if k not in settings}
    return {"strategy": {"about": None, **orders, **settings, **tree["strategy"]}}


def mutated(text: str, rng: Random) -> str:
    place = rng.randrange(len(text))
    other = rng.choice(["", "x", "1", " ", ")", "sma(", text[place]])
    return text[:place] + other + text[place + 1 :]


@pytest.mark.parametrize(("low", "high"), [(1, 9), (2, 200), (5, 5), (17, 243), (1, 5000), (8, 30)])
def test_patterns_of_whole_numbers_are_exact(low: int, high: int) -> None:
    pattern = re.compile("|".join(whole_numbers(low, high)))
    matched = [value for value in range(12_000) if pattern.fullmatch(str(value))]
    assert matched == list(range(low, high + 1))
    assert not pattern.fullmatch("007")


def test_constants_lie_on_a_grid_within_their_range() -> None:
    for low, high in ((-2.5, 2.5), (10, 90), (0.002, 0.04), (0.25, 4.0), (-200, 200)):
        written = [each.replace("[.]", ".") for each in constants(low, high, 6)]
        found = sorted(map(float, written))
        assert low <= found[0] <= found[-1] <= high
        assert 20 <= len(found) <= 101
        assert sorted(map(format_number, found)) == sorted(written)
