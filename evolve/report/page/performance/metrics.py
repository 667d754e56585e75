"""Tables of metrics: by part, at higher costs, and by symbol."""

from __future__ import annotations

from collections.abc import Iterator

from evolve.analysis.costs import COST_FACTORS
from evolve.backtest.backtest import Backtest, backtest
from evolve.backtest.metrics import METRICS
from evolve.report.formats import format_value
from evolve.report.page.blocks import Column, Table
from evolve.report.page.charts import Cell
from evolve.report.page.performance.windows import TrackRecord, Window
from evolve.report.page.shown_metrics import BY_SYMBOL, STRESSED

MAX_SHORT_ROWS = 30


def build_metrics(record: TrackRecord) -> Table:
    """Build the table of all metrics of each part, beside those of buy and hold."""
    columns = [Column("metric")]
    for window in record.windows:
        columns.append(Column(window.title))
        columns.append(Column(f"buy and hold{window.place}"))
    rows = []
    for name, metric in METRICS.items():
        cells: list[Cell] = [name.replace("_", " ")]
        for window in record.windows:
            for metrics in (window.result.metrics, window.result.benchmark_metrics):
                cells.append(format_value(metrics[name], metric.unit))
        rows.append((*cells, metric.about))
    return Table(
        "performance-metrics", "Metrics", (*columns, Column("meaning")), tuple(rows),
        "All figures are net of costs.",
    )  # fmt: skip


def build_costs(record: TrackRecord) -> Table:
    """Build the table of each part at multiples of all costs."""
    rows: tuple[tuple[Cell, ...], ...] = tuple(
        (*record.part_cells(window), f"{factor:g}×", *[result.metrics[name] for name in STRESSED])
        for window in record.windows
        for factor, result in _iterate_costs(record, window)
    )
    columns = [Column("costs"), *[_build_column(name) for name in STRESSED]]
    return Table(
        "performance-costs", "At higher costs", (*record.part_columns, *columns), rows,
        "Commissions, slippage and borrowing costs are multiplied. A strategy that loses its "
        "profit at twice the costs depends on the estimate of them.",
    )  # fmt: skip


def iterate_symbols(record: TrackRecord) -> Iterator[Table]:
    """Yield the table of each symbol's share of the capital; none if there is one symbol."""
    rows: tuple[tuple[Cell, ...], ...] = tuple(
        (
            *record.part_cells(window), sleeve.symbols[0],
            *[sleeve.metrics[name] for name in BY_SYMBOL], sleeve.benchmark_metrics["total_return"],
        )
        for window in record.windows
        for sleeve in window.result.sleeves
    )  # fmt: skip
    if not rows:
        return
    columns = [Column("symbol"), *[_build_column(name) for name in BY_SYMBOL]]
    held = Column("held", "percent", "total return of holding the symbol")
    yield Table(
        "performance-symbols", "By symbol", (*record.part_columns, *columns, held), rows,
        "Each symbol trades an equal share of the capital, which is never rebalanced.",
        is_long=len(rows) > MAX_SHORT_ROWS,
    )  # fmt: skip


def _iterate_costs(record: TrackRecord, window: Window) -> Iterator[tuple[float, Backtest]]:
    for factor in COST_FACTORS:
        market = record.market.scale_costs(factor)
        is_same = market == record.market
        yield (
            factor,
            (
                window.result
                if is_same
                else backtest(record.program, window.bars, market, window.start)
            ),
        )


def _build_column(name: str) -> Column:
    return Column(name.replace("_", " "), METRICS[name].unit, METRICS[name].about)
