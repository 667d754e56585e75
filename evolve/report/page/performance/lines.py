"""Lines of charts over the parts of the data: downsampled, and interrupted between two parts."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import reduce
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from evolve.backtest.performance import Series
from evolve.report.page.charts import Cell, Region, Role, Trace
from evolve.report.page.downsample import pick_extremes
from evolve.report.page.performance.windows import TrackRecord, Window

MAX_PARTS = 500  # of a line, two points each
MIN_PARTS = 50
DIGITS = 8


class Line(NamedTuple):
    """Line of a chart.

    Attributes:
        name: its name.
        role: meaning of its colour.
        measure: returns its values on a part, float64[bar].
        is_area: whether the area to zero is filled.
    """

    name: str
    role: Role
    measure: Callable[[Window], Series]
    is_area: bool = False


def draw_lines(record: TrackRecord, lines: Sequence[Line]) -> tuple[Trace, ...]:
    """Draw lines at the same times, with the extremes of each.

    Args:
        record: the parts of the data.
        lines: the lines; a bar that is not finite is left out.
    """
    times: list[str] = []
    values: list[list[float | None]] = [[] for _ in lines]
    total = sum(len(each.result.time) for each in record.windows)
    for window in record.windows:
        series = [line.measure(window) for line in lines]
        time = window.result.time
        count = max(MIN_PARTS, MAX_PARTS * len(time) // max(total, 1))
        picked = reduce(np.union1d, [pick_extremes(each, count) for each in series])
        if not len(picked):
            continue
        if times:
            times.append(times[-1])  # a point without a value, which interrupts the line
            for row in values:
                row.append(None)
        times += record.format_times(time[picked])
        for row, each in zip(values, series, strict=True):
            row += round_values(each[picked])
    return tuple(
        Trace(
            line.name, tuple[Cell, ...](times), tuple[Cell, ...](row),
            "area" if line.is_area else "line", line.role,
        )
        for line, row in zip(lines, values, strict=True)
        if any(each is not None for each in row)
    )  # fmt: skip


def list_regions(record: TrackRecord) -> tuple[Region, ...]:
    """List the parts of the data as shaded intervals; none if there is only one."""
    regions = []
    for window in record.windows if record.has_parts else ():
        first, last = record.format_times(window.result.time[[0, -1]])
        regions.append(Region(window.name, first, last, window.role))
    return tuple(regions)


def round_values(values: NDArray[np.float64]) -> list[float | None]:
    """Round values to the digits of a chart; None for one that is not finite."""
    return [
        float(f"{each:.{DIGITS}g}") if math.isfinite(each) else None for each in values.tolist()
    ]
