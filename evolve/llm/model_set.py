"""The models of a run and how they take part."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Literal

from evolve.llm.transport.model import Model

Mode = Literal["mix", "only"]


@dataclass(frozen=True)
class LlmSettings:
    """How models take part in a run; the experiment's `llm` section makes one.

    Attributes:
        mode: `mix` beside genetic programming, or `only` the model.
        constraint: `auto`, or how strictly an answer is held to the language.
        tasks: names of what models may be asked to do.
        parents, examples: strategies shown; failures: of those that failed.
        strategies: the most in one answer.
        concurrency: calls in flight at once.
        wait_seconds: the longest wait at a synchronization.
        timeout_seconds: the longest wait for one call.
        repair: whether an unusable answer is returned once.
        learnings_tokens: about the most tokens of learnings shown.
        max_calls: in the run; None where there is no run.
        evaluations: the budget of the run, over which calls are spread.
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
    evaluations: int = 20_000

    @property
    def sync_wait_seconds(self) -> float:
        """How long a synchronization waits: a model alone is waited for, or nothing goes on."""
        return self.timeout_seconds if self.mode == "only" else self.wait_seconds


@dataclass(frozen=True)
class ModelSet:
    """The models that are asked.

    Attributes:
        models: by label; none if no model is asked.
        settings: how they take part.
        reason_empty: why there is none, and what to do about it.
        recording: the journal that answers in their place; None for their servers.
        variables: of the environment, where the keys are.
    """

    models: Mapping[str, Model] = field(default_factory=dict)
    settings: LlmSettings = field(default_factory=LlmSettings)
    reason_empty: str = ""
    recording: Path | None = None
    variables: Mapping[str, str] = field(default_factory=dict, repr=False)

    def __bool__(self) -> bool:
        return bool(self.models)

    def record(self) -> dict[str, object]:
        """Return what a replay needs to know; no key is in it."""
        models = {label: asdict(each) for label, each in self.models.items()}
        return {
            "models": models,
            "mode": self.settings.mode,
            "concurrency": self.settings.concurrency,
        }
