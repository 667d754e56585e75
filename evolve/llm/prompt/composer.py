"""Composition of the next prompt from the state of the search and a seeded generator."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from random import Random

from evolve.errors import EvolveError
from evolve.llm.answer.parse import Rejected
from evolve.llm.model_set import ModelSet
from evolve.llm.prompt.builder import PromptBuilder
from evolve.llm.prompt.learnings import MAX_SENTENCE_CHARACTERS, MAX_SENTENCES, Learnings
from evolve.llm.prompt.limit import LimitState, PromptLimit
from evolve.llm.prompt.parts import Failure, FittedPrompt, PromptParts, fit
from evolve.llm.prompt.selection import (
    ArmChoice,
    build_choice,
    choose_arm,
    choose_parents,
    trace_lineage,
)
from evolve.llm.saved_types import SavedRandom, SavedSet
from evolve.llm.transport.exchange import Exchange
from evolve.llm.transport.request_body import Message
from evolve.llm.transport.request_formats import TEXT
from evolve.search.progress import Progress

RETURNED_CHARACTERS = (4000, 1000)  # of an answer in a repair prompt; the first that fits


class PromptTooLongError(EvolveError):
    """An error of a model whose context is too small for the smallest prompt."""


@dataclass(frozen=True)
class ComposedPrompt:
    """A prompt of a call.

    Attributes:
        messages: the prompt.
        choice: its arm, and the parents that it shows.
        parts: the parts that it contains.
        left_out: the omitted parts as text; empty if there are none.
    """

    messages: list[Message]
    choice: ArmChoice
    parts: PromptParts
    left_out: str


@dataclass
class ComposerState:
    """State of the composition.

    Attributes:
        rng: the generator of all draws.
        has_failed_last: whether the last answers brought no improvement.
        excluded: labels of models whose contexts are too small.
        unconstrained: labels of models that ignore constraints.
        failures: recent failures, the latest last.
        limits: what is known about the contexts of the models, by label.
    """

    rng: SavedRandom
    has_failed_last: bool = False
    excluded: SavedSet[str] = field(default_factory=set)
    unconstrained: SavedSet[str] = field(default_factory=set)
    failures: tuple[Failure, ...] = ()
    limits: dict[str, LimitState] = field(default_factory=dict)


class Composer:
    """Composer of prompts that fit the contexts of their models."""

    def __init__(self, models: ModelSet, prompts: PromptBuilder, seed: int) -> None:
        """
        Args:
            models: the models and their settings.
            prompts: renders the messages.
            seed: the seed of the run.
        """
        self.models, self.settings, self.prompts = models, models.settings, prompts
        self.limits = {label: PromptLimit(model) for label, model in models.models.items()}
        states = {label: limit.state for label, limit in self.limits.items()}
        self.state = ComposerState(Random(f"{seed}/model"), limits=states)

    @property
    def has_models(self) -> bool:
        """Whether a model is left whose context suffices."""
        return bool(self._weights)

    @property
    def _weights(self) -> dict[str, float]:
        """Weights of the models whose contexts suffice, by label."""
        models, excluded = self.models.models, self.state.excluded
        return {label: each.weight for label, each in models.items() if label not in excluded}

    def restore(self, state: ComposerState) -> None:
        """Restore a saved state."""
        self.state = state
        for label, limit in self.limits.items():
            limit.state = state.limits.setdefault(label, limit.state)

    def record_failure(self, failure: Failure) -> None:
        """Record a failure; a repeated one moves to the end."""
        failures = [*(each for each in self.state.failures if each != failure), failure]
        excess = max(len(failures) - self.settings.failures, 0)
        self.state.failures = tuple(failures[excess:])

    def record_exchanges(self, label: str, exchanges: Sequence[Exchange]) -> list[str]:
        """Learn the context of a model from a collected call; return notices.

        Collected calls are in the recording of a run, so its replay learns the same.
        """
        unconstrained = self.state.unconstrained
        for each in exchanges:
            if each.kind == "propose" and not each.error:
                is_text = each.request_format == TEXT.name
                (unconstrained.add if is_text else unconstrained.discard)(label)
        return [text for each in exchanges if (text := self.limits[label].record(each))]

    def compose(self, progress: Progress, learnings: Learnings) -> ComposedPrompt:
        """Return the prompt of the next call.

        Raises:
            PromptTooLongError: if the context of the drawn model is too small; it is not drawn
                again.
        """
        settings, rng = self.settings, self.state.rng
        parents = choose_parents(progress, settings.parents, settings.mode, rng)
        tasks = {name: self.prompts.tasks[name] for name in settings.tasks}
        choice = choose_arm(self._weights, tasks, parents, progress.stats, rng)
        base = len(parents) - 1
        if settings.mode == "only" and self.state.has_failed_last and parents:
            base = rng.randrange(len(parents))  # to leave a base that yields no improvement
        by_name = {f"p{index}": each for index, each in enumerate(parents, start=1)}
        parts = PromptParts(
            task=choice.task,
            parents=tuple(
                self.prompts.describe_parent(each, name, trace_lineage(progress, each))
                for name, each in by_name.items()
            ),
            base=f"p{base + 1}" if parents else "",
            min_parents=self.prompts.tasks[choice.task].parents,
            failures=self.state.failures,
            learnings=learnings,
            learnings_tokens=settings.learnings_tokens,
            examples=tuple(self.prompts.examples(settings.examples, rng)),
            guide="full" if choice.model in self.state.unconstrained else self.prompts.guide,
        )
        fitted = self.fit(choice.model, parts)
        if not fitted.is_short:
            self.state.excluded.add(choice.model)
            raise self._build_error(choice.model, fitted)
        shown = [by_name[each["name"]] for each in fitted.parts.parents]
        choice = build_choice(choice.model, fitted.parts.task, shown)
        return ComposedPrompt(fitted.messages, choice, fitted.parts, fitted.text_left_out)

    def compose_request(self, label: str, parts: PromptParts) -> list[Message]:
        """Return the prompt of a request of a user.

        Args:
            label: the label of the model.
            parts: the parts.

        Raises:
            PromptTooLongError: if the context of the model is too small.
        """
        fitted = self.fit(label, parts)
        if not fitted.is_short:
            raise self._build_error(label, fitted)
        return fitted.messages

    def compose_repair(
        self, label: str, parts: PromptParts, answer: str, rejected: Sequence[Rejected]
    ) -> list[Message] | None:
        """Return the prompt that follows an unusable answer; None if it cannot fit.

        Args:
            label: the label of the model.
            parts: the parts of the prompt of the answer.
            answer: the answer.
            rejected: the errors in it.
        """
        for characters in RETURNED_CHARACTERS:
            returned = self.prompts.repair(answer[:characters], rejected)
            fitted = self.fit(label, parts, returned)
            if fitted.is_short:
                return [*fitted.messages, *returned]
        return None

    def compose_summary(self, label: str, learnings: Learnings) -> list[Message] | None:
        """Return the prompt that requests a summary of the learnings; None if it cannot fit.

        Args:
            label: the label of the model.
            learnings: the learnings; they are shortened if they exceed the limit.
        """
        folder, tokens = self.prompts.assets.folder, learnings.tokens(self.prompts.assets.folder)
        while tokens > 0:
            text = learnings.excerpt(tokens, folder)
            messages = self.prompts.merge_learnings(text, MAX_SENTENCES, MAX_SENTENCE_CHARACTERS)
            if self.limits[label].is_within(messages):
                return messages
            tokens //= 2
        return None

    def fit(self, label: str, parts: PromptParts, returned: Sequence[Message] = ()) -> FittedPrompt:
        """Reduce the parts of a prompt to the context of a model.

        Args:
            label: the label of the model.
            parts: the parts.
            returned: messages that follow the prompt.
        """
        limit, note = self.limits[label], self._list_notes()
        fitted = fit(
            parts,
            self.prompts.request_strategies,
            lambda messages: limit.is_within([*messages, *returned, *note]),
        )
        if limit.model.context_tokens is None:  # the limit is a preference; the server decides
            return replace(fitted, is_short=True)
        return fitted

    def _list_notes(self) -> list[Message]:
        """Return the text that a request format may append to a prompt."""
        if self.settings.constraint not in ("auto", "json_schema"):
            return []
        return [{"role": "user", "content": self.prompts.fixed_text("json.md")}]

    def _build_error(self, label: str, smallest: FittedPrompt) -> PromptTooLongError:
        limit = self.limits[label]
        tokens = limit.estimate([*smallest.messages, *self._list_notes()])
        return PromptTooLongError(*limit.describe_excess(tokens))
