"""Figures for notebooks: colors instead of roles, and texts from outside as they are."""

from __future__ import annotations

import re

import pytest
from plotly.graph_objects import Figure

from evolve.report.html.palette import PALETTE
from evolve.report.html.plotly_figure import resolve_roles, to_plotly
from evolve.report.page.charts import Axis, Band, Chart, Heatmap, Mark, Region, Trace

CHART = Chart(
    "c", "<b>title</b>", "about", Axis("x"), Axis("y"),
    traces=(
        Trace("@strategy", (1, 2), (3, 4), "area"),
        Trace("@luck/0.2", ("@bad", "b"), (3, 4), "bars", "bad", ("@good", "x")),
        Trace("points", (1, 2), (3, 4), "points", "long"),
    ),
    bands=(Band("band", (1, 2), (0, 0), (1, 1)),),
    regions=(Region("train", 0, 1, "train"),),
    marks=(Mark("mark", 1.0, role="holdout"),),
)  # fmt: skip
HEATMAP = Heatmap("h", "months", "about", ("@good", "b"), ("c",), ((0.1, -0.2),))
COLOR = re.compile(r"#[0-9a-f]{6}|rgba\(\d+,\d+,\d+,0?\.\d+\)")


def list_colors(value: object, key: str = "") -> list[str]:
    """Return all colors of a figure, without those of its template."""
    if isinstance(value, dict):
        return [
            color
            for name, each in value.items()
            if name != "template"
            for color in list_colors(each, name)
        ]
    if isinstance(value, list | tuple):
        return [color for each in value for color in list_colors(each, key)]
    return [value] if isinstance(value, str) and "color" in key else []


@pytest.mark.parametrize("chart", [CHART, HEATMAP])
def test_each_role_of_a_figure_is_a_color(chart: Chart | Heatmap) -> None:
    figure = to_plotly(chart)
    assert isinstance(figure, Figure)
    colors = list_colors(figure.to_dict())
    assert len(colors) > 2
    assert [each for each in colors if not COLOR.fullmatch(each)] == []


def test_an_opacity_is_that_of_the_color() -> None:
    assert PALETTE["strategy"].light == "#0072b2"
    assert resolve_roles({"fillcolor": "@strategy/0.25"}) == {"fillcolor": "rgba(0,114,178,0.25)"}
    assert resolve_roles({"color": "@strategy"}) == {"color": "#0072b2"}


def test_texts_that_look_like_roles_remain() -> None:
    figure = to_plotly(CHART)
    bars = next(each for each in figure.data if each.type == "bar")
    assert (bars.name, bars.x[0], bars.hovertext[0]) == ("@luck/0.2", "@bad", "@good")
    assert to_plotly(HEATMAP).data[0].x[0] == "@good"


def test_the_title_is_escaped() -> None:
    assert to_plotly(CHART).layout.title.text == "&lt;b&gt;title&lt;/b&gt;"
