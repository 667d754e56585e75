"""Difference between two sources, line by line."""

from __future__ import annotations

from difflib import SequenceMatcher
from itertools import zip_longest

from evolve.report.page.blocks import DiffLine


def diff_sources(before: str, after: str) -> tuple[DiffLine, ...]:
    """Return two sources side by side; lines that differ at one position share a line.

    Args:
        before: the first source.
        after: the second source.
    """
    old, new = before.splitlines(), after.splitlines()
    lines = list[DiffLine]()
    for _, first, last, start, end in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        lines += [DiffLine(*pair) for pair in zip_longest(old[first:last], new[start:end])]
    return tuple(lines)
