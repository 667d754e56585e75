"""Charts of equity and of its falls from the peak, beside buy and hold."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from evolve.backtest.metrics import drawdowns
from evolve.backtest.performance import Series
from evolve.report.formats import format_value
from evolve.report.page.charts import Axis, Chart
from evolve.report.page.performance.lines import Line, draw_lines, list_regions
from evolve.report.page.performance.windows import TrackRecord, Window

TIME = Axis("time", "time", "time")


def iterate_equity(record: TrackRecord) -> Iterator[Chart]:
    """Yield the chart of equity and the chart of drawdowns."""
    curves = [each for window in record.windows for each in _list_curves(window)]
    is_positive = all(bool((each > 0).all()) for each in curves)
    scale = (
        "The scale is logarithmic: equal heights are equal growth."
        if is_positive
        else "The scale is linear, because equity falls to 0."
    )
    parts = (
        " Each part starts flat with the whole capital and closes its positions at its end, as in "
        "the scores; the lines begin again at the capital there."
        if record.has_parts
        else ""
    )
    yield Chart(
        "performance-equity",
        "Equity beside buy and hold",
        f"Equity at each close, net of costs. {scale}{parts} {_describe_growth(record)}",
        TIME,
        Axis("equity, in money", "log" if is_positive else "linear", "money"),
        draw_lines(record, [
            Line("buy and hold", "benchmark", lambda window: window.result.benchmark),
            Line("strategy", "strategy", lambda window: window.result.equity),
        ]),
        regions=list_regions(record),
        is_tall=True,
    )  # fmt: skip
    yield Chart(
        "performance-drawdown",
        "Under water",
        "Fall of equity from its highest value so far in the same part; 0% is a new high. "
        + _describe_depth(record),
        TIME,
        Axis("fall from the peak", "linear", "percent"),
        draw_lines(record, [
            Line("buy and hold", "benchmark", lambda window: _fall(window, is_benchmark=True)),
            Line("strategy", "strategy", lambda window: _fall(window), is_area=True),
        ]),
        regions=list_regions(record),
    )  # fmt: skip


def _list_curves(window: Window) -> tuple[Series, Series]:
    return window.result.equity, window.result.benchmark


def _fall(window: Window, is_benchmark: bool = False) -> Series:
    result = window.result
    with np.errstate(all="ignore"):
        return drawdowns(
            result.benchmark if is_benchmark else result.equity, result.performance.capital
        )


def _describe_growth(record: TrackRecord) -> str:
    sentences = []
    for window in record.windows:
        own, held = window.result.metrics, window.result.benchmark_metrics
        start, end, held_end = (
            format_value(each, "money")
            for each in (
                window.result.performance.capital, own["final_equity"], held["final_equity"]
            )
        )  # fmt: skip
        growth, held_growth = (
            format_value(each["total_return"], "percent") for each in (own, held)
        )
        place = f"{window.name}: " if window.name else ""
        sentences.append(
            f"{place}{start} becomes {end} ({growth}), with buy and hold {held_end} "
            f"({held_growth})."
        )
    return " ".join(each[0].upper() + each[1:] for each in sentences)


def _describe_depth(record: TrackRecord) -> str:
    sentences = []
    for window in record.windows:
        own, held = (
            format_value(each["max_drawdown"], "percent")
            for each in (window.result.metrics, window.result.benchmark_metrics)
        )
        sentences.append(f"The deepest fall{window.place} is {own}, of buy and hold {held}.")
    return " ".join(sentences)
