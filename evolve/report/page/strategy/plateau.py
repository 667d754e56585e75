"""Plateau of the winner of a run: the scores with one constant changed by one step."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from evolve.report.page.blocks import Block, Column, Table


def iterate_plateau(result: Mapping[str, Any]) -> Iterator[Block]:
    """Yield the table of the plateau, if the result has one.

    Args:
        result: the result document of a run.
    """
    robustness = result.get("robustness")
    plateau = robustness.get("plateau") if isinstance(robustness, dict) else None
    if not plateau or not plateau.get("neighbors"):
        return
    worst = plateau.get("worst") or {}
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
                plateau["neighbors"], plateau.get("share"), plateau.get("median"),
                worst.get("score"), (worst.get("change") or "").replace("`", ""),
            ),
        ),
        "A neighbor differs by one step of one constant; a step is that of the search.",
    )  # fmt: skip
