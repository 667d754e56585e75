"""The models of a run and their settings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from evolve.llm.transport.environment import Environment
from evolve.llm.transport.model import Model
from evolve.search.progress import Budget

Mode = Literal["mix", "only"]


@dataclass(frozen=True)
class LlmSettings:
    """Settings of the models of a run, from the `llm` section of an experiment.

    Attributes:
        mode: `mix` for models beside genetic programming, `only` for models alone.
        constraint: `auto`, or the strictness of the request format.
        tasks: names of the tasks that a model may get.
        parents, examples, failures: the number of each in a prompt, at most.
        strategies: the maximum number of strategies in an answer.
        concurrency: the maximum number of calls in flight.
        wait_seconds: the maximum wait at a synchronization; a silent model is not awaited.
        timeout_seconds: the maximum duration of a request, with its retries.
        repair: whether an unusable answer is returned to the model once.
        learnings_tokens: the approximate limit on the learnings in a prompt, in tokens.
        max_calls: the budget of the run, in calls; None outside a run.
        evaluations: the budget of the run, in evaluations; calls are spread over it.
    """

    mode: Mode = "mix"
    constraint: str = "auto"
    tasks: tuple[str, ...] = ()
    parents: int = 3
    examples: int = 3
    failures: int = 6
    strategies: int = 3
    concurrency: int = 1
    wait_seconds: float = 120
    timeout_seconds: float = 300
    repair: bool = True
    learnings_tokens: int = 1500
    max_calls: int | None = None
    evaluations: int = Budget.evaluations

    @property
    def sync_wait_seconds(self) -> float:
        """Maximum wait at a synchronization; a full timeout if only models propose."""
        return self.timeout_seconds if self.mode == "only" else self.wait_seconds


@dataclass(frozen=True)
class ModelSet:
    """The models of a run.

    Attributes:
        models: by label; empty if the run uses no model.
        settings: the settings they share.
        reason_empty: the reason for an empty set, and its remedy.
        recording: the journal that replaces the servers; None to call them.
        is_resumed: whether the run goes on; the names and contexts of its models are recorded.
        environment: environment variables, which include the API keys.
    """

    models: Mapping[str, Model] = field(default_factory=dict)
    settings: LlmSettings = field(default_factory=LlmSettings)
    reason_empty: str = ""
    recording: Path | None = None
    is_resumed: bool = False
    environment: Environment = field(default_factory=Environment, repr=False)

    def __bool__(self) -> bool:
        return bool(self.models)

    def record(self) -> dict[str, object]:
        """Return the data that a replay needs, without API keys."""
        models = {label: each.record() for label, each in self.models.items()}
        return {
            "models": models,
            "mode": self.settings.mode,
            "concurrency": self.settings.concurrency,
            "constraint": self.settings.constraint,
        }
