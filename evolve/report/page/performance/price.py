"""Charts of prices with the entries and exits of trades."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from dsl.printable import make_printable
from evolve.report.page.charts import Axis, Cell, Chart, Trace
from evolve.report.page.downsample import pick_extremes
from evolve.report.page.performance.lines import list_regions, round_values
from evolve.report.page.performance.marks import draw_holdings, draw_marks
from evolve.report.page.performance.signals import TradeSignals
from evolve.report.page.performance.trades import (
    MAX_TRADES,
    Placed,
    describe_picked,
    list_trades,
    pick_trades,
)
from evolve.report.page.performance.windows import TrackRecord

MAX_CHARTS = 6
MAX_PARTS = 2600  # of all charts, two points each: all daily bars of 20 years
MIN_PARTS = 200  # of each
MAX_JOINED = 500  # trades of a chart that has a line for each


def iterate_prices(record: TrackRecord) -> Iterator[Chart]:
    """Yield the chart of each symbol; of many, those with the most trades."""
    trades, symbols = list_trades(record), record.bars.symbols
    counts = Counter(trade.symbol for _, trade in trades)
    ranked = sorted(range(len(symbols)), key=lambda symbol: (-counts[symbols[symbol]], symbol))
    priced = record.bars.priced[:, record.windows[0].start :]
    shown = sorted([symbol for symbol in ranked if priced[symbol].any()][:MAX_CHARTS])
    for number, symbol in enumerate(shown, start=1):
        own = [each for each in trades if each[1].symbol == symbols[symbol]]
        yield _build_chart(record, symbol, own, number, len(shown))


def _build_chart(
    record: TrackRecord, symbol: int, trades: Sequence[Placed], number: int, charts: int
) -> Chart:
    bars = record.bars.select_symbol(symbol)
    signals = TradeSignals(record.program, bars, record.market)
    marked = pick_trades(trades, MAX_TRADES // charts)
    joined = marked if len(marked) <= MAX_JOINED else ()
    moments = [moment for _, trade in marked for moment in (trade.entry_time, trade.exit_time)]
    fills = np.array([signals.locate(each) for each in moments], np.int64)
    first = int(np.searchsorted(bars.time, record.windows[0].result.time[0]))
    prices = bars.close[0].copy()
    prices[:first] = np.nan  # bars of the warm-up
    picked = _pick_bars(prices, fills, max(MIN_PARTS, MAX_PARTS // charts))
    line = Trace(
        "close", tuple[Cell, ...](record.format_times(bars.time[picked])),
        tuple[Cell, ...](round_values(prices[picked])), "line", "benchmark",
    )  # fmt: skip
    name = make_printable(bars.symbols[0])
    about = (
        "Closes on a logarithmic scale, with the fills of entries and exits. A point names the "
        f"rule that fired, the values that it read, and the fill. {_count_trades(trades)}"
        f"{describe_picked(len(marked), len(trades), 'The points are those of')}"
    )
    if joined:
        about += " A thin line joins the entry and the exit of a trade."
    if len(picked) < np.isfinite(prices).sum():
        about += " The line has the lowest and the highest close of each short interval."
    if len(record.bars.symbols) > charts:
        about += (
            f" Charts show the {charts} symbols with the most trades of "
            f"{len(record.bars.symbols):,}; the table by symbol has all."
        )
    return Chart(
        f"performance-price-{number}",
        f"Price and trades: {name}",
        about,
        Axis("time", "time", "time"),
        Axis("price", "log", "price"),
        (line, *draw_holdings(record, joined), *draw_marks(record, marked, signals)),
        regions=list_regions(record),
        is_tall=True,
    )


def _pick_bars(
    prices: NDArray[np.float64], fills: NDArray[np.int64], parts: int
) -> NDArray[np.int64]:
    """Return the bars to draw: extremes, and those of the fills, so that the line has them."""
    return np.union1d(pick_extremes(prices, parts), fills)


def _count_trades(trades: Sequence[Placed]) -> str:
    if not trades:
        return "There is no trade."
    sides = Counter(trade.side for _, trade in trades)
    reasons = Counter(trade.reason for _, trade in trades)
    by_side = " and ".join(f"{count:,} {side}" for side, count in sorted(sides.items()))
    by_reason = ", ".join(f"{count:,} by {reason}" for reason, count in reasons.most_common())
    return f"Trades: {by_side}; exits: {by_reason}."
