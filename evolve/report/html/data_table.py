"""Points of a chart as a table, for readers who do not see the picture."""

from __future__ import annotations

from collections.abc import Iterator

from evolve.report.page.blocks import Column, Table
from evolve.report.page.charts import Axis, Cell, Chart, Heatmap

MAX_POINTS = 200


def tabulate_chart(chart: Chart | Heatmap) -> Table | None:
    """Build a table of the points of a chart; None if there are too many to read."""
    if isinstance(chart, Heatmap):
        columns = (Column(""), *(Column(each, chart.unit) for each in chart.x))
        pairs = zip(chart.y, chart.values, strict=True)
        rows: tuple[tuple[Cell, ...], ...] = tuple((name, *values) for name, values in pairs)
        return Table(f"{chart.name}-data", chart.title, columns, rows)
    points = [*_iterate_points(chart)]
    if not points or len(points) > MAX_POINTS:
        return None
    columns = (Column("series"), _describe_axis(chart.x), _describe_axis(chart.y))
    return Table(f"{chart.name}-data", chart.title, columns, tuple(points))


def _iterate_points(chart: Chart) -> Iterator[tuple[Cell, ...]]:
    for band in chart.bands:
        for edge, values in (("low", band.low), ("high", band.high)):
            for x, y in zip(band.x, values, strict=True):
                yield f"{band.name}, {edge}", x, y
    for trace in chart.traces:
        for x, y in zip(trace.x, trace.y, strict=True):
            if y is not None:
                yield trace.name, x, y
    for mark in chart.marks:
        yield (mark.name, mark.value, None) if mark.axis == "x" else (mark.name, None, mark.value)


def _describe_axis(axis: Axis) -> Column:
    kinds = {"time": "time", "category": "text"}
    return Column(axis.title, kinds.get(axis.kind, axis.unit))  # type: ignore[arg-type]
