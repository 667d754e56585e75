"""What a model is told next, from the state of the search and a seeded generator alone."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from random import Random
from typing import Literal

from evolve.llm.prompt.builder import Briefing, Failure
from evolve.llm.prompt.learnings import Learnings
from evolve.llm.prompt.selection import Ancestry, Choice, choose_arm, choose_parents
from evolve.llm.transport.model import Model
from evolve.llm.transport.server import Message
from evolve.search.progress import Progress

Mode = Literal["mix", "only"]


@dataclass(frozen=True)
class Terms:
    """How a model takes part.

    Attributes:
        mode: `mix` beside genetic programming, or `only` the model.
        models: by label; each with each direction is an arm.
        directions: names of what may be asked for.
        parents, examples: how many strategies it is shown; failures: and of those that failed.
        concurrency: calls under way at once.
        wait_seconds: how long a boundary waits for answers.
        repairs: whether an answer that cannot be used is sent back once.
        learnings_tokens: about how much of what was learned is told.
        evaluations: the run's budget, over which the calls are spread.
    """

    mode: Mode
    models: Mapping[str, Model]
    directions: tuple[str, ...]
    parents: int = 3
    examples: int = 3
    failures: int = 6
    concurrency: int = 1
    wait_seconds: float = 120.0
    repairs: bool = True
    learnings_tokens: int = 1500
    evaluations: int = 20_000


class Composer:
    """Composes the messages that ask for strategies."""

    def __init__(self, terms: Terms, briefing: Briefing, seed: int) -> None:
        self.terms, self.briefing = terms, briefing
        self.has_failed_last = False  # whether the answers before improved nothing
        self._rng = Random(f"{seed}/model")
        self._ancestry = Ancestry()
        self._failures: deque[Failure] = deque(maxlen=terms.failures)

    def note(self, progress: Progress) -> None:
        """Take in the trials of an epoch."""
        self._ancestry.note(progress)

    def fail(self, failure: Failure) -> None:
        """Remember a failure; one that came before moves up."""
        if failure in self._failures:
            self._failures.remove(failure)
        self._failures.append(failure)

    def compose(self, progress: Progress, learnings: Learnings) -> tuple[list[Message], Choice]:
        """The messages of the next call, and what they are about."""
        terms, rng = self.terms, self._rng
        parents = choose_parents(progress, terms.parents, terms.mode, self._ancestry.first, rng)
        known = self.briefing.directions
        directions = {name: known[name] for name in terms.directions}
        weights = {label: model.weight for label, model in terms.models.items()}
        choice = choose_arm(weights, directions, parents, progress.ledger, rng)
        base = len(parents) - 1
        if terms.mode == "only" and self.has_failed_last and parents:
            base = rng.randrange(len(parents))  # back to one of the best
        described = [
            self.briefing.parent(each, f"p{index}", self._ancestry.line(each))
            for index, each in enumerate(parents, start=1)
        ]
        messages = self.briefing.task(
            choice.direction,
            described,
            base,
            tuple(self._failures),
            learnings.told(terms.learnings_tokens, self.briefing.folder),
            self.briefing.examples(terms.examples, rng),
        )
        return messages, choice
