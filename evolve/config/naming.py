"""Names of experiments, which may come from the names of their files."""

from __future__ import annotations

import re
import unicodedata

MAX_CHARACTERS = 64
NAME_PATTERN = rf"^[A-Za-z][A-Za-z0-9_-]{{0,{MAX_CHARACTERS - 1}}}$"
DEFAULT_NAME = "experiment"  # of an experiment without a file


def build_experiment_name(stem: str) -> str | None:
    """Build the name of an experiment from the stem of its file; None if it has no letter.

    A stem that is a valid name is unchanged. Accents are dropped, and each other character becomes
    a hyphen.
    """
    letters = unicodedata.normalize("NFKD", stem).encode("ascii", "ignore").decode()
    name = re.sub(r"[^A-Za-z0-9_-]+", "-", letters)
    return re.sub(r"^[^A-Za-z]+", "", name)[:MAX_CHARACTERS].rstrip("-") or None
