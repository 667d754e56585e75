"""Figures of charts: texts are escaped, values are unchanged, labels are at their values."""

from __future__ import annotations

import math
from collections.abc import Iterator
from html import unescape
from typing import Any, Literal

from evolve.report.html.figure import build_figure
from evolve.report.page.charts import Axis, Band, Chart, Heatmap, Mark, Trace
from tests.report.html.sample_page import (
    EQUITY,
    MARKUP,
    make_equity,
    make_histogram,
    make_operators,
    make_page,
    make_points,
)  # fmt: skip

LINES = Axis("x"), Axis("y")


def test_no_text_from_outside_is_markup() -> None:
    charts: list[Chart | Heatmap] = [
        make_equity(MARKUP), make_histogram(MARKUP), make_operators(MARKUP), make_points(MARKUP),
        *find_heatmaps(),
    ]  # fmt: skip
    found = 0
    for chart in charts:
        for text in iterate_texts(build_figure(chart)):
            if "script" in text:
                found += 1
                assert "<" not in text.replace("<br>", "")
                assert MARKUP in unescape(text.replace("<br>", "\n"))
    assert found >= 8


def test_values_of_traces_are_those_of_the_chart() -> None:
    figure = build_figure(make_equity("m"))
    assert [each["y"] for each in figure["data"]] == [list(EQUITY), list(EQUITY[::-1])]
    assert [each["line"]["dash"] for each in figure["data"]] == ["solid", "dash"]
    assert figure["layout"]["yaxis"]["type"] == "log"
    assert figure["layout"]["xaxis"]["type"] == "date"


def test_a_band_fills_the_area_between_two_neighbouring_traces() -> None:
    low, high, bars = build_figure(make_histogram("m"))["data"]
    assert (low["y"], high["y"], high["fill"]) == ([1, 2, 0], [3, 6, 2], "tonexty")
    assert (low["showlegend"], high["showlegend"], bars["type"]) == (False, True, "bar")


def test_a_label_on_a_logarithmic_axis_is_at_the_logarithm() -> None:
    marks = (Mark("ten", 10), Mark("zero", 0), Mark("hundred", 100, "y"))
    chart = Chart("c", "C", "a", Axis("x", "log"), Axis("y", "log"), marks=marks)
    layout = build_figure(chart)["layout"]
    assert [each["x"] for each in layout["annotations"]] == [1, 1]  # right edge, then log10(10)
    assert [each["text"] for each in layout["annotations"]] == ["ten", "hundred"]
    assert layout["annotations"][1]["y"] == math.log10(100)
    assert [each["x0"] for each in layout["shapes"][:1]] == [10]


def test_labels_of_neighbouring_marks_are_below_each_other() -> None:
    marks = (Mark("one", 1.0), Mark("two", 1.01), Mark("", 1.02), Mark("three", 1.03))
    labels = build_figure(Chart("c", "C", "a", *LINES, marks=marks))["layout"]["annotations"]
    assert [each["yanchor"] for each in labels] == ["bottom", "top", "top"]
    heights = [each["y"] + (each["yanchor"] == "bottom") for each in labels]
    assert sorted(set(heights), reverse=True) == heights


def test_an_axis_of_few_counts_has_whole_ticks() -> None:
    def axis(value: float, kind: Literal["linear", "log"] = "linear") -> Any:
        chart = Chart(
            "c", "C", "a", Axis("x"), Axis("y", kind, "count"), (Trace("t", (1,), (value,)),)
        )
        return build_figure(chart)["layout"]["yaxis"]

    assert axis(2)["dtick"] == 1
    assert "dtick" not in axis(200)
    assert "dtick" not in axis(2, "log")


def test_the_hover_text_of_a_time_is_as_exact_as_the_bars() -> None:
    def hover(*times: str) -> Any:
        trace = Trace("t", times, (1,) * len(times))
        chart = Chart("c", "C", "a", Axis("x", "time", "time"), Axis("y"), (trace,))
        return build_figure(chart)["layout"]["xaxis"]["hoverformat"]

    assert hover("2020-01-01", "2020-01-02") == "%Y-%m-%d"
    assert hover("2020-01-01", "2020-01-01T15:30:00") == "%Y-%m-%d %H:%M"


def test_bars_at_one_place_are_beside_each_other() -> None:
    def mode(*places: tuple[int, ...]) -> Any:
        traces = tuple(Trace("t", each, (1,) * len(each), "bars") for each in places)
        return build_figure(Chart("c", "C", "a", *LINES, traces=traces))["layout"]["barmode"]

    assert mode((1, 2), (2, 3)) == "group"
    assert mode((1, 2), (3, 4)) == "overlay"


def test_zero_is_the_middle_of_the_colours_of_a_heatmap() -> None:
    values = ((-0.5, 0.1), (None, float("nan")))
    (trace,) = build_figure(Heatmap("h", "H", "a", ("x", "y"), ("p", "q"), values))["data"]
    assert (trace["zmin"], trace["zmax"]) == (-0.5, 0.5)
    assert trace["colorscale"][1] == [0.5, "@ground"]
    assert trace["text"] == [["-50.0%", "10.0%"], ["", "–"]]


def find_heatmaps() -> Iterator[Heatmap]:
    for section in make_page().sections:
        yield from (each for each in section.blocks if isinstance(each, Heatmap))


def iterate_texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for each in value.values():
            yield from iterate_texts(each)
    elif isinstance(value, list):
        for each in value:
            yield from iterate_texts(each)


def test_many_points_are_smaller_and_a_single_star_is_large() -> None:
    def size(count: int, symbol: str = "circle") -> int:
        numbers = tuple(range(count))
        trace = Trace("t", numbers, numbers, "points", symbol=symbol)
        figure = build_figure(Chart("c", "C", "a", *LINES, traces=(trace,)))
        found: int = figure["data"][0]["marker"]["size"]
        return found

    assert size(500) < size(10) < size(1, "star")
    assert size(500, "star") == size(500)


def test_a_band_of_steps_has_steps_at_both_edges() -> None:
    band = Band("b", (1, 2), (0, 1), (1, 2), is_step=True)
    figure = build_figure(Chart("c", "C", "a", *LINES, bands=(band,)))
    assert [each["line"]["shape"] for each in figure["data"]] == ["hv", "hv"]
