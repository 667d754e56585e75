"""Points of charts as tables."""

from __future__ import annotations

from evolve.report.html.data_table import MAX_POINTS, tabulate_chart
from evolve.report.page.charts import Axis, Chart, Heatmap, Trace
from tests.report.html.sample_page import make_histogram, make_points


def test_a_table_has_every_point_band_and_mark() -> None:
    table = tabulate_chart(make_histogram(""))
    assert table is not None
    assert [each.heading for each in table.columns] == ["series", "best score (ratio)", "searches"]
    assert [each.unit for each in table.columns] == ["text", "ratio", "count"]
    assert table.rows[0] == ("band , low", 0.1, 1)
    assert table.rows[6:] == (
        ("shuffled", 0.1, 2), ("shuffled", 0.2, 5), ("shuffled", 0.3, 1),
        ("this search ", 0.4, None), ("limit", None, 4),
    )  # fmt: skip


def test_a_point_without_a_value_has_no_row() -> None:
    table = tabulate_chart(make_points(""))
    assert table is not None
    assert [row for row in table.rows if row[0] == "archive"] == [
        ("archive", 1, 0.15), ("archive", 3, 0.35)
    ]  # fmt: skip


def test_too_many_points_have_no_table() -> None:
    def chart(points: int) -> Chart:
        trace = Trace("t", (*range(points),), (*range(points),))
        return Chart("c", "C", "a", Axis("x"), Axis("y"), (trace,))

    assert tabulate_chart(chart(MAX_POINTS)) is not None
    assert tabulate_chart(chart(MAX_POINTS + 1)) is None
    assert tabulate_chart(chart(0)) is None


def test_a_heatmap_has_a_row_per_row() -> None:
    table = tabulate_chart(Heatmap("h", "H", "a", ("Jan", "Feb"), ("2020",), ((0.1, None),)))
    assert table is not None
    assert table.rows == (("2020", 0.1, None),)
    assert [(each.heading, each.unit) for each in table.columns][1:] == [
        ("Jan", "percent"), ("Feb", "percent")
    ]  # fmt: skip
