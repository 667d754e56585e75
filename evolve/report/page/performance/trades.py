"""Trades: their table, and the histogram of their returns."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from evolve.backtest.backtest import Trade
from evolve.report.formats import format_value
from evolve.report.page.blocks import Block, Column, Table
from evolve.report.page.charts import Axis, Chart, Mark, Trace
from evolve.report.page.performance.windows import TrackRecord, Window

MAX_TRADES = 2000  # of a table, and of all charts of prices
MAX_BINS, MIN_BINS = 40, 8
TAIL = 0.5  # percent of the returns on each side that the outer bins collect

Placed = tuple[Window, Trade]


def list_trades(record: TrackRecord) -> list[Placed]:
    """List all trades with their part of the data, in order of exit."""
    return [(window, trade) for window in record.windows for trade in window.result.trades]


def pick_trades(trades: Sequence[Placed], limit: int = MAX_TRADES) -> list[Placed]:
    """Pick the trades with the largest profit or loss, in their order; all up to the limit."""
    if len(trades) <= limit:
        return list(trades)
    sizes = np.abs([trade.profit for _, trade in trades])
    return [trades[number] for number in sorted(np.argsort(-sizes, kind="stable")[:limit])]


def describe_picked(picked: int, total: int, what: str) -> str:
    """Return words for what shows a part of the trades; empty if it shows all."""
    if picked == total:
        return ""
    return f" {what} the {picked:,} trades with the largest profit or loss of {total:,}."


def measure_return(trade: Trade) -> float:
    """Return the profit of a trade, net of costs, over the value of its entry."""
    return trade.profit / (trade.shares * trade.entry_price)


def iterate_trades(record: TrackRecord) -> Iterator[Block]:
    """Yield the histogram of the returns of trades and their table; none without trades."""
    trades = list_trades(record)
    if not trades:
        return
    yield _build_histogram(record)
    yield _build_table(record, trades)


def _build_histogram(record: TrackRecord) -> Chart:
    """Build the histogram of each part, over the same bins."""
    returns = [
        np.array([measure_return(trade) for trade in window.result.trades])
        for window in record.windows
    ]
    edges = _choose_edges(np.concatenate(returns))
    centers = tuple(((edges[:-1] + edges[1:]) / 2).tolist())
    traces, marks, sentences = [], [], []
    for window, values in zip(record.windows, returns, strict=True):
        if not len(values):
            continue
        counts, _ = np.histogram(np.clip(values, edges[0], edges[-1]), edges)
        role = window.role if record.has_parts else "strategy"
        share = tuple((counts / len(values)).tolist())
        hover = tuple(
            f"{_name_bin(edges, number)}\n{count:,} of {len(values):,} trades{window.place}"
            for number, count in enumerate(counts.tolist())
        )
        traces.append(Trace(window.title, centers, share, "bars", role, hover))
        mean, gains = float(values.mean()), float(np.mean(values > 0))
        marks.append(Mark(f"mean{window.place}", mean, "x", role))
        sentences.append(
            f"The mean{window.place} is {format_value(mean, 'percent')}; "
            f"{format_value(gains, 'percent')} of {len(values):,} trades gain."
        )
    return Chart(
        "performance-trade-returns",
        "Returns of trades",
        "Share of trades by return on the value of their entry, net of costs. The outer bars "
        f"include all returns beyond them. {' '.join(sentences)}",
        Axis("return of a trade", "linear", "percent"),
        Axis("share of trades", "linear", "percent"),
        tuple(traces),
        marks=(*marks, Mark("0%", 0.0, "x", "neutral")),
    )


def _choose_edges(returns: np.ndarray) -> np.ndarray:
    """Return the edges of the bins, without the largest and smallest returns."""
    low, high = np.percentile(returns, [TAIL, 100 - TAIL])
    if not high > low:
        low, high = low - 0.005, high + 0.005
    bins = int(np.clip(np.sqrt(len(returns)) * 2, MIN_BINS, MAX_BINS))
    return np.linspace(low, high, bins + 1)


def _name_bin(edges: np.ndarray, number: int) -> str:
    low, high = (format_value(float(each), "percent") for each in edges[number : number + 2])
    if number == 0:
        return f"below {high}"
    return f"above {low}" if number == len(edges) - 2 else f"{low} to {high}"


def _build_table(record: TrackRecord, trades: Sequence[Placed]) -> Table:
    shown = pick_trades(trades)
    is_panel = len(record.bars.symbols) > 1
    entries = record.format_times(np.array([trade.entry_time for _, trade in shown]))
    exits = record.format_times(np.array([trade.exit_time for _, trade in shown]))
    rows = tuple(
        (
            *record.part_cells(window), *((trade.symbol,) if is_panel else ()), entry, leave,
            trade.side, trade.shares, trade.entry_price, trade.exit_price, trade.bars, trade.profit,
            measure_return(trade), trade.costs, trade.reason,
        )
        for (window, trade), entry, leave in zip(shown, entries, exits, strict=True)
    )  # fmt: skip
    columns = (
        *record.part_columns, *((Column("symbol"),) if is_panel else ()), Column("entry", "time"),
        Column("exit", "time"), Column("side"), Column("shares", "ratio"),
        Column("from", "price", "price of the entry, after slippage"),
        Column("to", "price", "price of the exit, after slippage"),
        Column("bars", "count", "bars from the entry to the exit"),
        Column("profit", "money", "net of costs"),
        Column("return", "percent", "profit over the value of the entry"),
        Column("costs", "price", "commission, slippage and borrowing, in money"),
        Column("reason", "text", "what closed the position"),
    )  # fmt: skip
    about = "Closed trades in order of exit." + describe_picked(
        len(shown), len(trades), "The table has"
    )
    return Table("performance-trades", "Trades", columns, rows, about, is_long=True)
