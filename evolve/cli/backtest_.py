"""`evolve backtest`: one strategy in full."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

import click

from evolve.cli.options import data_options, json_option, load_data, one_strategy


@click.command("backtest")
@click.argument("file", type=click.Path(path_type=Path))
@data_options
@click.option("--name", help="Which strategy, if the file holds several.")
@click.option("--fill", type=click.Choice(["next_open", "close"]), default="next_open",
              show_default=True, help="When a signal is filled.")  # fmt: skip
@click.option("--capital", type=click.FloatRange(min=0, min_open=True), default=10_000.0,
              show_default=True, help="Equity at the start.")  # fmt: skip
@click.option("--commission-bps", type=click.FloatRange(min=0), default=1.0, show_default=True,
              help="Commission a side, in basis points of the traded value.")  # fmt: skip
@click.option("--slippage-bps", type=click.FloatRange(min=0), default=5.0, show_default=True,
              help="Slippage, in basis points of the price.")  # fmt: skip
@click.option("--borrow-bps", type=click.FloatRange(min=0), default=0.0, show_default=True,
              help="Cost of a short a year, in basis points.")  # fmt: skip
@click.option("--cash-rate", type=click.FloatRange(min=0), default=0.0, show_default=True,
              help="Yearly rate on cash, as a fraction.")  # fmt: skip
@click.option("--max-leverage", type=click.FloatRange(min=0, min_open=True), default=1.0,
              show_default=True, help="The cap on size.")  # fmt: skip
@json_option
def command(
    file: Path, spec: str, start: datetime | None, end: datetime | None, name: str | None,
    as_json: bool, **costs: Any,
) -> None:  # fmt: skip
    """Trade the strategy in FILE over all of the data, beside buy-and-hold."""
    from evolve.backtest.backtest import backtest
    from evolve.backtest.market import market

    program = one_strategy(file, name)
    dataset = load_data(spec, start, end)
    result = backtest(program, dataset.bars, market(**costs))
    if as_json:
        _print_json(result)
        return
    from rich.console import Console

    from evolve.backtest.metrics import METRICS
    from evolve.report.tables import metrics_table, trades_table

    console = Console()
    filled = "next open" if costs["fill"] == "next_open" else "close"
    span = f"{dataset.first_day} to {dataset.last_day}, {len(dataset.bars):,} bars"
    console.print(f"[bold]{program.name}[/] on {dataset.used}, {span}; filled at the {filled}")
    columns = {"strategy": result.metrics, "buy and hold": result.benchmark_metrics}
    console.print(metrics_table(columns, list(METRICS)))
    if result.trades:
        console.print(trades_table(result.trades))


def _print_json(result: Any) -> None:
    import json
    from dataclasses import asdict

    from evolve.report.result import figures

    trades = [
        asdict(each) | {"entry_time": str(each.entry_time), "exit_time": str(each.exit_time)}
        for each in result.trades
    ]
    document = {
        "metrics": figures(result.metrics),
        "benchmark": figures(result.benchmark_metrics),
        "trades": trades,
    }
    click.echo(json.dumps(document, indent=2))
