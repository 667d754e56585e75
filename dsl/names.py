"""Names that are still free."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count


def unique_name(
    stem: str, is_taken: Callable[[str], bool], separator: str = "-", suffix: str = ""
) -> str:
    """Return the first free name of `stem`, `stem-2`, `stem-3`, …, each with a suffix.

    Args:
        stem: the name without its suffix.
        is_taken: whether a name is in use.
        separator: between the stem and the number.
        suffix: such as `.evo`; empty for none.
    """
    names = (stem if n == 1 else f"{stem}{separator}{n}" for n in count(1))
    return next(name for each in names if not is_taken(name := each + suffix))
