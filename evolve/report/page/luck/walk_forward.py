"""Walk-forward of a run: the search repeated on earlier bars, its winner traded on later ones."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping

from evolve.backtest.metrics import METRICS
from evolve.experiment.result_parts import WalkForwardDocument
from evolve.experiment.run_view import RunView
from evolve.report.formats import format_value
from evolve.report.page.blocks import Block, Column, Table
from evolve.report.page.charts import Axis, Chart, Trace

JOINED = ("total_return", "cagr", "appraisal_ratio", "sharpe", "max_drawdown", "num_trades")


def iterate_walk_forward(view: RunView) -> Iterator[Block]:
    """Yield the chart and the tables of a walk-forward; nothing if the run has none."""
    walk = view.document.walk_forward if view.document is not None else None
    if walk is None or not walk.results:
        return
    yield _build_chart(walk)
    yield _build_windows(walk)
    yield _build_joined(walk)


def _build_chart(walk: WalkForwardDocument) -> Chart:
    title, metric = walk.metric.replace("_", " "), walk.metric
    days = tuple(each.traded[0] for each in walk.results)
    inside = tuple(_read(each.in_sample, metric) for each in walk.results)
    outside = tuple(_read(each.out_of_sample, metric) for each in walk.results)
    return Chart(
        "walk-forward",
        "Walk-forward",
        _describe(walk),
        Axis("first day of the window", "category", "time"),
        Axis(title, unit=METRICS[metric].unit),
        (
            Trace("in sample, where it was found", days, inside, "bars", "train"),
            Trace("out of sample, where it was traded", days, outside, "bars", "validation"),
        ),
    )


def _build_windows(walk: WalkForwardDocument) -> Table:
    metric = walk.metric
    title, unit = metric.replace("_", " "), METRICS[metric].unit
    return Table(
        "walk-forward-windows",
        "Windows",
        (
            Column("first day", "time"),
            Column("last day", "time"),
            Column("in sample", unit, f"{title} on the bars of the search"),
            Column("out of sample", unit, f"{title} in the window"),
            Column("return", "percent", "total return in the window"),
            Column("held", "percent", "total return of buy and hold in the window"),
            Column("trades", "count", "closed trades in the window"),
        ),
        tuple(
            (
                *each.traded,
                _read(each.in_sample, metric),
                _read(each.out_of_sample, metric),
                _read(each.out_of_sample, "total_return"),
                _read(each.benchmark, "total_return"),
                _read(each.out_of_sample, "num_trades"),
            )
            for each in walk.results
        ),
        "A window without figures stays in cash, since no strategy met `fitness.require`.",
    )


def _build_joined(walk: WalkForwardDocument) -> Table:
    return Table(
        "walk-forward-joined",
        "All windows joined",
        (Column("metric"), Column("out of sample"), Column("buy and hold")),
        tuple(
            (
                name.replace("_", " "),
                *[_format(_read(each, name), name) for each in (walk.metrics, walk.benchmark)],
            )
            for name in JOINED
        ),
        "One account that trades each window with the winner of the bars before it.",
    )


def _describe(walk: WalkForwardDocument) -> str:
    sentences = [
        "Each pair of bars is a search on earlier bars and its winner on the bars after them. "
        "Bars out of sample that are far lower mean that the search fits noise."
    ]
    if walk.efficiency is not None:
        sentences.append(
            f"The efficiency, the ratio of their means, is {walk.efficiency:.2f}; 1 loses nothing."
        )
    if not walk.is_complete:
        sentences.append(f"Interrupted after {len(walk.results)} of {walk.windows} windows.")
    if walk.start_from:
        sentences.append("Strategies of `start_from` may be chosen with later bars in view.")
    sentences.append(f"It uses {walk.trials:,} further trials: a view of stability, not a test.")
    return " ".join(sentences)


def _read(metrics: Mapping[str, float], metric: str) -> float | None:
    value = metrics.get(metric, math.nan)
    return value if math.isfinite(value) else None


def _format(value: float | None, name: str) -> str:
    return "–" if value is None else format_value(value, METRICS[name].unit)
