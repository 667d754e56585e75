"""Table of the largest drawdowns."""

from __future__ import annotations

from collections.abc import Iterator

from evolve.analysis.periods import largest_drawdowns
from evolve.report.page.blocks import Column, Table
from evolve.report.page.charts import Cell
from evolve.report.page.performance.windows import TrackRecord

MAX_ROWS = 10


def iterate_drawdowns(record: TrackRecord) -> Iterator[Table]:
    """Yield the table of the ten largest drawdowns of all parts; none if equity never falls."""
    found = [
        (each.depth, number, each)
        for number, window in enumerate(record.windows)
        for each in largest_drawdowns(
            window.result.equity, window.result.performance.capital, MAX_ROWS
        )
    ]
    rows: list[tuple[Cell, ...]] = []
    for depth, number, each in sorted(found, key=lambda row: (row[0], row[1], row[2].trough)):
        window = record.windows[number]
        first = 0 if each.peak is None else each.peak
        start, trough = record.format_times(window.result.time[[first, each.trough]])
        end = None if each.recovery is None else window.result.time[each.recovery]
        recovered = "not yet" if end is None else record.format_time(end).replace("T", " ")
        rows.append((*record.part_cells(window), depth, start, trough, recovered, each.bars))
    if not rows:
        return
    columns = (
        Column("depth", "percent", "lowest equity over the peak, less 1"),
        Column("from", "time", "the peak"), Column("lowest", "time"),
        Column("recovered", "text", "first bar at which equity is back at the peak"),
        Column("bars", "count", "bars from the peak to the recovery, or to the end of the part"),
    )  # fmt: skip
    yield Table(
        "performance-drawdowns",
        "Largest drawdowns",
        (*record.part_columns, *columns),
        tuple(rows[:MAX_ROWS]),
    )
