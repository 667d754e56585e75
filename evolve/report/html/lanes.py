"""Lanes of a line of descent: columns in which its steps and the lines between them are drawn."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from evolve.report.page.blocks import Step


@dataclass(frozen=True)
class Row:
    """Row of the picture of a line of descent, from top to bottom in the order of the steps.

    Attributes:
        lane: column of the step.
        parents: columns of the lines that come from the parents above.
        passing: columns of the lines that pass the step.
        has_child: whether a line goes on from the step to a child below.
    """

    lane: int
    parents: tuple[int, ...]
    passing: tuple[int, ...]
    has_child: bool


def place_steps(steps: Sequence[Step]) -> list[Row]:
    """Place the steps of a line of descent in lanes, such that each line has one lane.

    Args:
        steps: the steps; parents come before their children.
    """
    known = {each.key for each in steps}
    lanes: list[str | None] = []  # the ancestor that each lane leads to
    rows = []
    for step in reversed(steps):
        has_child = step.key in lanes
        lane = lanes.index(step.key) if has_child else _take_lane(lanes, step.key)
        lanes[lane] = None
        passing = tuple(index for index, key in enumerate(lanes) if key is not None)
        parents = [each for each in dict.fromkeys(step.parents) if each in known]
        for parent in parents:
            if parent not in lanes:
                _take_lane(lanes, parent, lane)
        rows.append(Row(lane, tuple(map(lanes.index, parents)), passing, has_child))
    return rows[::-1]


def _take_lane(lanes: list[str | None], key: str, wanted: int = -1) -> int:
    """Take the wanted lane if it is free, else the first free one, or add one."""
    if wanted >= 0 and lanes[wanted] is None:
        lane = wanted
    elif None in lanes:
        lane = lanes.index(None)
    else:
        lane = len(lanes)
        lanes.append(None)
    lanes[lane] = key
    return lane
