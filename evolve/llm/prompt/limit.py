"""Limits on the length of prompts, from the context of a model and what its server reports."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from math import ceil

from evolve.llm.transport.context import (
    DEFAULT_PROMPT_TOKENS,
    MARGIN_TOKENS,
    find_setting,
    is_too_long,
    limit_answer,
    read_context_error,
)
from evolve.llm.transport.exchange import Exchange
from evolve.llm.transport.model import Model
from evolve.llm.transport.reply import CHARACTERS_PER_TOKEN
from evolve.llm.transport.request_body import Message

HOSTED_PROMPT_TOKENS = 12_000  # for a hosted model with an unknown context
# Prompts have 2.9 to 3.5 bytes per token in the tokenizers of SmolLM2 and cl100k_base.
BYTES_PER_TOKEN = 2.8
PLAUSIBLE_BYTES_PER_TOKEN = (1.0, 4.5)
MAX_BYTES_PER_TOKEN = 6.0  # a server that reports more has truncated the prompt
MIN_MEASURED_BYTES = 2000  # of a prompt that shows the ratio
MIN_TRUNCATED_TOKENS = 1000  # with fewer, the server counts only what it has not cached
SMALLEST_CONTEXT_TOKENS = 2048  # the smallest default of a server
MIN_OTHER_LENGTH = 1.05  # ratio of the bytes of two prompts that cannot have equal counts
REFUSED_SHARE = 0.75  # of a refused length, to try next if the refusal states no number


@dataclass
class LimitState:
    """What is known about the context of a model.

    Attributes:
        context_tokens: its length; None if it is unknown.
        max_tokens: the maximum length of an answer.
        bytes_per_token: the ratio that is assumed for prompts.
        bytes_by_count: bytes of the shortest prompt for which a server reported a count of tokens.
    """

    context_tokens: int | None
    max_tokens: int
    bytes_per_token: float = BYTES_PER_TOKEN
    bytes_by_count: dict[int, int] = field(default_factory=dict)


class PromptLimit:
    """The limit on the prompts of a model; its exchanges refine it."""

    def __init__(self, model: Model) -> None:
        """
        Args:
            model: the model, with its context if it is known.
        """
        self._model = model
        self.state = LimitState(model.context_tokens, model.max_tokens)

    @property
    def model(self) -> Model:
        """Model with the context and the length of answers that are known so far."""
        state = self.state
        return replace(
            self._model, context_tokens=state.context_tokens, max_tokens=state.max_tokens
        )

    @property
    def tokens(self) -> int:
        """Maximum length of a prompt in tokens."""
        context = self.model.context_tokens
        if context is None:
            return DEFAULT_PROMPT_TOKENS if self.model.is_local else HOSTED_PROMPT_TOKENS
        return context - self.model.max_tokens - MARGIN_TOKENS

    def estimate(self, messages: Sequence[Message]) -> int:
        """Estimate the length of a prompt in tokens; the estimate is rather too high."""
        return ceil(_count_bytes(messages) / self.state.bytes_per_token)

    def is_within(self, messages: Sequence[Message]) -> bool:
        """Return whether the estimated length of a prompt is within the limit."""
        return self.estimate(messages) <= self.tokens

    def record(self, exchange: Exchange) -> str:
        """Learn from an exchange; return a notice if it reveals a smaller context.

        The ratio of bytes to tokens only decreases, because prompts in a cache are not counted
        by all servers.
        """
        if exchange.error:
            return self._record_refusal(exchange)
        sent, read = _count_bytes(exchange.messages), exchange.tokens_in
        if sent < MIN_MEASURED_BYTES or is_estimated(exchange.messages, read):
            return ""
        ratio = sent / read
        lowest, highest = PLAUSIBLE_BYTES_PER_TOKEN
        if lowest <= ratio <= highest:
            self.state.bytes_per_token = min(self.state.bytes_per_token, ratio)
        estimated = self.estimate(exchange.messages)
        is_equal = self._has_count_of_other(sent, read)
        if read >= MIN_TRUNCATED_TOKENS and (ratio > MAX_BYTES_PER_TOKEN or is_equal):
            reason = f"it read {read:,} of about {estimated:,} tokens of a prompt"
            return self._lower(max(read, SMALLEST_CONTEXT_TOKENS), reason)
        return ""

    def _record_refusal(self, exchange: Exchange) -> str:
        context = read_context_error(exchange.error)
        if context is not None:
            return self._lower(context, "its server rejected a longer prompt")
        is_short = _count_bytes(exchange.messages) < MIN_MEASURED_BYTES
        if is_short or not is_too_long(exchange.error):
            return ""
        sent = self.estimate(exchange.messages)
        context = int((sent + self.model.max_tokens) * REFUSED_SHARE)
        return self._lower(context, f"its server rejected a prompt of about {sent:,} tokens")

    def _has_count_of_other(self, sent: int, read: int) -> bool:
        """Return whether a prompt of another length had the same count: both were truncated."""
        shortest = min(sent, self.state.bytes_by_count.get(read, sent))
        longest = max(sent, self.state.bytes_by_count.get(read, sent))
        self.state.bytes_by_count[read] = shortest
        return longest > shortest * MIN_OTHER_LENGTH

    def describe_excess(self, tokens: int) -> tuple[str, str]:
        """Return a message and a hint for a smallest prompt that exceeds the limit.

        Args:
            tokens: the estimated length of that prompt.
        """
        name, room = self.model.name, max(self.tokens, 0)
        context = f"{self.model.context_tokens:,}" if self.model.context_tokens else "unknown"
        message = (
            f"the context of {name} is too small: {context} tokens leave {room:,} for a prompt, "
            f"but the smallest needs about {tokens:,}"
        )
        hint = (
            f"raise {find_setting(self.model.context_source)} on the server, lower `max_tokens` "
            "of the model in `llm.models`, or set its `context_tokens` if the server is wrong"
        )
        return message, hint

    def _lower(self, context: int, reason: str) -> str:
        if self.model.context_tokens is not None and context >= self.model.context_tokens:
            return ""
        limited = limit_answer(replace(self.model, context_tokens=context))
        self.state.context_tokens, self.state.max_tokens = context, limited.max_tokens
        setting = find_setting(self.model.context_source)
        return (
            f"context of {self.model.name}: {context:,} tokens, because {reason}\n"
            f"  = prompts become shorter; to avoid this, raise {setting} on the server"
        )


def is_estimated(messages: Sequence[Message], tokens_in: int) -> bool:
    """Return whether the length of a prompt is an estimate, because the server reported none."""
    characters = sum(len(each["content"]) for each in messages)
    return tokens_in in (0, characters // CHARACTERS_PER_TOKEN)


def _count_bytes(messages: Sequence[Message]) -> int:
    return sum(len(each["content"].encode("utf-8", "replace")) for each in messages)
