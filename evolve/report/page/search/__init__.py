"""Section of a page: the trials of the search and the descent of its winner."""

from __future__ import annotations

from collections.abc import Iterator

from evolve.experiment.run_view import RunView
from evolve.report.page.blocks import Block
from evolve.report.page.search.behaviors import build_behaviors
from evolve.report.page.search.credit import iterate_credit
from evolve.report.page.search.descent import build_descent
from evolve.report.page.search.front import build_front


def iterate_blocks(view: RunView) -> Iterator[Block]:
    """Yield the blocks of the section."""
    if view.rows.best is not None:
        yield build_front(view)
        yield build_behaviors(view)
    yield from iterate_credit(view)
    descent = build_descent(view)
    if descent is not None:
        yield descent
