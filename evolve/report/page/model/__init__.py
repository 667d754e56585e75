"""Section of a page: the calls to models and what they learned."""

from __future__ import annotations

from collections.abc import Iterator

from evolve.experiment.run_view import RunView
from evolve.report.page.blocks import Block
from evolve.report.page.model.answers import iterate_answers
from evolve.report.page.model.beliefs import iterate_beliefs
from evolve.report.page.model.calls import iterate_calls


def iterate_blocks(view: RunView) -> Iterator[Block]:
    """Yield the blocks of the section; none if no model was asked."""
    if view.rows.exchanges:
        yield from iterate_calls(view)
        yield from iterate_answers(view)
        yield from iterate_beliefs(view)
