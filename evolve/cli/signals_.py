"""`evolve signals`: what a strategy says on every bar."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from dsl.syntax.vocabulary import ORDERS
from evolve.cli.options import (
    TradingCommand,
    data_options,
    echo_compiling,
    echo_warmup,
    load_data,
    one_strategy,
)

if TYPE_CHECKING:
    from dsl.analysis.program import Program
    from evolve.data import DataRequest, Dataset


@click.command("signals", cls=TradingCommand)
@click.argument("file", type=click.Path(path_type=Path))
@data_options
@click.option("--name", help="Which strategy, if the file holds several.")
@click.option("--last", is_flag=True, help="Say today's position and orders instead.")
def command(file: Path, request: DataRequest, name: str | None, last: bool, **costs: Any) -> None:
    """Print time, buy, sell, short and cover for every bar, as CSV; empty where unknown.

    With several symbols, their name follows the time. Fills and costs matter to --last.
    """
    from evolve.backtest.warmup import entry_lookback

    program = one_strategy(file, name)
    dataset = load_data(request)
    echo_warmup(dataset, f"`{program.name}`", entry_lookback(program.canonical))
    echo_compiling()
    if last:
        _print_last(program, dataset, costs)
    else:
        _print_all(program, dataset)


def _print_last(program: Program, dataset: Dataset, costs: dict[str, Any]) -> None:
    """Each symbol's position after its last bar, and what it orders."""
    from evolve.analysis.next_orders import list_next_orders
    from evolve.backtest.market import market
    from evolve.report.tables import format_time

    bars, terms = dataset.bars, market(**costs)
    found = {each.symbol: each for each in list_next_orders(program, bars, terms, dataset.start)}
    for symbol in bars.symbols:
        label = f"{symbol} " if len(bars.symbols) > 1 else ""
        if symbol not in found:
            click.echo(f"{label}has no bars")
            continue
        last = found[symbol]
        since = "" if last.since is None else f" since {format_time(last.since)}"
        orders = ", ".join(last.orders) or "none"
        at = terms.filled_at(symbol in bars.closes_only)
        filled = f"the {at}" if terms.is_executable else "now"
        click.echo(
            f"{label}{format_time(last.time)}: {last.side}{since}; orders for {filled}: {orders}"
        )


def _print_all(program: Program, dataset: Dataset) -> None:
    import csv
    import sys

    import numpy as np

    from dsl.evaluate import Evaluator, truth_series

    bars = dataset.bars
    rules = [getattr(program.canonical, order) for order in ORDERS]
    evaluator = Evaluator(*[bars.select_symbol(symbol) for symbol in range(len(bars.symbols))])
    is_panel = len(bars.symbols) > 1
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(["time", *(["symbol"] if is_panel else []), *ORDERS])
    times = np.datetime_as_string(bars.time, unit="auto")
    for symbol in range(len(bars.symbols)):
        places = bars.priced_indices(symbol)
        first = int(np.searchsorted(places, dataset.start))
        columns = [
            np.zeros(len(places)) if rule is None else truth_series(evaluator, rule, symbol)
            for rule in rules
        ]
        label = [bars.symbols[symbol]] if is_panel else []
        own = [column[first:] for column in columns]
        for time, *row in zip(times[places[first:]], *own, strict=True):
            writer.writerow([time, *label, *map(_cell, row)])


def _cell(truth: float) -> str:
    return "" if truth != truth else str(int(truth))
