"""Drafts in thinking are never read before the answer, in the markers of any model."""

from __future__ import annotations

import re

import pytest

from evolve.llm.answer.parse import CUT_REASON, ParsedAnswer, parse_answer
from evolve.llm.answer.thinking import MARKERS, split_thinking
from evolve.search.space import build_space

SPACE = build_space(["sma", "rsi"], ("long",), 40)
FINAL = "strategy final { buy when rsi(close, 3) < 30 sell when rsi(close, 3) > 60 hold 10 }"
DRAFT = "strategy draft { buy when close > sma(close, 50) hold 5 }"
EARLIER = "strategy earlier { buy when close > sma(close, 20) hold 5 }"
INVALID = "strategy invalid { buy when clos > sma(close, 5) hold 5 }"
# The text before, after and at the end of thinking, by the name of the dress.
DRESSES = {
    "think": ("<think>", "</think>", ""),
    "capitals": ("<THINK>\n", "\n</THINK>\n", ""),
    "thinking": ("<thinking>", "</thinking>", ""),
    "thought": ("<thought>", "</thought>", ""),
    "reasoning": ("<reasoning>", "</reasoning>", ""),
    "Mistral": ("[THINK]", "[/THINK]", ""),
    "Seed": ("<seed:think>", "</seed:think>", ""),
    "Kimi": ("◁think▷", "◁/think▷", ""),
    "Cohere": ("<|START_THINKING|>", "<|END_THINKING|>", ""),
    "thought tokens": ("<|begin_of_thought|>", "<|end_of_thought|>", ""),
    "attributes": ('<think type="step">', "</think>", ""),
    "any prefix": ("<longcat_think>", "</longcat_think>", ""),
    "reflection": ("<reflection>", "</reflection><output>", "</output>"),
    "Apertus": ("<|inner_prefix|>", "<|inner_suffix|>", ""),
    "Gemma": ("<|channel>thought\n", "<channel|>", ""),
    "Granite": ("Here is my thought process:\n", "\nHere is my response:\n", ""),
    "harmony": (
        "<|channel|>analysis<|message|>",
        "<|end|><|start|>assistant<|channel|>final<|message|>",
        "<|return|>",
    ),
    "harmony with a constraint": (
        "<|channel|>analysis<|message|>",
        "<|end|><|start|>assistant<|channel|>final <|constrain|>evo<|message|>",
        "<|return|>",
    ),
    "harmony with commentary": (
        "<|start|>assistant<|channel|>commentary<|message|>",
        "<|end|>\n<|start|>assistant<|channel|>final<|message|>",
        "<|end|>",
    ),
    "harmony without its tokens": ("analysisWe need a draft. ", "assistantfinal", ""),
    "harmony on lines": ("analysis\n", "\nassistantfinal\n", ""),
}


def read(text: str, reasoning: str = "", finish: str = "") -> ParsedAnswer:
    return parse_answer(text, reasoning, SPACE, finish)


def names(text: str, reasoning: str = "") -> list[str]:
    return [each.name for each in read(text, reasoning).programs]


@pytest.mark.parametrize(("start", "end"), MARKERS)
def test_every_row_of_the_table_has_a_dress(start: str, end: str) -> None:
    dresses = DRESSES.values()
    assert any(re.search(start, f"{a}So") and re.search(end, b) for a, b, _ in dresses)


@pytest.mark.parametrize("name", DRESSES)
def test_a_final_answer_is_found_behind_any_thinking(name: str) -> None:
    start, end, last = DRESSES[name]
    assert names(f"{start}First {DRAFT} no.{end}{FINAL}{last}") == ["final"]
    assert names(f"First {DRAFT} no.{end}{FINAL}{last}") == ["final"]  # no start marker
    assert names(f"{end}{FINAL}{last}") == ["final"]
    assert names("", f"{start}First {DRAFT} no.{end}{FINAL}{last}") == ["final"]  # all in reasoning
    assert names(f"no.{end}{FINAL}{last}", f"{start}First {DRAFT}") == ["final"]  # in both
    assert names(FINAL, f"{start}First {DRAFT} no.{end}") == ["final"]
    assert names(f"```\n{FINAL}\n```", f"{start}First {DRAFT} no.") == ["final"]


@pytest.mark.parametrize("name", DRESSES)
def test_the_last_draft_is_used_if_thinking_never_ends(name: str) -> None:
    start, end, _ = DRESSES[name]
    assert names(f"{start}First {DRAFT} no. So {FINAL}") == ["final"]
    assert names("", f"{start}First {DRAFT} no. So {FINAL}") == ["final"]
    assert names(f"{start}{DRAFT} So {FINAL}{end} I give up.") == ["final"]
    many = " ".join(DRAFT.replace("50", str(n)) for n in range(2, 40))
    assert names(f"{start}{many} So {FINAL}") == ["final"]


@pytest.mark.parametrize("name", [each for each in DRESSES if "without" not in each])
def test_an_answer_before_thinking_is_found(name: str) -> None:
    start, end, _ = DRESSES[name]
    if name != "harmony on lines":
        assert names(f"{FINAL}{start}Was {DRAFT} better?{end}") == ["final"]
        assert names(f"{FINAL}{start}Was {DRAFT} better?") == ["final"]
        assert names(f"{EARLIER}{start}Was {DRAFT} better?{end}{FINAL}") == ["final"]
    assert names(f"{FINAL}{end}") == ["final"]
    assert names(f"{start}{DRAFT}{end}{FINAL}{end}") == ["final"]


def test_nested_and_repeated_thinking_is_no_answer() -> None:
    nested = f"<thinking>a<think>{DRAFT}</think>{EARLIER}</thinking>{FINAL}"
    assert names(nested) == ["final"]
    assert names(f"<think><think>{DRAFT}</think>{FINAL}") == ["final"]
    assert names(f"<think>{EARLIER}</think>Hm.<think>{DRAFT}</think>{FINAL}") == ["final"]


def test_an_invalid_answer_is_reported_before_a_draft_is_used() -> None:
    parsed = read(f"<think>{DRAFT}</think>{INVALID}")
    assert [each.name for each in parsed.programs] == ["draft"]
    assert [each.text for each in parsed.rejected] == [INVALID]


def test_words_that_resemble_markers_are_text() -> None:
    for text in ("Analysis: it buys dips.\n", "I think> it buys. ", "<b>thinking</b> ", "final: "):
        assert not split_thinking(text + FINAL).has_markers
        assert names(text + FINAL) == ["final"]


def test_a_rejection_names_the_limit_that_cut_the_answer() -> None:
    cut = "strategy s { buy when rsi(close"
    (rejected,) = read(cut, finish="length").rejected
    assert rejected.reason.startswith(f"{CUT_REASON}\n\nerror[")
    assert "`max_tokens`" in CUT_REASON
    assert read(cut, finish="stop").rejected[0].reason in rejected.reason
    assert read(FINAL, finish="length").rejected == ()
    assert (
        read("<think>so much to consider", finish="length")
        .rejected[0]
        .reason.startswith(CUT_REASON)
    )


@pytest.mark.parametrize("marker", ["<think>", "</think>", "[THINK]", "assistantfinal"])
def test_a_marker_in_a_belief_loses_no_answer(marker: str) -> None:
    believed = FINAL.replace("{", f'{{ about "what {marker} believes"', 1)
    assert names(believed) == ["final"]
    assert names(f"<think>{DRAFT}</think>{believed}") == ["final"]
