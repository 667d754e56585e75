"""Tables of bars: their range and their quality issues."""

from __future__ import annotations

import numpy as np
from rich.table import Table

from dsl.bars import Bars
from evolve.data.quality import check_quality
from evolve.report.formats import format_price, format_time
from evolve.report.terminal.fitting_table import blank_table, format_text

MAX_SHOWN = 3


def bars_table(bars: Bars) -> Table:
    """Build a table of the range, bars, closes and volume of each symbol."""
    table = blank_table(gap=1)
    table.add_column("symbol", overflow="fold")
    for heading in ("first", "last"):
        table.add_column(heading, no_wrap=True)
    for heading in ("bars", "missing", "low close", "high close", "median volume"):
        table.add_column(heading, justify="right")
    for symbol, name in enumerate(bars.symbols):
        series = bars.select_symbol(symbol)
        if not len(series):
            table.add_row(format_text(name), "–", "–", "0", f"{len(bars):,}", "–", "–", "–")
            continue
        within = np.searchsorted(bars.time, [series.time[0], series.time[-1]])
        missing = int(within[1] - within[0]) + 1 - len(series)
        volume = series.volume[0][~np.isnan(series.volume[0])]
        table.add_row(
            format_text(name),
            format_time(series.time[0]),
            format_time(series.time[-1]),
            f"{len(series):,}",
            f"{missing:,}",
            format_price(series.close.min()),
            format_price(series.close.max()),
            f"{np.median(volume):,.0f}" if len(volume) else "unknown",
        )
    return table


def issues_table(bars: Bars) -> Table:
    """Build a table of quality issues: their number and first bars, by symbol and kind."""
    title = "quality issues" if len(bars.symbols) == 1 else "quality issues, by symbol"
    table = blank_table(title)
    is_panel = len(bars.symbols) > 1
    for heading in ("symbol", "issue") if is_panel else ("issue",):
        table.add_column(heading, overflow="fold")
    table.add_column("bars", justify="right")
    table.add_column("first", overflow="fold")
    for report in check_quality(bars):
        for each in report.issues:
            if not len(each.bars):
                continue
            days = [format_time(report.bars.time[bar]) for bar in each.bars[:MAX_SHOWN]]
            more = ", …" if len(each.bars) > MAX_SHOWN else ""
            row = (each.name, f"{len(each.bars):,}", ", ".join(days) + more)
            table.add_row(*((format_text(report.bars.symbols[0]), *row) if is_panel else row))
    return table
