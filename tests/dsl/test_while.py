"""Tests of `buy while C`, which is `buy when C` with `sell when not C`."""

from __future__ import annotations

import pickle
from functools import cache
from random import Random

import jsonschema
import numpy as np
import pytest

from dsl.analysis.check import check, inspect
from dsl.analysis.program import Program, Rules
from dsl.bars import Bars
from dsl.evaluate import Evaluator
from dsl.generate.gbnf import gbnf_text
from dsl.generate.grammar import constraint_grammar
from dsl.generate.json_schema import format_tree, json_schema, parse_tree
from dsl.generate.lark import lark_text
from dsl.generate.rules import Grammar
from dsl.printing.decompile import compact_text, format_program
from dsl.printing.plain_words import describe_program
from dsl.syntax.printer import format_text
from dsl.syntax.vocabulary import DIRECTION_ORDERS, DirectionName
from dsl.terms.text import format_term
from dsl.types.kinds import BOOL
from evolve.backtest.backtest import Backtester
from evolve.backtest.market import market
from evolve.search.edit import list_parts, replace_part
from evolve.search.grow import grow_condition, grow_setting
from evolve.search.space import build_space
from tests.dsl.generate.gbnf import Gbnf
from tests.dsl.generate.walk import accepts, build_matcher, draw_sentence
from tests.programs import space_of
from tests.samples import gappy_bars, random_bars, tied_bars

SEEDS = range(40)
SIDES = tuple(DIRECTION_ORDERS)
RISE = "close > sma(close, 20)"


def strategy(statements: str) -> str:
    return f"strategy s {{ {statements} }}"


def draw_pair(seed: int) -> tuple[str, str]:
    """Draw statements with `while`, and the same with an entry and an exit."""
    rng, space = Random(seed), space_of()
    short, long = [], []
    for side in SIDES if rng.random() < 0.3 else (rng.choice(SIDES),):
        entry, leave = DIRECTION_ORDERS[side]
        condition = format_term(grow_condition(space, rng))
        short.append(f"{entry} while {condition}")
        long.append(f"{entry} when {condition} {leave} when not ({condition})")
    rest = f"stop {format_term(grow_setting('stop', space, rng))}" if rng.random() < 0.5 else ""
    return strategy(" ".join([*short, rest])), strategy(" ".join([*long, rest]))


@pytest.mark.parametrize("seed", SEEDS)
def test_it_is_the_pair_of_an_entry_and_its_negation(seed: int) -> None:
    held, pair = map(check, draw_pair(seed))
    assert held == pair
    assert held.key == pair.key
    assert held.nodes == pair.nodes


@pytest.mark.parametrize("seed", SEEDS)
def test_a_condition_counts_once(seed: int) -> None:
    text, _ = draw_pair(seed)
    program = check(text)
    written = [each for each in program.rules.written if each is not None]
    assert program.nodes == sum(each.size for each in written)
    assert len(written) == text.count(" while ") + text.count(" stop ")
    assert program.nodes == len(list_parts(program.rules))


@pytest.mark.parametrize("make_bars", [random_bars, gappy_bars, tied_bars])
def test_it_orders_the_exit_where_the_condition_is_known_to_fail(make_bars: object) -> None:
    assert callable(make_bars)
    bars: Bars = make_bars(3, 150)
    evaluator, unknown = Evaluator(bars), 0
    for seed in SEEDS:
        text, pair = draw_pair(seed)
        program = check(text)
        signals, others = (evaluator.signals([each]) for each in (program, check(pair)))
        assert (signals.orders == others.orders).all()
        for side in program.rules.tied:
            entry, leave = map(signals.order, DIRECTION_ORDERS[side])
            assert not (entry & leave).any()
            unknown += int((~entry & ~leave).sum())
    assert unknown > 0


@pytest.mark.parametrize("seed", SEEDS)
def test_it_has_the_trades_and_the_equity_of_the_pair(seed: int) -> None:
    run = Backtester(random_bars(seed, 300), market())
    held, pair = (run(check(text)) for text in draw_pair(seed))
    assert held.trades == pair.trades
    assert np.array_equal(held.equity, pair.equity)


@pytest.mark.parametrize("seed", SEEDS)
def test_it_is_printed_as_it_is_written(seed: int) -> None:
    text, pair = draw_pair(seed)
    tidy = format_text(text)
    assert tidy.count(" while ") == text.count(" while ")
    assert format_text(tidy) == tidy
    assert check(tidy) == check(text)
    assert " while " not in format_text(pair)
    for program in (check(text), check(pair)):
        assert compact_text(program).count(" while ") == text.count(" while ")
        for printed in (format_program(program), compact_text(program)):
            assert check(printed) == program


def test_a_comment_and_a_long_condition_are_preserved() -> None:
    condition = " and ".join(f"close > sma(close, {n})" for n in (20, 50, 100, 200))
    tidy = format_text(f"strategy s {{ # about\n buy while {condition} # up\n}}")
    assert "  buy while close > sma(close, 20)\n" in tidy
    assert tidy.rstrip().endswith("and close > sma(close, 200)  # up\n}")
    assert format_text(tidy) == tidy


def test_a_tied_program_crosses_processes() -> None:
    program = check(strategy(f"short while {RISE}"))
    assert pickle.loads(pickle.dumps(program)).rules.tied == ("short",)  # noqa: S301


# -- errors and warnings


@pytest.mark.parametrize(
    ("statements", "message", "hint"),
    [
        (f"buy while {RISE} sell when close < open",
         "duplicate `sell` in strategy `s`: `buy while` contains it",
         "write `buy when …` to give it a `sell` of its own"),
        (f"sell when close < open buy while {RISE}",
         "duplicate `sell` in strategy `s`: `buy while` contains it",
         "write `buy when …` to give it a `sell` of its own"),
        (f"short while {RISE} cover when close < open",
         "duplicate `cover` in strategy `s`: `short while` contains it",
         "write `short when …` to give it a `cover` of its own"),
        (f"buy while {RISE} buy when close < open", "duplicate `buy` in strategy `s`",
         "remove one, or join their conditions with `or`"),
        (f"buy while {RISE} buy while close < open", "duplicate `buy` in strategy `s`",
         "remove one, or join their conditions with `or`"),
    ],
)  # fmt: skip
def test_a_second_order_is_an_error(statements: str, message: str, hint: str) -> None:
    (error,) = inspect(strategy(statements)).errors
    assert (error.code, error.message, error.hint) == ("E105", message, hint)


def test_its_exit_is_no_missing_exit_and_no_blocking_one() -> None:
    for statements in (f"buy while {RISE}", f"buy while {RISE} short while close < open"):
        assert inspect(strategy(statements)).diagnostics == ()
    codes = [each.code for each in inspect(strategy("buy while rsi(close, 2) > 200")).warnings]
    assert codes == ["W404"]


# -- the rules of a program


@pytest.mark.parametrize("side", SIDES)
def test_an_edit_of_a_tied_condition_keeps_the_tie(side: DirectionName) -> None:
    entry, leave = DIRECTION_ORDERS[side]
    for seed in SEEDS:
        rng = Random(seed)
        rules = Rules(**{entry: grow_condition(space_of(), rng)}).tie(side)
        index = rng.randrange(len(list_parts(rules)))
        part = list_parts(rules)[index]
        new = grow_condition(space_of(), rng) if part.domain == BOOL else part.term
        changed = replace_part(rules, index, new)
        assert changed.is_tied(side)
        assert (changed == rules) == (new is part.term)
        assert changed.nodes == rules.nodes - part.term.size + new.size
        assert getattr(changed, leave).args[0] is getattr(changed, entry)


def test_ties_are_read_tied_and_untied() -> None:
    rules = check(strategy(f"buy while {RISE} short when close < open hold 9")).rules
    assert rules.tied == ("long",)
    assert [rules.head(name) for name, _ in rules.written.named()] == [
        "buy while", "short when", "hold",
    ]  # fmt: skip
    both = rules.tie("short")
    assert both.tied == ("long", "short")
    assert both.untie("short") == rules
    assert rules.untie("short", rules.buy) == rules
    assert rules.untie("long", rules.short).sell is rules.short
    assert rules.untie("long").tied == ()
    assert rules.replace_rule("sell", rules.short) == rules.untie("long", rules.short)
    assert rules.replace_rule("buy", None) == rules._replace(buy=None, sell=None)
    assert rules.replace_rule("hold", None).tied == ("long",)
    assert Rules(sell=rules.sell).tied == ()


# -- constraint grammars


@cache
def grammar() -> Grammar:
    space = build_space(["sma", "rsi"], SIDES, 60)
    return constraint_grammar(space.productions, SIDES, 60)


ACCEPTED = {
    f"buy while {RISE} ": True,
    f"short while {RISE} hold 9 ": True,
    f"buy while {RISE} short while close < open ": True,
    f"buy while {RISE} sell when close < open ": False,
    f"buy while {RISE} buy when close < open ": False,
    f"sell while {RISE} ": False,
    f"cover while {RISE} ": False,
    f"buy when {RISE} sell when close < open ": True,
}


@pytest.mark.parametrize("statements", ACCEPTED)
def test_the_grammars_accept_it_like_the_checker(statements: str) -> None:
    text = f"strategy evolved {{ {statements}}}"
    expected = ACCEPTED[statements]
    assert accepts(build_matcher(lark_text(grammar())), text) == expected
    assert Gbnf(gbnf_text(grammar())).accepts(text) == expected
    assert (not inspect(text).errors) == expected
    if expected:
        tree = parse_tree(text)
        assert format_tree(tree) == text
        jsonschema.validate({"strategy": {**OMITTED, **tree["strategy"]}}, json_schema(grammar()))


OMITTED = dict.fromkeys(("about", "size", "stop", "trail", "target", "hold"))


def test_the_schema_names_the_statement() -> None:
    tree = {"strategy": {"buy while": {"<": {"x": "close", "y": "open"}}, **OMITTED}}
    jsonschema.validate(tree, json_schema(grammar()))
    assert check(format_tree(tree)).rules.tied == ("long",)
    tree["strategy"]["sell"] = tree["strategy"]["buy while"]
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(tree, json_schema(grammar()))


def test_the_grammar_draws_it_and_its_sentences_are_valid() -> None:
    matcher, rng = build_matcher(lark_text(grammar())), Random(5)
    programs = [check(draw_sentence(matcher, rng)) for _ in range(100)]
    sides = [each.rules.tied for each in programs]
    assert {(), ("long",), ("short",), SIDES} <= set(sides)
    assert max(each.nodes for each in programs) <= 60


# -- plain words


def list_words(statements: str) -> list[str]:
    return [each.text for each in describe_program(check(strategy(statements)))]


def test_its_words_name_both_orders() -> None:
    condition = "the close is above the open"
    assert list_words("buy while close > open") == [
        f"Is in the market while {condition}: buys and sells at the next open."
    ]
    assert list_words("short while close > open hold 9") == [
        f"Is short while {condition}: sells short and buys back at the next open.",
        "Exits after 9 bars at most.",
    ]


def test_a_program_of_rules_is_printed_with_its_tie() -> None:
    rules = check(strategy(f"buy while {RISE}")).rules
    assert compact_text(Program("s", rules)) == strategy(f"buy while {RISE}")
