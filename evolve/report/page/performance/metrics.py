"""Tables of metrics: by part, at higher costs, and by symbol."""

from __future__ import annotations

from collections.abc import Iterator

from evolve.analysis.costs import COST_FACTORS
from evolve.backtest.backtest import Backtest, backtest
from evolve.backtest.metrics import METRICS
from evolve.report.formats import format_value
from evolve.report.page.blocks import Column, Table
from evolve.report.page.charts import Cell
from evolve.report.page.performance.windows import Tested, Window
from evolve.report.page.shown_metrics import BY_SYMBOL, STRESSED

MAX_SHORT_ROWS = 30


def build_metrics(tested: Tested) -> Table:
    """Build the table of all metrics of each part, beside those of buy and hold."""
    columns = [Column("metric")]
    for window in tested.windows:
        columns.append(Column(window.title))
        columns.append(Column(f"buy and hold{window.place}"))
    rows = []
    for name, metric in METRICS.items():
        cells: list[Cell] = [name.replace("_", " ")]
        for window in tested.windows:
            for metrics in (window.result.metrics, window.result.benchmark_metrics):
                cells.append(format_value(metrics[name], metric.unit))
        rows.append((*cells, metric.about))
    return Table(
        "metrics", "Metrics", (*columns, Column("meaning")), tuple(rows),
        "All figures are net of costs.",
    )  # fmt: skip


def build_costs(tested: Tested) -> Table:
    """Build the table of each part at multiples of all costs."""
    rows: tuple[tuple[Cell, ...], ...] = tuple(
        (*tested.part_cells(window), f"{factor:g}×", *[result.metrics[name] for name in STRESSED])
        for window in tested.windows
        for factor, result in _iterate_costs(tested, window)
    )
    columns = [Column("costs"), *[_build_column(name) for name in STRESSED]]
    return Table(
        "costs", "At higher costs", (*tested.part_columns, *columns), rows,
        "Commissions, slippage and borrowing costs are multiplied. A strategy that loses its "
        "profit at twice the costs depends on the estimate of them.",
    )  # fmt: skip


def iterate_symbols(tested: Tested) -> Iterator[Table]:
    """Yield the table of each symbol's share of the capital; none if there is one symbol."""
    rows: tuple[tuple[Cell, ...], ...] = tuple(
        (
            *tested.part_cells(window), sleeve.symbols[0],
            *[sleeve.metrics[name] for name in BY_SYMBOL], sleeve.benchmark_metrics["total_return"],
        )
        for window in tested.windows
        for sleeve in window.result.sleeves
    )  # fmt: skip
    if not rows:
        return
    columns = [Column("symbol"), *[_build_column(name) for name in BY_SYMBOL]]
    held = Column("held", "percent", "total return of holding the symbol")
    yield Table(
        "symbols", "By symbol", (*tested.part_columns, *columns, held), rows,
        "Each symbol trades an equal share of the capital, which is never rebalanced.",
        is_long=len(rows) > MAX_SHORT_ROWS,
    )  # fmt: skip


def _iterate_costs(tested: Tested, window: Window) -> Iterator[tuple[float, Backtest]]:
    for factor in COST_FACTORS:
        market = tested.market.scale_costs(factor)
        is_same = market == tested.market
        yield (
            factor,
            (
                window.result
                if is_same
                else backtest(tested.program, window.bars, market, window.start)
            ),
        )


def _build_column(name: str) -> Column:
    return Column(name.replace("_", " "), METRICS[name].unit, METRICS[name].about)
