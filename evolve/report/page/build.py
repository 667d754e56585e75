"""Page of a run: its sections, each built by a module of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from evolve.experiment.run_view import RunView
from evolve.report.page import (
    luck,
    model,
    performance,
    repeat,
    search,
    strategy,
    verdict,
)
from evolve.report.page.blocks import Block, Page, Section

BuildBlocks = Callable[[RunView], Iterator[Block]]
"""Yields the blocks of a section; none if the run has nothing for it yet."""

SECTIONS: dict[str, tuple[str, BuildBlocks]] = {
    "verdict": ("Verdict", verdict.iterate_blocks),
    "luck": ("Better than luck?", luck.iterate_blocks),
    "strategy": ("The strategy", strategy.iterate_blocks),
    "performance": ("Performance", performance.iterate_blocks),
    "search": ("The search", search.iterate_blocks),
    "model": ("Models", model.iterate_blocks),
    "repeat": ("To repeat this", repeat.iterate_blocks),
}
"""Heading and builder of each section by name, in reading order."""


def build_page(view: RunView) -> Page:
    """Build the page of a run; a section without blocks is left out.

    Args:
        view: the run, in any state.

    Raises:
        EvolveError: if a file of the run is damaged.
    """
    sections = [
        Section(name, title, tuple(iterate(view))) for name, (title, iterate) in SECTIONS.items()
    ]
    experiment = view.plan.experiment
    return Page(
        title=experiment.name,
        subtitle=f"seed {experiment.seed}, in {view.folder.name}",
        state=view.state,
        sections=tuple(each for each in sections if each.blocks),
    )
