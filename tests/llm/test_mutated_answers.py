"""Mutated answers never raise, and an intact final answer is found in any dress."""

from __future__ import annotations

import json
import random

import pytest

from evolve.llm.answer.parse import parse_answer
from evolve.search.space import build_space
from tests.llm.test_thinking import DRAFT, DRESSES, EARLIER, FINAL, INVALID

SPACE = build_space(["sma", "rsi"], ("long",), 40)
SEED = 20
TREE = {"strategy": {"buy": {"<": {"x": {"rsi": {"x": "close", "n": "3"}}, "y": "30"}},
                     "hold": "10"}}  # fmt: skip
# The final answer as models write it; the strategy in it is intact.
FRAMES = (
    "{}", "\n{}\n", "```\n{}\n```", "```evo\n{}\n```", "Here it is:\n\n```text\n{}\n```\nEnjoy.",
    "**Answer**\n{}\nIt buys dips }} {{ I hope.", "\x1b[1m{}\x1b[0m", "\ufeff{}", "{}\x00\x00",
    "# Strategy\n\n{}\n\n---", "<answer>{}</answer>", "{}<|im_end|>", "\\boxed{{\n{}\n}}",
)  # fmt: skip
PIECES = (
    DRAFT, EARLIER, INVALID, "So", "no, wait:", "```", "```evo\n", "{", "}", '"', "#", "\n", "\x00",
    "\x1b[2J", "\u202e", "\ud800", "strategy s { buy when ", "define f(x: number) = ", "buy when",
    '{"strategy": ', json.dumps(TREE), "<", ">", "[", "]", "</", "analysis", "final", "assistant",
    "9" * 400, "(" * 400, "é" * 50, "hold 5", "strategy", "::", "\\u0000", "<think", "think>",
)  # fmt: skip
MARKS = [part for dress in DRESSES.values() for part in dress if part]


def draw_thinking(rng: random.Random) -> str:
    return " ".join(rng.choices(PIECES, k=rng.randrange(12)))


def draw_answer(rng: random.Random) -> tuple[str, str]:
    """Return an answer with an intact final strategy, and its reasoning."""
    start, end, last = DRESSES[rng.choice(list(DRESSES))]
    final = rng.choice(FRAMES).format(FINAL) + last
    thinking = draw_thinking(rng)
    shapes = (
        (f"{start}{thinking}{end}{final}", ""),
        (f"{thinking}{end}{final}", ""),
        (final, f"{start}{thinking}{end}"),
        (final, thinking),
        ("", f"{start}{thinking}{end}{final}"),
    )
    return rng.choice(shapes)


def mutate(text: str, rng: random.Random) -> str:
    for _ in range(rng.randrange(1, 8)):
        at = rng.randrange(len(text) + 1)
        piece = rng.choice([*PIECES, *MARKS, "", chr(rng.randrange(0x110000))])
        text = text[:at] + piece * rng.choice((1, 1, 1, 50)) + text[at + rng.randrange(20) :]
        if rng.random() < 0.2:
            text = text[: rng.randrange(len(text) + 1)]
    return text


def check_intact_answers(count: int) -> None:
    rng = random.Random(SEED)
    for _ in range(count):
        text, reasoning = draw_answer(rng)
        parsed = parse_answer(text, reasoning, SPACE)
        assert [each.name for each in parsed.programs] == ["final"], (text, reasoning)


def check_mutated_answers(count: int) -> None:
    rng = random.Random(SEED)
    for _ in range(count):
        text, reasoning = (mutate(each, rng) for each in draw_answer(rng))
        finish = rng.choice(("stop", "length", ""))
        parsed = parse_answer(text, reasoning, SPACE, finish)
        assert parsed.programs or parsed.rejected
        assert all(each.reason for each in parsed.rejected)
        for each in parsed.rejected:
            assert (each.text + each.reason).encode()


def test_an_intact_final_answer_is_found() -> None:
    check_intact_answers(100)


def test_a_mutated_answer_gives_programs_or_reasons() -> None:
    check_mutated_answers(100)


@pytest.mark.slow
def test_an_intact_final_answer_is_found_in_a_thousand_answers() -> None:
    check_intact_answers(1000)


@pytest.mark.slow
def test_a_thousand_mutated_answers_give_programs_or_reasons() -> None:
    check_mutated_answers(1000)
