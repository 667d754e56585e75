"""Figures of charts as objects of Plotly, for notebooks."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from evolve.report.html.figure import build_figure, escape_text
from evolve.report.html.palette import list_variables
from evolve.report.page.charts import Chart, Heatmap

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

COLORS = {name.removeprefix("--"): color for name, color in list_variables("light").items()}
_ROLE = re.compile(r"@(\w+)(?:/([\d.]+))?")
HEIGHTS = {False: 360, True: 460}  # pixels, by whether a chart is tall
TITLE = 60  # pixels


def to_plotly(chart: Chart | Heatmap) -> Figure:
    """Convert a chart to a figure of Plotly, in the colors of a light ground."""
    from plotly.graph_objects import Figure

    figure = resolve_roles(build_figure(chart))
    own = figure["layout"]
    layout = {
        "title": {"text": escape_text(chart.title)},
        "template": "plotly_white",
        "height": own.get("height", HEIGHTS[isinstance(chart, Chart) and chart.is_tall]) + TITLE,
        "margin": {"t": 40 + TITLE, "b": 40},
        "legend": {"orientation": "h", "x": 0, "y": -0.2, "yanchor": "top"},
    }  # the labels of regions are above the axes, so the legend is below
    return Figure(figure["data"], own | layout)


def resolve_roles(value: Any, is_color: bool = False) -> Any:
    """Replace each role, such as `@strategy` or `@luck/0.2`, by its color.

    Args:
        value: plain data of a figure.
        is_color: whether the texts are colors; other texts may come from outside.
    """
    if isinstance(value, dict):
        return {key: resolve_roles(each, "color" in key) for key, each in value.items()}
    if isinstance(value, list):
        return [resolve_roles(each, is_color) for each in value]
    return _resolve_role(value) if is_color and isinstance(value, str) else value


def _resolve_role(text: str) -> str:
    """Return the color of `@role` or `@role/opacity`; return another text unchanged."""
    match = _ROLE.fullmatch(text)
    if not match:
        return text
    name, opacity = match.groups()
    color = COLORS[name]
    if opacity is None:
        return color
    red, green, blue = (int(color[start : start + 2], 16) for start in (1, 3, 5))
    return f"rgba({red},{green},{blue},{opacity})"
