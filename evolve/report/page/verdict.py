"""Section of a page: the verdict with its gates, power and warnings."""

from __future__ import annotations

from collections.abc import Iterator

from evolve.experiment.run_view import RunView
from evolve.report.page.blocks import Block, Text


def iterate_blocks(view: RunView) -> Iterator[Block]:
    """Yield the blocks of the verdict."""
    verdict = view.result.get("verdict")
    if verdict is not None:
        yield Text(verdict["sentence"], "label", verdict["label"])
