"""Parts of a prompt, and the order in which they are reduced until the prompt fits a context."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from evolve.llm.prompt.guide import Guide
from evolve.llm.prompt.learnings import Learnings
from evolve.llm.prompt.selection import FALLBACK_TASK
from evolve.llm.transport.request_body import Message

MIN_LEARNINGS_TOKENS = 50  # shorter learnings are omitted


@dataclass(frozen=True)
class Failure:
    """A proposal that was rejected, duplicate or infeasible.

    Attributes:
        text: the beginning of its text, in quotes on one line.
        reason: the reason, in quotes on one line, because it may contain the text.
    """

    text: str
    reason: str


@dataclass(frozen=True)
class PromptParts:
    """The parts of a prompt that requests strategies.

    Attributes:
        task: the name of the task; empty if a user describes the strategy.
        request: the description of a user; empty for a task.
        parents: descriptions of the parents, the worst first.
        base: the name of the parent that the task is about; empty without parents.
        min_parents: the number of parents that the task needs.
        failures: recent failures, the latest last.
        learnings: the learnings so far.
        learnings_tokens: the approximate limit on the learnings, in tokens.
        examples: strategies that show the format.
        guide: the form of the language guide.
    """

    task: str = ""
    request: str = ""
    parents: tuple[Mapping[str, Any], ...] = ()
    base: str = ""
    min_parents: int = 0
    failures: tuple[Failure, ...] = ()
    learnings: Learnings = field(default_factory=Learnings)
    learnings_tokens: int = 0
    examples: tuple[str, ...] = ()
    guide: Guide = "full"


@dataclass(frozen=True)
class Reduction:
    """A way to shorten a prompt.

    Attributes:
        name: the part that it shortens.
        reduce: returns smaller parts; None if they cannot become smaller in this way.
    """

    name: str
    reduce: Callable[[PromptParts], PromptParts | None]


@dataclass(frozen=True)
class FittedPrompt:
    """A prompt that is reduced to a limit.

    Attributes:
        messages: the prompt.
        parts: the parts that it contains.
        left_out: the number of reductions by the name of the part.
        is_short: whether it is within the limit.
    """

    messages: list[Message]
    parts: PromptParts
    left_out: Mapping[str, int]
    is_short: bool

    @property
    def text_left_out(self) -> str:
        """The omitted parts as text; empty if there are none."""
        return ", ".join(f"{name} ({count})" for name, count in self.left_out.items())


def fit(
    parts: PromptParts,
    build: Callable[[PromptParts], list[Message]],
    is_short: Callable[[Sequence[Message]], bool],
) -> FittedPrompt:
    """Reduce the parts of a prompt in the order of `REDUCTIONS` until it is short enough.

    Args:
        parts: the full parts.
        build: builds the messages of parts.
        is_short: whether messages are within the limit.

    Returns:
        The first prompt within the limit; if none is, the smallest, with `is_short` false.
    """
    left_out: dict[str, int] = {}
    messages = build(parts)
    for reduction in REDUCTIONS:
        while not is_short(messages) and (smaller := reduction.reduce(parts)) is not None:
            parts, messages = smaller, build(smaller)
            left_out[reduction.name] = left_out.get(reduction.name, 0) + 1
    return FittedPrompt(messages, parts, left_out, is_short(messages))


def _drop_descriptions(parts: PromptParts) -> PromptParts | None:
    return replace(parts, guide="compact") if parts.guide == "full" else None


def _drop_example(parts: PromptParts) -> PromptParts | None:
    return replace(parts, examples=parts.examples[:-1]) if parts.examples else None


def _drop_oldest_failure(parts: PromptParts) -> PromptParts | None:
    return replace(parts, failures=parts.failures[1:]) if parts.failures else None


def _shorten_learnings(parts: PromptParts) -> PromptParts | None:
    """Shorten the learnings by half."""
    if not parts.learnings:
        return None
    tokens = min(parts.learnings_tokens, parts.learnings.tokens()) // 2
    if tokens < MIN_LEARNINGS_TOKENS:
        return replace(parts, learnings=Learnings())
    return replace(parts, learnings_tokens=tokens)


def _drop_worst_parent(parts: PromptParts) -> PromptParts | None:
    """Drop the worst parent that is not the base, unless the task needs all."""
    others = [each for each in parts.parents if each["name"] != parts.base]
    if not others or len(parts.parents) <= max(parts.min_parents, 1):
        return None
    return replace(parts, parents=tuple(each for each in parts.parents if each is not others[0]))


def _drop_arguments(parts: PromptParts) -> PromptParts | None:
    return None if parts.guide == "names" else replace(parts, guide="names")


def _replace_task(parts: PromptParts) -> PromptParts | None:
    """Replace a task that needs several parents by one that needs none; keep the base."""
    if parts.min_parents < 2:
        return None
    base = tuple(each for each in parts.parents if each["name"] == parts.base)
    return replace(parts, task=FALLBACK_TASK, min_parents=0, parents=base)


# In the order in which they apply; each applies until it is exhausted.
REDUCTIONS = (
    Reduction("operator descriptions", _drop_descriptions),
    Reduction("examples", _drop_example),
    Reduction("failures", _drop_oldest_failure),
    Reduction("learnings", _shorten_learnings),
    Reduction("parents", _drop_worst_parent),
    Reduction("operator arguments", _drop_arguments),
    Reduction("task with several parents", _replace_task),
)
