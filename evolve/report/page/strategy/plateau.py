"""Plateau of the winner of a run: the scores with one constant changed by one step."""

from __future__ import annotations

from collections.abc import Iterator

from evolve.experiment.result_parts import PlateauDocument
from evolve.report.page.blocks import Block, Column, Table


def iterate_plateau(plateau: PlateauDocument) -> Iterator[Block]:
    """Yield the table of the plateau, if the strategy has neighbors."""
    worst = plateau.worst
    if not plateau.neighbors:
        return
    yield Table(
        "strategy-plateau",
        "With one constant changed by one step",
        (
            Column("neighbors", "count"),
            Column("with at least half of the score", "percent"),
            Column("median score", "ratio"),
            Column("worst score", "ratio"),
            Column("worst change", "code"),
        ),
        (
            (
                plateau.neighbors, plateau.share, plateau.median,
                worst.score if worst else None, worst.change.replace("`", "") if worst else None,
            ),
        ),
        "A neighbor differs by one step of one constant; a step is that of the search.",
    )  # fmt: skip
