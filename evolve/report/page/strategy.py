"""Section of a page: the best strategy and its rules."""

from __future__ import annotations

from collections.abc import Iterator

from evolve.experiment.run_view import RunView
from evolve.report.page.blocks import Block


def iterate_blocks(view: RunView) -> Iterator[Block]:
    """Yield the blocks of the section."""
    yield from ()
