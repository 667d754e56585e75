"""An answer of any content is read in limited work, and never ends a run."""

from __future__ import annotations

from typing import Any

import pytest

import evolve.llm.answer.parse
from evolve.llm.answer.parse import ParsedAnswer, parse_answer
from evolve.llm.transport.reply import MAX_TEXT_CHARACTERS
from evolve.search.space import build_space
from tests.dsl.test_bounds import GROWING
from tests.work import limited_calls

SPACE = build_space()
GOOD = "strategy good { buy when rsi(close, 3) < 30 sell when rsi(close, 3) > 60 hold 10 }"
BAD = "strategy bad { buy when close > sma(close, where(close > open, 5, 20)) hold 5 }"


def fill(text: str) -> str:
    return (text * (MAX_TEXT_CHARACTERS // len(text) + 1))[:MAX_TEXT_CHARACTERS]


def many(body: str) -> str:
    """Write eleven strategies of nearly the largest size that is read."""
    return "\n".join(f"strategy x{i} {{ {body * (18_000 // len(body))}" for i in range(11))


ANSWERS = {
    "open strategies": fill("strategy x { "),
    "strategies without an end": many("let a = 1 "),
    "strategies with errors": many("let a = ) "),
    "strategies with unknown names": many("let a = b "),
    "defines and strategies": fill("define f(x: number) -> like x = x\n")[:19_000]
    + many("let a = 1 "),
    "quotes": "strategy x { " + fill('"'),
    "open quotes": "strategy x { " + fill('a"\n'),
    "fences": fill("```"),
    "fences with words": fill("```a\nb"),
    "defines": fill("define\n"),
    "spaces": "strategy" + fill(" "),
    "names": "strategy " + fill("x-"),
    "braces": "strategy x {" + fill("}"),
    "json": fill('{"a":'),
    "json strategy": '{"strategy": "strategy s { ' + "let a = 1 " * 18_000 + '"}',
    "json number": '{"strategy": ' + fill("9") + "}",
    "reasoning": fill("<think></think>"),
    "surrogates": fill("\ud800"),
    "statements": "strategy x { " + fill("buy "),
    "unknown names": f"strategy x {{ {' '.join(f'let a{i} = u{i}' for i in range(1_100))} }}",
    "large expansions": GROWING["inferred bodies"] + "\n" + many("let b = d3(1.5) "),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", ANSWERS)
def test_an_answer_is_read_in_limited_work(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for limit in ("MAX_PARSED_CHARACTERS", "MAX_EXPANDED_NODES", "MAX_PROOF_STEPS"):
        monkeypatch.setattr(evolve.llm.answer.parse, limit, 20_000)
    with limited_calls(2_500_000):
        found = parse_answer(ANSWERS[name], "", SPACE)
    assert found.programs == ()
    assert found.rejected
    assert max(len(each.reason) for each in found.rejected) < 10_000


@pytest.mark.parametrize("name", GROWING)
def test_a_strategy_that_doubles_is_rejected_or_read(name: str) -> None:
    found = parse_answer(GROWING[name], "", SPACE)
    assert found.programs or found.rejected
    assert not any("internal error" in each.reason for each in found.rejected)


def test_a_window_chosen_by_a_param_is_read() -> None:
    text = "strategy s { param n = 12 in 2..20 buy when close > sma(close, where(n > 10, 5, 20)) }"
    assert len(parse_answer(text, "", SPACE).programs) == 1
    assert "E303" in parse_answer(BAD, "", SPACE).rejected[0].reason


def read_with_fault(monkeypatch: pytest.MonkeyPatch, name: str, answer: str) -> ParsedAnswer:
    """Read an answer while a function of the parser fails on texts with `bad`."""
    real: Any = getattr(evolve.llm.answer.parse, name)

    def fail(text: str, *args: object) -> object:
        if "bad" in text:
            raise TypeError("an operator without a case")
        return real(text, *args)

    monkeypatch.setattr(evolve.llm.answer.parse, name, fail)
    return parse_answer(answer, "", SPACE)


def test_an_internal_error_rejects_the_strategy_that_causes_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    found = read_with_fault(monkeypatch, "inspect", f"{BAD}\n{GOOD}")
    assert [each.name for each in found.programs] == ["good"]
    (rejected,) = found.rejected
    assert rejected.text == BAD
    assert rejected.reason.startswith("internal error: TypeError: an operator without a case (")
    assert not rejected.is_program


@pytest.mark.parametrize("name", ["inspect", "extract_strategies"])
def test_an_answer_of_which_all_fails_is_rejected(
    monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    found = read_with_fault(monkeypatch, name, BAD)
    assert found.programs == ()
    assert found.rejected[0].reason.startswith("internal error: TypeError")
    assert not found.is_readable
