"""Tables of one backtest: symbols, years, drawdowns, rules, trades and higher costs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rich.table import Table

from evolve.analysis.periods import largest_drawdowns, yearly_returns
from evolve.backtest.activity import Activity, Tally
from evolve.backtest.backtest import Backtest, Trade
from evolve.backtest.metrics import METRICS
from evolve.report.formats import format_price, format_time, format_value
from evolve.report.page.shown_metrics import BY_SYMBOL, STRESSED
from evolve.report.terminal.fitting_table import blank_table, format_text


def symbols_table(result: Backtest, window: str = "") -> Table:
    """Build a table with one row per symbol: its sleeve beside holding the symbol.

    Args:
        result: a backtest of several symbols.
        window: the name of its bars, for the title; empty for none.
    """
    title = "by symbol, one sleeve of equal capital each" + (f", on {window}" if window else "")
    table = _table(title, "symbol")
    for name in (*BY_SYMBOL, "held"):
        table.add_column(name.replace("_", " "), justify="right")
    for sleeve in result.sleeves:
        row = [format_value(sleeve.metrics[name], METRICS[name].unit) for name in BY_SYMBOL]
        held = format_value(sleeve.benchmark_metrics["total_return"], "percent")
        table.add_row(format_text(sleeve.symbols[0]), *row, held)
    return table


def years_table(result: Backtest) -> Table:
    """Build a table of the return of each calendar year, beside buy and hold."""
    table = _table("by year", "year")
    for heading in ("strategy", "buy and hold"):
        table.add_column(heading, justify="right")
    capital = result.performance.capital
    strategy, benchmark = (
        yearly_returns(result.time, equity, capital) for equity in (result.equity, result.benchmark)
    )
    for year, growth in strategy.items():
        table.add_row(
            str(year), format_value(growth, "percent"), format_value(benchmark[year], "percent")
        )
    return table


def drawdowns_table(result: Backtest) -> Table:
    """Build a table of the ten largest drawdowns, with their dates."""
    table = _table("largest drawdowns", "depth")
    for heading in ("from", "lowest", "recovered"):
        table.add_column(heading)
    table.add_column("bars", justify="right")
    for each in largest_drawdowns(result.equity, result.performance.capital):
        first = 0 if each.peak is None else each.peak
        table.add_row(
            format_value(each.depth, "percent"),
            format_time(result.time[first]),
            format_time(result.time[each.trough]),
            "not yet" if each.recovery is None else format_time(result.time[each.recovery]),
            f"{each.bars:,}",
        )
    return table


def rules_table(activity: Activity) -> Table:
    """Build a table of the bars on which each rule, and each of its parts, was true and known."""
    rows = []
    for rule in activity.rules:
        is_split = len(rule.parts) > 1
        never_together = is_split and rule.whole.true == 0 and all(p.true for p in rule.parts)
        rows.append((rule.name, *_tally_cells(rule.whole), "never together" * never_together))
        for part in rule.parts:
            mark = "" if part.true else "never true" if part.known else "never known"
            rows.append((f"  {part.text}", *_tally_cells(part), mark))
    table = blank_table("bars with a true rule")
    table.add_column("rule", overflow="fold")
    for heading in ("true", "known", "of bars"):
        table.add_column(heading, justify="right", no_wrap=True)
    if any(mark for *_, mark in rows):
        table.add_column("", no_wrap=True)
    for text, *cells in rows:
        table.add_row(format_text(text), *cells[: len(table.columns) - 1])
    return table


def _tally_cells(tally: Tally) -> tuple[str, str, str]:
    return f"{tally.true:,}", f"{tally.known:,}", f"{tally.bars:,}"


def stress_table(metrics: Mapping[float, Mapping[str, float]]) -> Table:
    """Build a table of metrics at multiples of all costs.

    Args:
        metrics: the metrics by the factor of the costs.
    """
    table = _table("at higher costs", "")
    for factor in metrics:
        table.add_column(f"{factor:g}x", justify="right")
    for name in STRESSED:
        row = [format_value(each[name], METRICS[name].unit) for each in metrics.values()]
        table.add_row(name.replace("_", " "), *row)
    return table


def trades_table(trades: Sequence[Trade], is_panel: bool = False, limit: int = 20) -> Table:
    """Build a table of the last trades of a run.

    Args:
        trades: all trades, in order of exit.
        is_panel: whether to show the symbol.
        limit: maximum number of rows.
    """
    title = f"trades ({len(trades)}" + (f", the last {limit})" if len(trades) > limit else ")")
    table = _table(title, "symbol" if is_panel else "entry", gap=1)
    for heading in ("entry", "exit", "side") if is_panel else ("exit", "side"):
        table.add_column(heading, no_wrap=True)
    for heading in ("shares", "from", "to", "bars", "profit", "costs"):
        table.add_column(heading, justify="right")
    table.add_column("reason")
    for trade in trades[-limit:]:
        cells = (
            format_time(trade.entry_time),
            format_time(trade.exit_time),
            trade.side,
            f"{trade.shares:,.2f}",
            format_price(trade.entry_price),
            format_price(trade.exit_price),
            str(trade.bars),
            f"{trade.profit:,.0f}",
            f"{trade.costs:,.2f}",
            trade.reason,
        )
        table.add_row(*((format_text(trade.symbol), *cells) if is_panel else cells))
    return table


def _table(title: str, first: str, gap: int = 2) -> Table:
    table = blank_table(title, gap)
    table.add_column(first, no_wrap=first != "symbol", overflow="fold")
    return table
