"""Section of a page: the backtest of a strategy."""

from __future__ import annotations

from collections.abc import Iterator

from evolve.backtest.activity import measure_activity
from evolve.experiment.run_view import RunView
from evolve.report.page.blocks import Block, Text
from evolve.report.page.no_trades import explain_no_trades
from evolve.report.page.performance.drawdown_table import iterate_drawdowns
from evolve.report.page.performance.equity import iterate_equity
from evolve.report.page.performance.metrics import build_costs, build_metrics, iterate_symbols
from evolve.report.page.performance.periods import iterate_periods
from evolve.report.page.performance.price import iterate_prices
from evolve.report.page.performance.trades import iterate_trades
from evolve.report.page.performance.windows import TrackRecord, backtest_run

CHANGED = (
    "best.evo was changed or removed after the run; restore it to see the performance of the best "
    "strategy."
)


def iterate_blocks(view: RunView) -> Iterator[Block]:
    """Yield the blocks of the section."""
    program, document = view.best, view.document
    best = document.best if document is not None else None
    if best is not None and (program is None or best.hash != program.hash):
        yield Text(CHANGED, "warning")
    elif program is not None:
        yield from iterate_performance(backtest_run(view, program))


def iterate_performance(record: TrackRecord) -> Iterator[Block]:
    """Yield the charts and tables of a strategy on the parts of its data."""
    yield from _iterate_idle(record)
    yield from iterate_equity(record)
    yield build_metrics(record)
    yield from iterate_prices(record)
    yield from iterate_periods(record)
    yield build_costs(record)
    yield from iterate_drawdowns(record)
    yield from iterate_symbols(record)
    yield from iterate_trades(record)


def _iterate_idle(record: TrackRecord) -> Iterator[Text]:
    """Yield the reasons why the strategy never trades on a part."""
    for window in record.windows:
        if not window.result.trades:
            activity = measure_activity(
                record.program, window.bars, record.market, window.start, has_traded=False
            )
            first, *reasons = explain_no_trades(activity).splitlines()
            lead = f"{window.name}: " if window.name else ""
            yield Text(f"{lead}{first} {'; '.join(map(str.strip, reasons))}".strip(), "warning")
