"""Composition of the next prompt from the state of the search and a seeded generator."""

from __future__ import annotations

from collections import deque
from random import Random

from evolve.llm.model_set import ModelSet
from evolve.llm.prompt.builder import Failure, PromptBuilder
from evolve.llm.prompt.learnings import Learnings
from evolve.llm.prompt.selection import ArmChoice, Lineage, choose_arm, choose_parents
from evolve.llm.transport.request_body import Message
from evolve.search.progress import Progress


class Composer:
    """Composer of prompts that request strategies."""

    def __init__(self, models: ModelSet, prompts: PromptBuilder, seed: int) -> None:
        """
        Args:
            models: the models and their settings.
            prompts: renders the messages.
            seed: the seed of the run.
        """
        self.models, self.settings, self.prompts = models, models.settings, prompts
        self.has_failed_last = False  # whether the last answers brought no improvement
        self._rng = Random(f"{seed}/model")
        self._lineage = Lineage()
        self._failures: deque[Failure] = deque(maxlen=self.settings.failures)

    def record_progress(self, progress: Progress) -> None:
        """Record the lineage of the trials of an epoch."""
        self._lineage.record(progress)

    def record_failure(self, failure: Failure) -> None:
        """Record a failure; a repeated one moves to the end."""
        if failure in self._failures:
            self._failures.remove(failure)
        self._failures.append(failure)

    def compose(self, progress: Progress, learnings: Learnings) -> tuple[list[Message], ArmChoice]:
        """Return the messages of the next call, and its arm and parents."""
        settings, rng = self.settings, self._rng
        parents = choose_parents(
            progress, settings.parents, settings.mode, self._lineage.first, rng
        )
        tasks = {name: self.prompts.tasks[name] for name in settings.tasks}
        weights = {label: model.weight for label, model in self.models.models.items()}
        choice = choose_arm(weights, tasks, parents, progress.stats, rng)
        base = len(parents) - 1
        if settings.mode == "only" and self.has_failed_last and parents:
            base = rng.randrange(len(parents))  # to leave a base that yields no improvement
        described = [
            self.prompts.describe_parent(each, f"p{index}", self._lineage.trace(each))
            for index, each in enumerate(parents, start=1)
        ]
        messages = self.prompts.request_strategies(
            choice.task,
            described,
            base,
            tuple(self._failures),
            learnings.excerpt(settings.learnings_tokens, self.prompts.assets.folder),
            self.prompts.examples(settings.examples, rng),
        )
        return messages, choice
