"""`evolve signals`: what a strategy says on every bar."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import click

from evolve.cli.options import data_options, load_data, one_strategy

ORDERS = ("buy", "sell", "short", "cover")


@click.command("signals")
@click.argument("file", type=click.Path(path_type=Path))
@data_options
@click.option("--name", help="Which strategy, if the file holds several.")
@click.option("--last", is_flag=True, help="Say today's position and orders instead.")
def command(
    file: Path, spec: str, start: datetime | None, end: datetime | None, name: str | None,
    last: bool,
) -> None:  # fmt: skip
    """Print time, buy, sell, short and cover for every bar, as CSV."""
    import csv
    import sys

    import numpy as np

    from dsl.evaluate import evaluate

    program = one_strategy(file, name)
    bars = load_data(spec, start, end).bars
    said = evaluate(program, bars)[0]
    columns = [said.order(order) for order in ORDERS]
    if last:
        from evolve.backtest.backtest import backtest
        from evolve.backtest.market import market

        trades = backtest(program, bars, market()).trades
        held = trades[-1] if trades and trades[-1].reason == "end" else None
        since = f"{held.side} since {_day(held.entry_time)}" if held else "flat"
        orders = [order for order, column in zip(ORDERS, columns, strict=True) if column[-1]]
        click.echo(f"{_day(bars.time[-1])}: {since}; signals for the next open: "
                   f"{', '.join(orders) or 'none'}")  # fmt: skip
        return
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(["time", *ORDERS])
    times = np.datetime_as_string(bars.time, unit="auto")
    writer.writerows([time, *map(int, row)] for time, *row in zip(times, *columns, strict=True))


def _day(moment: object) -> str:
    return str(moment)[:10]
