"""Fixed rules in prompts and answers: models see them, and each proposal has them as given."""

from __future__ import annotations

import re
from dataclasses import replace
from random import Random

import pytest

from dsl.analysis.check import check
from dsl.analysis.program import Rules
from evolve.llm.answer.parse import ParsedAnswer, parse_answer
from evolve.search.space import Space, build_space
from tests.llm.test_builder import TRAIN

MINE = check(
    "strategy mine { param spy_days = 2 in 2..9 "
    "buy when rsi(close, spy_days) < 10 and close > 30 stop 3% }"
)
FIXED = Rules(buy=MINE.rules.buy, stop=MINE.rules.stop)
BUY = "param spy_days = 2 in 2..9 buy when rsi(close, spy_days) < 10 and close > 30"


def space_with(fixed: Rules, *operators: str) -> Space:
    return build_space(operators or None, ("long",), 40, fixed=fixed)


def read(text: str, space: Space | None = None) -> ParsedAnswer:
    return parse_answer(f"strategy s {{ {text} }}", "", space or space_with(FIXED))


@pytest.mark.parametrize("text", [
    f"{BUY} sell when close < open stop 3%", f"{BUY} sell when close < open",
    "buy when close > open sell when close < open stop 5%",
    "param spy_days = 30 buy when close > sma(close, spy_days) sell when close < open",
])  # fmt: skip
def test_a_proposal_has_the_fixed_rules_as_given(text: str) -> None:
    (program,) = read(text).programs
    assert program.rules == FIXED._replace(sell=program.rules.sell)
    assert (
        program.rules.sell
        is check("strategy s { buy when close > 1 sell when close < open }").rules.sell
    )


def test_equal_proposals_are_one() -> None:
    answers = [f"strategy s{n} {{ buy when close > sma(close, {n}) hold 3 }}" for n in (5, 6)]
    parsed = parse_answer(" ".join(answers), "", space_with(FIXED))
    assert len(parsed.programs) == 1


def test_a_warning_about_a_fixed_rule_rejects_no_proposal() -> None:
    (rejected,) = read(f"{BUY} hold 5", space_with(Rules(stop=FIXED.stop))).rejected
    assert "W403" in rejected.reason
    (rejected,) = read(f"{BUY} sell when close > 40").rejected
    assert "W403" in rejected.reason
    assert "close > 40" in rejected.reason
    assert read(f"{BUY} sell when close > open").programs


def test_only_the_other_rules_are_held_to_the_allowed_operators() -> None:
    space = space_with(FIXED, "sma")
    assert read(f"{BUY} sell when close < sma(close, 5)", space).programs
    (rejected,) = read(f"{BUY} sell when rsi(close, 2) > 60", space).rejected
    assert rejected.reason == "it uses `rsi`, which is not an allowed operator"


def test_the_system_message_shows_the_fixed_rules_without_symbols() -> None:
    bars = replace(TRAIN.profiler.bars, symbols=("SPY",))
    prompts = replace(TRAIN, space=space_with(FIXED), profiler=replace(TRAIN.profiler, bars=bars))
    for text in prompts.systems.values():
        (shown,) = re.findall(r"Fixed: .*?```\n(.*?)\n```", text, re.S)
        assert shown == (
            "strategy name {\n  param market_days = 2 in 2..9\n"
            "  buy when rsi(close, market_days) < 10 and close > 30\n  stop 3%\n}"
        )
        assert "spy" not in text
    assert "Fixed:" not in TRAIN.systems["full"]


def test_examples_have_the_fixed_rules() -> None:
    prompts = replace(TRAIN, space=space_with(FIXED))
    examples = prompts.examples(4, Random(1))
    assert len(set(examples)) == 4
    for text in examples:
        rules = check(text).rules
        assert (rules.buy, rules.stop) == (FIXED.buy, FIXED.stop)


def test_few_nodes_left_end_the_search_for_examples() -> None:
    space = build_space(["sma"], ("long", "short"), FIXED.nodes + 1, fixed=FIXED)
    assert replace(TRAIN, space=space).examples(2, Random(1)) == []
