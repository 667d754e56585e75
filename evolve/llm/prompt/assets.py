"""Assets of the prompts: user-defined templates, tasks and learnings of earlier runs."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from evolve.llm.prompt.learnings import Learnings


@dataclass(frozen=True)
class PromptAssets:
    """The assets of the prompts of an experiment.

    Attributes:
        folder: the folder of user-defined templates; None for the default templates.
        tasks: names of the tasks that a model may get.
        learnings: the learnings of earlier runs.
    """

    folder: Path | None = None
    tasks: tuple[str, ...] = ()
    learnings: Learnings = field(default_factory=Learnings)
