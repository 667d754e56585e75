"""Prompts fit the contexts of their models: reductions, estimates and what exchanges teach."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evolve.assist.context_check import build_typical_parts
from evolve.experiment.plan import build_prompts, read_plan
from evolve.llm.answer.parse import Rejected
from evolve.llm.model_set import LlmSettings, ModelSet
from evolve.llm.prompt.builder import PromptBuilder
from evolve.llm.prompt.composer import Composer
from evolve.llm.prompt.learnings import Learning, Learnings
from evolve.llm.prompt.limit import BYTES_PER_TOKEN, PromptLimit
from evolve.llm.prompt.parts import REDUCTIONS, PromptParts, fit
from evolve.llm.prompt.selection import FALLBACK_TASK
from evolve.llm.transport.context import DEFAULT_PROMPT_TOKENS, MARGIN_TOKENS, limit_answer
from evolve.llm.transport.exchange import Exchange
from evolve.llm.transport.model import OPENAI, Model
from evolve.llm.transport.request_body import Message
from evolve.notices import NoticeList

SPY = Path(__file__).parents[2] / "experiments" / "spy.yaml"
LOCAL = "http://localhost:8080/v1"
RECORDS = tuple(
    Learning(
        f"Idea {n}: a fall in a rising market is bought back within days.", "tune", "sharpe", n
    )
    for n in range(60)
)
LARGE_PARENT = """strategy large {
  param days = 20 in 5..60 step 5
  let rising = close > sma(close, 200) and slope(close, 30) > 0 * slope(close, 60)
  let cheap = rsi(close, 3) < 20 or zscore(close, days) < -2 or willr(10) < -90
  buy when rising and cheap and volume > 1.2 * sma(volume, 20)
  sell when rsi(close, 3) > 70 or crossunder(close, ema(close, 50))
  stop 3 * atr(14)
  trail 5 * atr(20)
  hold 25
}"""


@cache
def spy_prompts(constraint: str = "auto") -> PromptBuilder:
    plan = read_plan(SPY, ["data.from=sample:sp500", f"llm.constraint={constraint}"])
    shared = plan.experiment.llm.settings(plan.assets.tasks, plan.experiment.budget)
    return build_prompts(plan, plan.load(NoticeList()), shared)


@cache
def full_parts(constraint: str = "auto") -> PromptParts:
    """Return all parts of a prompt late in a run, with a best parent of the maximum size."""
    parts = build_typical_parts(spy_prompts(constraint))
    parents = (*parts.parents[:-1], {**parts.parents[-1], "source": LARGE_PARENT})
    return replace(parts, parents=parents, learnings=Learnings({}, RECORDS))


def composer_for(
    context: int | None, constraint: str = "auto", url: str = LOCAL, max_tokens: int = 2000
) -> Composer:
    model = limit_answer(Model("m", url, max_tokens=max_tokens, context_tokens=context))
    prompts = spy_prompts(constraint)
    return Composer(ModelSet({"m": model}, prompts.settings), prompts, 0)


def count_tokens(messages: Sequence[Message]) -> float:
    return sum(len(each["content"].encode()) for each in messages) / BYTES_PER_TOKEN


def of_task(task: str, constraint: str = "auto") -> PromptParts:
    prompts = spy_prompts(constraint)
    return replace(full_parts(constraint), task=task, min_parents=prompts.tasks[task].parents)


@pytest.mark.slow
@pytest.mark.parametrize("constraint", ["auto", "grammar", "json_schema", "text"])
@pytest.mark.parametrize("context", [2048, 4096, 8192, None])
def test_the_prompts_of_spy_fit_the_usual_contexts(context: int | None, constraint: str) -> None:
    composer = composer_for(context, constraint)
    model = composer.models.models["m"]
    room = DEFAULT_PROMPT_TOKENS if context is None else context - model.max_tokens - MARGIN_TOKENS
    for task in composer.prompts.tasks:
        fitted = composer.fit("m", of_task(task, constraint))
        assert fitted.is_short, (task, fitted.text_left_out)
        assert count_tokens(fitted.messages) <= room
        assert "\nTask: " in fitted.messages[-1]["content"]
        assert fitted.parts.parents


def test_the_prompt_of_spy_has_at_most_3000_tokens_and_1500_at_its_smallest() -> None:
    by_default = composer_for(None).fit("m", full_parts())
    assert by_default.is_short
    assert count_tokens(by_default.messages) <= 3000
    without_learnings = replace(full_parts(), learnings=Learnings())
    assert composer_for(None).fit("m", without_learnings).left_out == {}
    smallest = fit(full_parts(), spy_prompts().request_strategies, lambda messages: False)
    assert count_tokens(smallest.messages) <= 1500
    assert [each["name"] for each in smallest.parts.parents] == ["p3"]


def test_the_guide_is_compact_if_a_constraint_holds_the_answer_and_full_otherwise() -> None:
    for constraint, guide in (("auto", "compact"), ("grammar", "compact"), ("text", "full")):
        for context, url in ((32_768, LOCAL), (None, "https://example.com/v1")):
            fitted = composer_for(context, constraint, url).fit("m", full_parts(constraint))
            assert (fitted.parts.guide, fitted.left_out) == (guide, {})
    assert composer_for(4096, "text").fit("m", full_parts("text")).parts.guide == "compact"


def test_parts_are_reduced_in_one_order_and_the_base_remains() -> None:
    prompts, seen = spy_prompts("text"), []
    parts = replace(full_parts("text"), base="p2", task="combine", min_parents=2)

    def is_short(messages: Sequence[Message]) -> bool:
        seen.append(messages)
        return False

    smallest = fit(parts, prompts.request_strategies, is_short)
    assert list(smallest.left_out) == [each.name for each in REDUCTIONS]
    assert smallest.left_out["examples"] == prompts.settings.examples
    assert smallest.left_out["failures"] == prompts.settings.failures
    assert [each["name"] for each in smallest.parts.parents] == ["p2"]
    assert smallest.parts.task == FALLBACK_TASK
    sizes = list(dict.fromkeys(count_tokens(each) for each in seen))
    assert sizes == sorted(sizes, reverse=True)
    assert smallest == fit(parts, prompts.request_strategies, lambda messages: False)


@settings(max_examples=60, deadline=None)
@given(
    st.integers(256, 12_000), st.integers(16, 6000), st.integers(0, 3), st.integers(0, 6),
    st.integers(0, 6), st.integers(0, 60), st.sampled_from(["auto", "text"]),
)  # fmt: skip
def test_a_prompt_is_within_the_limit_or_reported_as_too_long(
    context: int, max_tokens: int, parents: int, examples: int, failures: int, learnings: int,
    constraint: str,
) -> None:  # fmt: skip
    composer = composer_for(context, constraint, max_tokens=max_tokens)
    full = full_parts(constraint)
    parts = replace(
        full, parents=full.parents[:parents], base=f"p{parents}" if parents else "",
        failures=full.failures[:failures], examples=full.examples[:examples],
        learnings=Learnings({}, RECORDS[:learnings]),
    )  # fmt: skip
    fitted = composer.fit("m", parts)
    room = context - composer.models.models["m"].max_tokens - MARGIN_TOKENS
    assert fitted.is_short <= (count_tokens(fitted.messages) <= room)
    if not fitted.is_short:
        message, hint = composer.limits["m"].describe_excess(1234)
        assert f"{context:,} tokens leave {max(room, 0):,} for a prompt" in message
        assert all(each in hint for each in ("`OLLAMA_CONTEXT_LENGTH`", "`-c`", "`context_tokens`"))
    repair = composer.compose_repair("m", parts, "x" * 5000, [Rejected("x", "error[E101]: no")])
    summary = composer.compose_summary("m", Learnings({}, RECORDS))
    for messages in (repair, summary):
        assert messages is None or count_tokens(messages) <= room


def test_a_repair_reduces_the_prompt_before_the_answer() -> None:
    composer, rejected = composer_for(4096), [Rejected("x", "error[E101]: no")]
    messages = composer.compose_repair("m", full_parts(), "y" * 3000, rejected)
    assert messages is not None
    assert [each["role"] for each in messages] == ["system", "user", "assistant", "user"]
    assert messages[2]["content"] == "y" * 3000
    assert composer_for(2048).compose_repair("m", full_parts(), "y" * 3000, rejected) is None


def test_the_compact_guides_list_each_operator_of_the_full_guide_once() -> None:
    systems = spy_prompts().systems
    names = {
        line.removeprefix("- `").partition("(")[0]
        for line in systems["full"].splitlines() if line.startswith("- `") and "(x" in line
    }  # fmt: skip
    assert len(names) > 60
    for guide in ("compact", "names"):
        text = systems[guide].split("Operators by the kind")[1]
        listed = [
            word.strip() for line in text.splitlines() if line.startswith("- ")
            for word in line.partition(": ")[2].replace("(", ",(").replace(";", ",").split(",")
        ]  # fmt: skip
        assert {name: listed.count(name) for name in names - {"lag"}} == dict.fromkeys(
            names - {"lag"}, 1
        )
    assert len(systems["names"]) < len(systems["compact"]) < len(systems["full"]) / 3


def test_user_defined_operators_are_described_in_every_guide(tmp_path: Path) -> None:
    (tmp_path / "mine.evo").write_text(
        'define mid(x: number) -> like x about "its middle" = sma(x, 3)', "utf-8"
    )
    plan = read_plan(SPY, ["data.from=sample:sp500", f"language.include=[{tmp_path}/mine.evo]"])
    prompts = build_prompts(plan, plan.load(NoticeList()), LlmSettings())
    for text in prompts.systems.values():
        assert text.count("- `mid(x: number) -> like x`: its middle") == 1


def exchange(characters: int, tokens_in: int, error: str = "", kind: str = "propose") -> Exchange:
    messages = ({"role": "user", "content": "x" * characters},)
    return Exchange(kind, "m", "gbnf", messages, "ok", tokens_in=tokens_in, error=error)  # type: ignore[arg-type]


def test_the_ratio_of_bytes_to_tokens_is_learned_from_the_usage_and_only_decreases() -> None:
    limit, prompt = PromptLimit(Model("m", LOCAL)), [{"role": "user", "content": "x" * 5800}]
    assert limit.estimate(prompt) == 2072
    for tokens_in, estimated in ((1450, 2072), (2900, 2900), (1500, 2900), (50, 2900), (0, 2900)):
        assert limit.record(exchange(5800, tokens_in)) == ""
        assert limit.estimate(prompt) == estimated
    limit.record(exchange(100, 90))
    assert limit.estimate(prompt) == 2900


def test_characters_outside_ascii_count_as_their_bytes() -> None:
    limit = PromptLimit(Model("m", LOCAL))
    assert limit.estimate([{"role": "user", "content": "\u4ef7" * 280}]) == 300


@pytest.mark.parametrize(("read", "context"), [(1026, 2048), (2050, 2050), (4000, 4000)])
def test_a_server_that_counts_far_fewer_tokens_truncates(read: int, context: int) -> None:
    limit = PromptLimit(Model("m", LOCAL))
    notice = limit.record(exchange(30_000, read))
    assert notice.startswith(
        f"context of m: {context:,} tokens, because it read {read:,} of about 10,715 tokens"
    )
    assert "`OLLAMA_CONTEXT_LENGTH`" in notice
    assert limit.model.max_tokens == max(context // 6, context - 3000 - MARGIN_TOKENS)
    assert limit.tokens == context - limit.model.max_tokens - MARGIN_TOKENS
    assert limit.record(exchange(30_000, read)) == ""


@pytest.mark.parametrize("read", [100, 999, 7500, 10_000])
def test_a_cached_estimated_or_plausible_count_is_no_truncation(read: int) -> None:
    limit = PromptLimit(Model("m", LOCAL))
    assert (limit.record(exchange(30_000, read)), limit.model.context_tokens) == ("", None)


def test_equal_counts_of_prompts_of_different_lengths_show_that_both_were_truncated() -> None:
    limit = PromptLimit(Model("m", LOCAL))
    for bytes_, read in ((7000, 2048), (7010, 2048), (5000, 1700), (5100, 1700), (2100, 700)):
        assert limit.record(exchange(bytes_, read)) == ""
    notice = limit.record(exchange(8000, 2048))
    assert notice.startswith("context of m: 2,048 tokens, because it read 2,048 of about 2,858")
    assert limit.record(exchange(9000, 700)) == ""


@pytest.mark.parametrize(
    "error",
    [
        "Prompt exceeds maximum context length",
        "Context size has been exceeded.",
        "Please reduce the length of the messages or completion.",
        "The prompt size exceeds the context window size and cannot be processed.",
        "Trying to keep the first 4567 tokens; provide a shorter input",
        "prompt is too long",
    ],
)
def test_a_refusal_of_a_long_prompt_without_a_number_makes_the_next_one_shorter(error: str) -> None:
    limit = PromptLimit(Model("m", LOCAL))
    assert limit.record(exchange(1000, 0, error)) == ""  # a probe is no long prompt
    notice = limit.record(exchange(8400, 0, error))
    assert notice.startswith("context of m: 3,750 tokens, because its server rejected a prompt of")
    limit.record(exchange(8400, 0, error))
    assert limit.tokens < 3000 * 0.8


@pytest.mark.parametrize("error", ["HTTP 503", "context shift is disabled", "max_tokens is large"])
def test_other_errors_leave_the_context_unknown(error: str) -> None:
    limit = PromptLimit(Model("m", LOCAL))
    assert (limit.record(exchange(8400, 0, error)), limit.model.context_tokens) == ("", None)


def test_an_error_lowers_the_context_and_never_raises_it() -> None:
    limit = PromptLimit(Model("m", LOCAL, max_tokens=500, context_tokens=8192))
    error = "maximum context length is {} tokens"
    assert limit.record(exchange(10, 0, error.format(32_768))) == ""
    notice = limit.record(exchange(10, 0, error.format(4096)))
    assert notice.startswith("context of m: 4,096 tokens, because its server rejected a longer")
    assert limit.tokens == 4096 - 500 - MARGIN_TOKENS
    assert limit.record(exchange(10, 0, "HTTP 503")) == ""


def test_an_unknown_context_allows_a_default_prompt_and_more_on_a_hosted_server() -> None:
    assert PromptLimit(Model("m", LOCAL)).tokens == DEFAULT_PROMPT_TOKENS
    assert PromptLimit(Model("m", OPENAI)).tokens == 4 * DEFAULT_PROMPT_TOKENS


def test_a_needle_is_at_the_beginning_and_the_prompt_has_the_length() -> None:
    limit = PromptLimit(Model("m", LOCAL))
    word = "".join(Random(1).choices("abc", k=8))
    for tokens in (500, 1000, 3000):
        (message,) = spy_prompts().needle(word, tokens, limit.estimate)
        assert message["content"].splitlines()[0] == f"The code word is {word}."
        assert message["content"].count(word) == 1
        assert tokens * 0.75 < limit.estimate([message]) <= tokens
