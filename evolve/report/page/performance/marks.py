"""Entries and exits of trades as points on a chart of prices."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from textwrap import wrap
from typing import NamedTuple

import numpy as np

from evolve.backtest.backtest import Trade
from evolve.report.formats import format_price, format_value
from evolve.report.page.charts import Cell, Role, Trace
from evolve.report.page.performance.lines import round_values
from evolve.report.page.performance.signals import Signal, TradeSignals
from evolve.report.page.performance.trades import measure_return
from evolve.report.page.performance.windows import TrackRecord, Window


class Style(NamedTuple):
    """Look of the points of one kind."""

    name: str
    symbol: str
    role: Role


BUY, SHORT = Style("buy", "triangle-up", "long"), Style("short", "triangle-down", "short")
ENTRIES = {"long": BUY, "short": SHORT}
BY_RULE = Style("exit by rule", "x", "strategy")
STOPPED = Style("stop or trail", "cross", "bad")
EXITS = {
    "signal": BY_RULE, "reverse": BY_RULE, "stop": STOPPED, "trail": STOPPED,
    "target": Style("target", "star", "good"), "hold": Style("hold", "square", "neutral"),
    "end": Style("end", "diamond", "neutral"), "ruin": Style("ruin", "hexagon", "bad"),
}  # fmt: skip
STYLES = tuple(dict.fromkeys([*ENTRIES.values(), *EXITS.values()]))
HOVER_WIDTH = 76


class Point(NamedTuple):
    """Fill of a trade on a chart."""

    style: Style
    moment: np.datetime64
    price: float
    hover: str


def draw_marks(
    record: TrackRecord, trades: Iterable[tuple[Window, Trade]], signals: TradeSignals
) -> Iterator[Trace]:
    """Yield a trace for each kind of entry and exit.

    Args:
        record: the strategy with its backtests.
        trades: trades of one symbol, each with its part of the data.
        signals: the signals of the symbol.
    """
    points = [
        point
        for window, trade in trades
        for point in _iterate_points(record, window, trade, signals)
    ]
    for style in STYLES:
        if own := [each for each in points if each.style is style]:
            yield _draw_points(record, style, own)


def draw_holdings(record: TrackRecord, trades: Iterable[tuple[Window, Trade]]) -> Iterator[Trace]:
    """Yield a trace for gains and one for losses, with a line from each entry to its exit.

    Args:
        record: the strategy with its backtests.
        trades: trades of one symbol, each with its part of the data.
    """
    chosen = [trade for _, trade in trades]
    gains = [each for each in chosen if each.profit > 0]
    losses = [each for each in chosen if not each.profit > 0]
    if gains:
        yield _join_fills(record, "gain", "good", gains)
    if losses:
        yield _join_fills(record, "loss", "bad", losses)


def _join_fills(record: TrackRecord, name: str, role: Role, trades: Sequence[Trade]) -> Trace:
    moments = [moment for each in trades for moment in (each.entry_time, *[each.exit_time] * 2)]
    prices = [price for each in trades for price in (each.entry_price, each.exit_price, None)]
    rounded = [None if each is None else round_values(np.array([each]))[0] for each in prices]
    times = record.format_times(np.array(moments))
    return Trace(
        name, tuple[Cell, ...](times), tuple[Cell, ...](rounded), "line", role, ("",) * len(times)
    )


def _draw_points(record: TrackRecord, style: Style, points: Sequence[Point]) -> Trace:
    prices = round_values(np.array([each.price for each in points]))
    times = record.format_times(np.array([each.moment for each in points]))
    return Trace(
        style.name, tuple[Cell, ...](times), tuple[Cell, ...](prices), "points", style.role,
        tuple(each.hover for each in points), style.symbol,
    )  # fmt: skip


def _iterate_points(
    record: TrackRecord, window: Window, trade: Trade, signals: TradeSignals
) -> Iterator[Point]:
    """Yield the entry and the exit of a trade."""
    entry = signals.explain_entry(trade)
    filled = _describe_fill(record, signals, entry, trade.entry_time, trade.entry_price)
    size = f"{trade.side} {trade.shares:,.6g} shares"
    hover = _wrap(entry.text, filled, size)
    yield Point(ENTRIES[trade.side], trade.entry_time, trade.entry_price, hover)
    leave = signals.explain_exit(trade, f"end of {window.name or 'the data'}")
    filled = _describe_fill(record, signals, leave, trade.exit_time, trade.exit_price)
    hover = _wrap(leave.text, filled, _describe_profit(trade))
    yield Point(EXITS[trade.reason], trade.exit_time, trade.exit_price, hover)


def _describe_profit(trade: Trade) -> str:
    growth = format_value(measure_return(trade), "percent")
    sign = "+" if trade.profit > 0 else ""
    bars = "1 bar" if trade.bars == 1 else f"{trade.bars:,} bars"
    return f"profit {sign}{trade.profit:,.2f} ({sign}{growth}) after {bars} {trade.side}"


def _describe_fill(
    record: TrackRecord, signals: TradeSignals, signal: Signal, moment: np.datetime64, price: float
) -> str:
    filled = f"filled {record.format_time(moment)} at {format_price(price)}"
    if signal.bar is None:
        return filled
    return f"signal {record.format_time(signals.bars.time[signal.bar])}, {filled}"


def _wrap(*texts: str) -> str:
    """Join lines, of which long ones are wrapped."""
    lines = [line for text in texts for line in text.splitlines()]
    return "\n".join(
        part for line in lines for part in wrap(line, HOVER_WIDTH, subsequent_indent="    ")
    )
