"""Unique names."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count


def unique_name(
    stem: str, is_taken: Callable[[str], bool], separator: str = "-", suffix: str = ""
) -> str:
    """Return the first free name of `stem`, `stem-2`, `stem-3`, …, each with a suffix.

    Args:
        stem: name without number and suffix.
        is_taken: returns whether a name is in use.
        separator: text between the stem and the number.
        suffix: text after the number, such as `.evo`.
    """
    names = (stem if n == 1 else f"{stem}{separator}{n}" for n in count(1))
    return next(name for each in names if not is_taken(name := each + suffix))
