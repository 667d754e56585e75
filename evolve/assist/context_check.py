"""Checks of the context of a model: its size, the prompts that fit it, and silent truncation."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import cycle, islice
from random import Random
from string import ascii_lowercase

from evolve.assist.check_result import CheckResult
from evolve.llm.prompt.builder import PromptBuilder
from evolve.llm.prompt.composer import Composer
from evolve.llm.prompt.limit import MAX_BYTES_PER_TOKEN, PromptLimit, is_estimated
from evolve.llm.prompt.parts import Failure, PromptParts
from evolve.llm.prompt.profile import StrategyProfile
from evolve.llm.prompt.selection import FALLBACK_TASK
from evolve.llm.transport.client import Client
from evolve.llm.transport.context import DEFAULT_PROMPT_TOKENS, find_setting
from evolve.llm.transport.event_loop import LoopThread
from evolve.llm.transport.model import Model
from evolve.llm.transport.reply import ModelError
from evolve.llm.transport.request_body import Message

SUGGESTED_CONTEXT_TOKENS = 8192
SHORT_DIVISOR = 2  # of the length of the second prompt, which shows the ratio of bytes to tokens
MAX_RATIO_GROWTH = 1.15  # from the short prompt to the long one; above, the long one is truncated
ANSWER_TOKENS = 400  # enough for a reasoning model to repeat a word
WORD_LETTERS = 8
TYPICAL_PROFILE = StrategyProfile(40, 0.5, 10.0, 0.5, -0.2, ("falling and wild",))
TYPICAL_LINEAGE = ("crossover", "tune", "seed")
TYPICAL_REASON = "trades_per_fold 0, below 3"


def check_context(
    loop: LoopThread, client: Client, label: str, composer: Composer
) -> Iterator[CheckResult]:
    """Yield the context of a model, the prompt that fits it and whether the server truncates.

    Args:
        loop: the event loop of the calls.
        client: the client of the model.
        label: the label of the model.
        composer: composes the prompts.
    """
    model, limit = client.model, composer.limits[label]
    if model.context_tokens is None:
        text = f"unknown; prompts have at most {limit.tokens:,} tokens; `context_tokens` sets it"
    else:
        text = (
            f"{model.context_tokens:,} tokens, from {model.context_source}: at most "
            f"{max(limit.tokens, 0):,} for a prompt and {model.max_tokens:,} for an answer"
        )
    yield CheckResult("context", True, text)
    yield _check_typical_prompt(label, composer)
    yield _check_truncation(loop, client, limit, composer.prompts)


def _check_typical_prompt(label: str, composer: Composer) -> CheckResult:
    """Check that a prompt of a run with all its parts can be reduced to the context."""
    parts, limit = build_typical_parts(composer.prompts), composer.limits[label]
    fitted = composer.fit(label, parts)
    if not fitted.is_short:
        message, hint = limit.describe_excess(limit.estimate(fitted.messages))
        return CheckResult("prompt", False, f"{message}; {hint}")
    shown = fitted.parts
    learnings = min(shown.learnings_tokens, shown.learnings.tokens())
    contents = {
        "parents": len(shown.parents),
        "examples": len(shown.examples),
        "failures": len(shown.failures),
        "tokens of learnings": learnings,
    }
    text = (
        f"about {limit.estimate(fitted.messages):,} tokens: "
        f"{limit.estimate(fitted.messages[:1]):,} for the {shown.guide} guide to the language, "
        f"then {', '.join(f'{count} {name}' for name, count in contents.items())}"
    )
    left_out = f"; left out: {fitted.text_left_out}" if fitted.left_out else ""
    return CheckResult("prompt", True, text + left_out)


def build_typical_parts(prompts: PromptBuilder) -> PromptParts:
    """Return the parts of a prompt in the middle of a run."""
    settings, rng = prompts.settings, Random(0)
    sources = prompts.examples(settings.parents, rng)
    measures = (*prompts.goals.maximize, *prompts.goals.minimize)
    parents = tuple(
        {
            **vars(TYPICAL_PROFILE),
            "name": f"p{index}",
            "source": source,
            "scores": dict.fromkeys(measures, 0.5),
            "folds": (0.5,) * prompts.goals.folds,
            "worst_fold": 1,
            "infeasible_reason": "",
            "lineage": TYPICAL_LINEAGE,
        }
        for index, source in enumerate(islice(cycle(sources), settings.parents), start=1)
    ) if sources else ()  # fmt: skip
    failures = [Failure(" ".join(each.split()), TYPICAL_REASON) for each in sources]
    return PromptParts(
        task=FALLBACK_TASK,
        parents=parents,
        base=f"p{len(parents)}" if parents else "",
        failures=tuple(islice(cycle(failures), settings.failures)) if failures else (),
        learnings=prompts.assets.learnings,
        learnings_tokens=settings.learnings_tokens,
        examples=tuple(prompts.examples(settings.examples, rng)),
        guide=prompts.guide,
    )


def _check_truncation(
    loop: LoopThread, client: Client, limit: PromptLimit, prompts: PromptBuilder
) -> CheckResult:
    """Check that a server reads a long prompt from its beginning."""
    model, tokens = client.model, min(limit.tokens, DEFAULT_PROMPT_TOKENS)
    rng = Random(f"{model.base_url} {model.name}")
    read = partial(_read_needle, loop, client, limit, prompts, rng)
    try:
        long = read(tokens)
        if long.is_found:
            text = f"it read about {long.estimated:,} tokens from the first word on"
            return CheckResult("reading", True, text)
        if is_estimated(long.messages, long.counted):
            text = f"it did not repeat the first word of about {long.estimated:,} tokens"
            return CheckResult("reading", False, f"{text}: {_suggest_context(model)}")
        short = read(tokens // SHORT_DIVISOR)
    except ModelError as error:
        return CheckResult("reading", False, f"{error}; {_suggest_context(model)}")
    # The same text has the same ratio of bytes to tokens, unless the server drops a part of it.
    most = min(short.ratio * MAX_RATIO_GROWTH, MAX_BYTES_PER_TOKEN)
    if long.counted >= long.estimated or long.ratio <= most:
        return CheckResult("reading", True, f"it counted {long.counted:,} tokens of a prompt")
    text = f"it read {long.counted:,} of about {long.estimated:,} tokens of a prompt"
    return CheckResult("reading", False, f"{text}: {_suggest_context(model, long.counted)}")


@dataclass(frozen=True)
class _Reading:
    """What a model read of a prompt that begins with a word and asks for it at its end.

    Attributes:
        messages: the prompt.
        estimated: its estimated length in tokens.
        counted: its length in tokens, as the server reports it.
        is_found: whether the answer contains the word.
    """

    messages: Sequence[Message]
    estimated: int
    counted: int
    is_found: bool

    @property
    def ratio(self) -> float:
        """Bytes per token that the server counted."""
        return sum(len(each["content"].encode()) for each in self.messages) / self.counted


def _read_needle(
    loop: LoopThread,
    client: Client,
    limit: PromptLimit,
    prompts: PromptBuilder,
    rng: Random,
    tokens: int,
) -> _Reading:
    word = "".join(rng.choices(ascii_lowercase, k=WORD_LETTERS))
    messages = prompts.needle(word, tokens, limit.estimate)
    reply = loop.submit(partial(client.server.ask, messages, max_tokens=ANSWER_TOKENS)).result()
    is_found = word in (reply.text + reply.reasoning).lower()
    return _Reading(messages, limit.estimate(messages), reply.tokens_in, is_found)


def _suggest_context(model: Model, counted: int | None = None) -> str:
    """Return the remedy of a context that is too small."""
    setting = find_setting(model.context_source)
    to = "" if counted is None else f" to {counted:,}"
    return f"raise {setting} to {SUGGESTED_CONTEXT_TOKENS:,} or more, or set `context_tokens`{to}"
