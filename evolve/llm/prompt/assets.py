"""What a user adds to the prompts: templates, tasks and the learnings of earlier runs."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from evolve.llm.prompt.learnings import Learnings


@dataclass(frozen=True)
class PromptAssets:
    """Files that the prompts of an experiment are rendered from.

    Attributes:
        folder: the user's own templates; None for those that ship.
        tasks: names of what models may be asked to do.
        learnings: of earlier runs.
    """

    folder: Path | None = None
    tasks: tuple[str, ...] = ()
    learnings: Learnings = field(default_factory=Learnings)
