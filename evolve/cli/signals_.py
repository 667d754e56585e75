"""`evolve signals`: signals of a strategy on every bar, or its next orders."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from dsl.syntax.vocabulary import ORDERS
from evolve.cli.options import (
    ConsoleNotices,
    TradingCommand,
    data_options,
    echo_compiling,
    echo_warmup,
    load_data,
    read_strategy,
)
from evolve.cli.output import echo, echo_rows

if TYPE_CHECKING:
    from dsl.analysis.program import Program
    from evolve.data import DataRequest, Dataset


@click.command("signals", cls=TradingCommand, short_help="Print signals, or the next orders.")
@click.argument("file", type=click.Path(path_type=Path))
@data_options
@click.option("--name", help="The strategy to use, if the file has several.")
@click.option(
    "--last", is_flag=True, help="Print the position and orders after the last bar instead."
)
def command(file: Path, request: DataRequest, name: str | None, last: bool, **costs: Any) -> None:
    """Print buy, sell, short and cover on every bar, as CSV.

    A signal is 1 or 0, and empty if it is unknown. With several symbols, the second column is the
    symbol. Fill and cost options affect --last only.
    """
    from evolve.backtest.volume import list_unreadable
    from evolve.backtest.warmup import entry_lookback

    program = read_strategy(file, name)
    dataset = load_data(request)
    for text in list_unreadable(dataset.window, [program]):
        ConsoleNotices().notice(text)
    echo_warmup(dataset, f"`{program.name}`", entry_lookback(program.canonical))
    echo_compiling()
    if last:
        _print_last(program, dataset, costs)
    else:
        _print_all(program, dataset)


def _print_last(program: Program, dataset: Dataset, costs: dict[str, Any]) -> None:
    """Print the position and orders of each symbol after its last bar."""
    from evolve.analysis.next_orders import list_next_orders
    from evolve.backtest.market import market
    from evolve.report.formats import format_time

    bars, terms = dataset.bars, market(**costs)
    listed = list_next_orders(program, bars, terms, dataset.start)
    by_symbol = {each.symbol: each for each in listed}
    for symbol in bars.symbols:
        label = f"{symbol} " if len(bars.symbols) > 1 else ""
        if symbol not in by_symbol:
            echo(f"{label}has no bars")
            continue
        last = by_symbol[symbol]
        since = "" if last.since is None else f" since {format_time(last.since)}"
        orders = ", ".join(last.orders) or "none"
        fill = terms.filled_at(symbol in bars.closes_only)
        when = f"the {fill}" if terms.is_executable else "now"
        echo(f"{label}{format_time(last.time)}: {last.side}{since}; orders for {when}: {orders}")


def _print_all(program: Program, dataset: Dataset) -> None:
    import numpy as np

    from dsl.evaluate import Evaluator, truth_series

    bars = dataset.bars
    rules = [getattr(program.canonical, order) for order in ORDERS]
    evaluator = Evaluator(*[bars.select_symbol(symbol) for symbol in range(len(bars.symbols))])
    is_panel = len(bars.symbols) > 1
    echo_rows([["time", *(["symbol"] if is_panel else []), *ORDERS]])
    times = np.datetime_as_string(bars.time, unit="auto")
    for symbol in range(len(bars.symbols)):
        indices = bars.priced_indices(symbol)
        first = int(np.searchsorted(indices, dataset.start))
        columns = [
            np.zeros(len(indices)) if rule is None else truth_series(evaluator, rule, symbol)
            for rule in rules
        ]
        label = [bars.symbols[symbol]] if is_panel else []
        shown = [column[first:] for column in columns]
        rows = zip(times[indices[first:]], *shown, strict=True)
        echo_rows([time, *label, *map(_cell, row)] for time, *row in rows)


def _cell(truth: float) -> str:
    return "" if truth != truth else str(int(truth))
