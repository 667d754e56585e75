"""Tables of bars: what there is, and what a person should look at."""

from __future__ import annotations

import numpy as np
from rich.table import Table
from rich.text import Text

from dsl.bars import Bars
from evolve.data.quality import check_quality
from evolve.report.tables import blank_table, format_price, format_time

MAX_SHOWN = 3


def bars_table(bars: Bars) -> Table:
    """A row a symbol: its range, bars, and closes from first to last."""
    table = blank_table(gap=1)
    for heading in ("symbol", "first", "last"):
        table.add_column(heading, no_wrap=True)
    for heading in ("bars", "missing", "low close", "high close", "median volume"):
        table.add_column(heading, justify="right")
    for symbol, name in enumerate(bars.symbols):
        own = bars.select_symbol(symbol)
        if not len(own):
            table.add_row(Text(name), "–", "–", "0", f"{len(bars):,}", "–", "–", "–")
            continue
        within = np.searchsorted(bars.time, [own.time[0], own.time[-1]])
        missing = int(within[1] - within[0]) + 1 - len(own)
        volume = own.volume[0][~np.isnan(own.volume[0])]
        table.add_row(
            Text(name),
            format_time(own.time[0]),
            format_time(own.time[-1]),
            f"{len(own):,}",
            f"{missing:,}",
            format_price(own.close.min()),
            format_price(own.close.max()),
            f"{np.median(volume):,.0f}" if len(volume) else "unknown",
        )
    return table


def issues_table(bars: Bars) -> Table:
    """A row a symbol and kind of doubtful bar: how many, and when the first were."""
    title = "worth a look" if len(bars.symbols) == 1 else "worth a look, by symbol"
    table = blank_table(title)
    is_panel = len(bars.symbols) > 1
    for heading in ("symbol", "bars") if is_panel else ("bars",):
        table.add_column(heading)
    table.add_column("how many", justify="right")
    table.add_column("when", overflow="fold")
    for found in check_quality(bars):
        for each in found.issues:
            if not len(each.bars):
                continue
            days = [format_time(found.bars.time[place]) for place in each.bars[:MAX_SHOWN]]
            more = ", …" if len(each.bars) > MAX_SHOWN else ""
            row = (each.name, f"{len(each.bars):,}", ", ".join(days) + more)
            table.add_row(*((Text(found.bars.symbols[0]), *row) if is_panel else row))
    return table
