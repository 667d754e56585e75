"""Names of strategies, built from any text."""

from __future__ import annotations

import re
import unicodedata

from dsl.syntax.vocabulary import RESERVED

MAX_CHARACTERS = 64
UNNAMED = "found"


def build_strategy_name(text: str) -> str:
    """Build a name that the grammar accepts; a text that is such a name is unchanged.

    Args:
        text: any text, such as the name of an experiment.
    """
    letters = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    name = re.sub(r"[^A-Za-z0-9_]", "_", letters)[:MAX_CHARACTERS]
    if not name.strip("_"):
        return UNNAMED
    if name[0].isdigit():
        return f"s{name}"[:MAX_CHARACTERS]
    return f"{name}_" if name in RESERVED else name
