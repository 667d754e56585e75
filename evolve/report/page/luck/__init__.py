"""Section of a page: the search beside searches on shuffled prices, and what else tells luck."""

from __future__ import annotations

from collections.abc import Iterator

from evolve.experiment.run_view import RunView
from evolve.report.page.blocks import Block
from evolve.report.page.luck.histogram import build_histogram, has_values
from evolve.report.page.luck.power import iterate_power
from evolve.report.page.luck.progress import build_progress
from evolve.report.page.luck.selection import iterate_selection
from evolve.report.page.luck.statistics import iterate_statistics
from evolve.report.page.luck.walk_forward import iterate_walk_forward


def iterate_blocks(view: RunView) -> Iterator[Block]:
    """Yield the blocks of the section."""
    if view.null is not None and has_values(view.null):
        yield build_histogram(view.null)
    if view.rows.best is not None:
        yield build_progress(view)
    yield from iterate_selection(view)
    yield from iterate_statistics(view)
    yield from iterate_power(view)
    yield from iterate_walk_forward(view)
