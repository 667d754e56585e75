"""The words of the templates, with a mistake in a user's own said as any other."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import prompts
from evolve.errors import EvolveError


def rendered(template: str, folder: Path | None = None, **values: Any) -> str:
    """A template with its values filled in; raises EvolveError if it cannot be."""
    try:
        return prompts.render(template, folder, **values)
    except prompts.PromptError as error:
        hint = "compare it with the template that ships, in `prompts/`"
        raise EvolveError(str(error), hint) from None
