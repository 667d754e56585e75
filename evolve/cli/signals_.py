"""`evolve signals`: what a strategy says on every bar."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from evolve.cli.options import TradingCommand, data_options, load_data, one_strategy

if TYPE_CHECKING:
    from dsl.bars import Bars
    from dsl.evaluate import Signals
    from dsl.program import Program

ORDERS = ("buy", "sell", "short", "cover")


@click.command("signals", cls=TradingCommand)
@click.argument("file", type=click.Path(path_type=Path))
@data_options
@click.option("--name", help="Which strategy, if the file holds several.")
@click.option("--last", is_flag=True, help="Say today's position and orders instead.")
def command(
    file: Path, specs: tuple[str, ...], start: datetime | None, end: datetime | None,
    name: str | None, last: bool, **costs: Any,
) -> None:  # fmt: skip
    """Print time, buy, sell, short and cover for every bar, as CSV.

    With several symbols, their name stands after the time. Fills and costs matter to --last.
    """
    from dsl.evaluate import evaluate

    program = one_strategy(file, name)
    bars = load_data(specs, start, end).bars
    said = evaluate(program, bars)
    if last:
        _say_last(program, bars, said, costs)
    else:
        _print_all(bars, said)


def _say_last(
    program: Program, bars: Bars, said: tuple[Signals, ...], costs: dict[str, Any]
) -> None:
    """Each symbol's position after its last bar, and what it orders."""
    from evolve.backtest.backtest import backtest
    from evolve.backtest.market import market

    terms = market(**costs)
    result = backtest(program, bars, terms)
    when = "now" if costs["fill"] == "close" else f"the {costs['fill'].replace('_', ' ')}"
    for symbol, (run, signals) in enumerate(zip(result.sleeves or (result,), said, strict=True)):
        trades, label = run.trades, f"{bars.symbols[symbol]} " if result.sleeves else ""
        held = trades[-1] if trades and trades[-1].reason == "end" else None
        since = f"{held.side} since {_day(held.entry_time)}" if held else "flat"
        places = bars.places(symbol)
        if not len(places):
            click.echo(f"{label}has no bars")
            continue
        orders = [order for order in ORDERS if signals.order(order)[places[-1]]]
        click.echo(f"{label}{_day(bars.time[places[-1]])}: {since}; signals for {when}: "
                   f"{', '.join(orders) or 'none'}")  # fmt: skip


def _print_all(bars: Bars, said: tuple[Signals, ...]) -> None:
    import csv
    import sys

    import numpy as np

    is_panel = len(bars.symbols) > 1
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(["time", *(["symbol"] if is_panel else []), *ORDERS])
    times = np.datetime_as_string(bars.time, unit="auto")
    for symbol, signals in enumerate(said):
        places = bars.places(symbol)
        columns = [signals.order(order)[places] for order in ORDERS]
        label = [bars.symbols[symbol]] if is_panel else []
        for time, *row in zip(times[places], *columns, strict=True):
            writer.writerow([time, *label, *map(int, row)])


def _day(moment: object) -> str:
    return str(moment)[:10]
