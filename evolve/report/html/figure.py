"""Figures of charts in the JSON of Plotly.

Colours are names of roles after a `@`; the page replaces them with those of its theme.
"""

from __future__ import annotations

from html import escape
from typing import Any

from evolve.report.page.charts import Axis, Chart, Trace

MODES = {"line": "lines", "step": "lines", "area": "lines", "points": "markers"}


def build_figure(chart: Chart) -> dict[str, Any]:
    """Build the figure of a chart: `data` and `layout` of Plotly."""
    return {
        "data": [_build_trace(each) for each in chart.traces],
        "layout": {"xaxis": _build_axis(chart.x), "yaxis": _build_axis(chart.y)},
    }


def escape_text(text: str) -> str:
    """Escape a text from outside, since Plotly reads markup in texts."""
    return escape(text, quote=False).replace("\n", "<br>")


def _build_trace(trace: Trace) -> dict[str, Any]:
    figure: dict[str, Any] = {
        "name": escape_text(trace.name), "x": list(trace.x), "y": list(trace.y),
        "showlegend": bool(trace.name),
    }  # fmt: skip
    if trace.kind == "bars":
        return figure | {"type": "bar", "marker": {"color": f"@{trace.role}"}}
    return figure | {
        "type": "scatter",
        "mode": MODES[trace.kind],
        "line": {"color": f"@{trace.role}"},
        "marker": {"color": f"@{trace.role}"},
    }


def _build_axis(axis: Axis) -> dict[str, Any]:
    kinds = {"time": "date"}
    return {"title": {"text": escape_text(axis.title)}, "type": kinds.get(axis.kind, axis.kind)}
