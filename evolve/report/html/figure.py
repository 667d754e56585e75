"""Figures of charts in the JSON of Plotly.

Plotly reads markup in texts, so each text from outside is escaped. A colour is the name of a role
after a `@`, perhaps with an opacity (`@luck/0.2`); the page replaces it with that of its theme.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from html import escape
from itertools import chain
from typing import Any

from evolve.report.html.cells import format_cell
from evolve.report.page.charts import Axis, Band, Cell, CellUnit, Chart, Heatmap, Mark, Trace

KINDS = {"time": "date"}
TICKS: dict[CellUnit, dict[str, str]] = {
    "percent": {"tickformat": ".2~%", "hoverformat": ".2%"},
    "money": {"tickformat": ",~r", "hoverformat": ",.0f"},
    "count": {"tickformat": ",~f", "hoverformat": ",~f"},
    "price": {"tickformat": ",~r", "hoverformat": ",.6~r"},
    "ratio": {"tickformat": "~r", "hoverformat": ".3~f"},
    "seconds": {"tickformat": ",~r", "hoverformat": ",.3~r", "ticksuffix": " s"},
    "usd": {"tickformat": ",~r", "hoverformat": ",.4~r", "tickprefix": "$"},
}
"""Formats of D3 for the ticks and the hover text of each unit."""
CELL_HEIGHT = 28  # pixels of a row of a heatmap
CELL_OPACITY = 0.55  # of the extremes, on which text is legible
MAX_COUNTED = 10  # largest count whose axis has a tick at each number
LOG_TICKS = 4  # ticks of a vertical logarithmic axis, at most about
OUTLINED = {"star", "diamond", "triangle-up", "triangle-down", "square"}
"""Symbols with an edge in the colour of the ground where they are large, since they may overlap."""
LABEL_STEP = 0.085  # height of a label of a mark, as a part of the height of its chart
LABEL_ROWS = 4
MAX_LARGE_POINTS = 50  # of a trace whose points have their full size
SIZE, SMALL_SIZE, STAR_SIZE = 8, 5, 14  # pixels of a point


def build_figure(chart: Chart | Heatmap) -> dict[str, Any]:
    """Build the figure of a chart: `data` and `layout` of Plotly."""
    if isinstance(chart, Heatmap):
        return _build_heatmap(chart)
    bands = chain.from_iterable(_iterate_band(each) for each in chart.bands)
    return {
        "data": [*bands, *map(_build_trace, chart.traces)],
        "layout": {
            "xaxis": _build_axis(chart.x) | _refine_ticks(chart),
            "yaxis": _build_axis(chart.y) | _count_ticks(chart),
            "shapes": [*_iterate_regions(chart), *map(_build_mark, chart.marks)],
            "annotations": [*_iterate_labels(chart)],
            "barmode": "group" if _have_common_bars(chart.traces) else "overlay",
            "hovermode": _choose_hover(chart.traces),
        },
    }


def escape_text(text: str) -> str:
    """Escape a text from outside, since Plotly reads markup in texts."""
    return escape(text, quote=False).replace("\n", "<br>")


def _build_trace(trace: Trace) -> dict[str, Any]:
    color = f"@{trace.role}"
    figure: dict[str, Any] = {
        "name": escape_text(trace.name), "x": _escape_cells(trace.x), "y": _escape_cells(trace.y),
        "showlegend": bool(trace.name),
    }  # fmt: skip
    if trace.hover and not any(trace.hover):
        figure["hoverinfo"] = "skip"
    elif trace.hover:
        figure["hovertext"] = [escape_text(each) for each in trace.hover]
        figure["hoverinfo"] = "text"
    if trace.kind == "bars":
        bar = {"color": f"{color}/0.55", "line": {"color": color, "width": 1}}
        return figure | {"type": "bar", "marker": bar}
    figure["type"] = "scatter"
    if trace.kind == "points":
        size = _choose_size(trace)
        marker = {"color": color, "symbol": trace.symbol, "size": size}
        if trace.symbol in OUTLINED and size > SMALL_SIZE:
            marker["line"] = {"color": "@ground", "width": 1}
        return figure | {"mode": "markers", "marker": marker}
    line = {"color": color, "width": 1.75, "dash": "dash" if trace.is_dashed else "solid"}
    if trace.kind == "area":
        figure |= {"fill": "tozeroy", "fillcolor": f"@{trace.role}/0.25"}
    shape = "hv" if trace.kind == "step" else "linear"
    return figure | {"mode": "lines", "line": line | {"shape": shape}}


def _choose_size(trace: Trace) -> int:
    """Choose the size of points: many are small, and a star is seen among them."""
    if trace.symbol == "star" and len(trace.x) == 1:
        return STAR_SIZE
    return SIZE if len(trace.x) <= MAX_LARGE_POINTS else SMALL_SIZE


def _iterate_band(band: Band) -> Iterator[dict[str, Any]]:
    """Yield its lower edge, then its upper edge, which fills the area down to the lower."""
    name = escape_text(band.name)
    edge = {
        "type": "scatter", "mode": "lines", "x": _escape_cells(band.x),
        "line": {
            "width": 1, "color": f"@{band.role}/0.5", "shape": "hv" if band.is_step else "linear",
        },
    }  # fmt: skip
    yield edge | {"y": list(band.low), "name": f"{name}, low", "showlegend": False}
    yield edge | {
        "y": list(band.high), "name": name, "showlegend": bool(name), "fill": "tonexty",
        "fillcolor": f"@{band.role}/0.18", "meta": "band",
    }  # fmt: skip


def _iterate_regions(chart: Chart) -> Iterator[dict[str, Any]]:
    for each in chart.regions:
        yield {
            "type": "rect", "xref": "x", "yref": "paper", "y0": 0, "y1": 1, "layer": "below",
            "x0": _escape_cell(each.start), "x1": _escape_cell(each.end),
            "line": {"width": 0}, "fillcolor": f"@{each.role}/0.1",
            "label": {
                "text": escape_text(each.name), "textposition": "top center",
                "yanchor": "bottom", "font": {"color": f"@{each.role}", "size": 12},
            },
        }  # fmt: skip


def _build_mark(mark: Mark) -> dict[str, Any]:
    value = _escape_cell(mark.value)
    along = {"xref": "x", "x0": value, "x1": value, "yref": "paper", "y0": 0, "y1": 1}
    if mark.axis == "y":
        along = {"yref": "y", "y0": value, "y1": value, "xref": "paper", "x0": 0, "x1": 1}
    return along | {"type": "line", "line": {"color": f"@{mark.role}", "width": 2, "dash": "dot"}}


def _iterate_labels(chart: Chart) -> Iterator[dict[str, Any]]:
    """Yield the labels of the marks; those of vertical lines are below each other.

    The first one is above the plot, unless the labels of regions are.
    """
    row = 0 if chart.regions else -1
    for each in chart.marks:
        label: dict[str, Any] = {
            "text": escape_text(each.name), "showarrow": False, "bgcolor": "@ground/0.8",
            "font": {"color": f"@{each.role}", "size": 12},
        }  # fmt: skip
        axis = chart.x if each.axis == "x" else chart.y
        value = _place_label(each.value, axis)
        if not each.name or value is None:
            continue
        if each.axis == "y":
            yield label | {
                "yref": "y", "y": value, "yanchor": "bottom",
                "xref": "paper", "x": 1, "xanchor": "right",
            }  # fmt: skip
            continue
        yield label | {
            "xref": "x", "x": value, "xanchor": "auto",
            "yref": "paper", "y": 1 - LABEL_STEP * max(row % LABEL_ROWS if row > 0 else row, 0),
            "yanchor": "bottom" if row < 0 else "top",
        }  # fmt: skip
        row += 1


def _place_label(value: Cell, axis: Axis) -> Cell:
    """Return the coordinate of a label, which is a logarithm on a logarithmic axis."""
    if axis.kind != "log":
        return _escape_cell(value)
    return math.log10(value) if isinstance(value, (int, float)) and value > 0 else None


def _build_axis(axis: Axis) -> dict[str, Any]:
    title = {"text": escape_text(axis.title)}
    return {"title": title, "type": KINDS.get(axis.kind, axis.kind)} | TICKS.get(axis.unit, {})


def _refine_ticks(chart: Chart) -> dict[str, Any]:
    """Return ticks of a logarithmic axis that do not overlap, and times as exact as the bars."""
    if chart.x.kind == "log":
        return {"dtick": "D2"}
    if chart.x.kind != "time":
        return {}
    rows = [each.x for each in chart.traces] + [each.x for each in chart.bands]
    places = [str(x) for row in rows for x in row]
    is_daily = all(len(each) <= len("2020-01-01") for each in places)
    return {"hoverformat": "%Y-%m-%d" if is_daily else "%Y-%m-%d %H:%M"}


def _count_ticks(chart: Chart) -> dict[str, Any]:
    """Return whole ticks for an axis of few counts, and few ones for one of logarithms."""
    if chart.y.kind == "log":
        return {"nticks": LOG_TICKS}
    values = [y for trace in chart.traces for y in trace.y if isinstance(y, (int, float))]
    is_few = chart.y.unit == "count" and chart.y.kind == "linear" and bool(values)
    return {"tick0": 0, "dtick": 1} if is_few and max(values) <= MAX_COUNTED else {}


def _build_heatmap(chart: Heatmap) -> dict[str, Any]:
    values = [abs(each) for row in chart.values for each in row if each is not None]
    limit = max((each for each in values if math.isfinite(each)), default=0.0) or 1.0
    axis = {"type": "category", "showgrid": False}
    return {
        "data": [
            {
                "type": "heatmap", "x": _escape_cells(chart.x), "y": _escape_cells(chart.y),
                "z": [list(row) for row in chart.values], "zmin": -limit, "zmax": limit,
                "colorscale": [
                    [0, f"@bad/{CELL_OPACITY}"], [0.5, "@ground"], [1, f"@good/{CELL_OPACITY}"],
                ],
                "showscale": False,
                "text": [
                    ["" if each is None else format_cell(each, chart.unit) for each in row]
                    for row in chart.values
                ],
                "texttemplate": "%{text}", "textfont": {"color": "@text"},
                "hovertemplate": "%{y} %{x}: %{text}<extra></extra>",
                "hoverongaps": False, "xgap": 1, "ygap": 1,
            }
        ],
        "layout": {
            "xaxis": axis | {"side": "top"}, "yaxis": axis | {"autorange": "reversed"},
            "height": CELL_HEIGHT * len(chart.y) + 60, "hovermode": "closest",
        },
    }  # fmt: skip


def _have_common_bars(traces: Iterable[Trace]) -> bool:
    """Return whether two traces have bars at one place."""
    seen = set[Cell]()
    for trace in traces:
        if trace.kind == "bars":
            places = {x for x, y in zip(trace.x, trace.y, strict=True) if y}
            if seen & places:
                return True
            seen |= places
    return False


def _choose_hover(traces: tuple[Trace, ...]) -> str:
    """Choose the hover text of one point if points have their own, else that of all lines."""
    return "closest" if any(each.hover or each.kind == "points" for each in traces) else "x unified"


def _escape_cells(cells: Iterable[Cell]) -> list[Cell]:
    return [_escape_cell(each) for each in cells]


def _escape_cell(cell: Cell) -> Cell:
    return escape_text(cell) if isinstance(cell, str) else cell
