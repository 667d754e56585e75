"""Figures of charts as objects of Plotly, for notebooks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from evolve.report.html.figure import build_figure, escape_text
from evolve.report.html.palette import PALETTE
from evolve.report.page.charts import Chart

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

COLORS = {f"@{role}": shade.light for role, shade in PALETTE.items()}


def to_plotly(chart: Chart) -> Figure:
    """Convert a chart to a figure of Plotly, in the colors of a light ground."""
    from plotly.graph_objects import Figure

    figure = resolve_roles(build_figure(chart))
    figure["layout"] |= {"title": {"text": escape_text(chart.title)}, "template": "plotly_white"}
    return Figure(figure)


def resolve_roles(value: Any) -> Any:
    """Return plain data with each role, such as `@strategy`, replaced by its color."""
    if isinstance(value, dict):
        return {key: resolve_roles(each) for key, each in value.items()}
    if isinstance(value, list):
        return [resolve_roles(each) for each in value]
    return COLORS.get(value, value) if isinstance(value, str) else value
