"""`evolve ask`: words to a checked strategy with its backtest."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from evolve.cli.options import ConsoleNotices, collect_request, echo_warmup, load_data
from evolve.files import write_text

if TYPE_CHECKING:
    from evolve.data import DataRequest

SAMPLE = "sample:sp500"


@click.command("ask")
@click.argument("wish")
@click.option("--data", "specs", default=SAMPLE, show_default=True, metavar="SPEC",
              help="What to trade it on.")  # fmt: skip
@click.option("--start", type=click.DateTime(["%Y-%m-%d"]),
              help="The first day; earlier bars warm the indicators.")  # fmt: skip
@click.option("--end", type=click.DateTime(["%Y-%m-%d"]), help="The last day.")
@click.option("-o", "--output", type=click.Path(path_type=Path), help="Write the strategy here.")
@collect_request
def command(wish: str, request: DataRequest, output: Path | None) -> None:
    """Ask a model for a strategy that does what WISH says, check it and trade it."""
    from evolve.assist.ask import ask, format_answer
    from evolve.backtest.backtest import backtest
    from evolve.backtest.market import market
    from evolve.backtest.warmup import entry_lookback
    from evolve.errors import EvolveError

    if not wish.strip():
        raise EvolveError("the wish is empty", 'say what you want: evolve ask "buy the dips"')
    if output is not None and output.exists():
        raise EvolveError(f"{output} is there already", "choose another name")
    dataset = load_data(request)
    answer = ask(wish, dataset.window, market(), ConsoleNotices())
    if not answer.programs:
        raise EvolveError(f"the model wrote no strategy that can be used\n{answer.reason}",
                          "say it in other words, or ask a larger model")  # fmt: skip
    from rich.console import Console

    from evolve.report.tables import metrics_table

    click.echo(format_answer(answer))
    for each in answer.programs:
        echo_warmup(dataset, f"`{each.name}`", entry_lookback(each.canonical))
    runs = {
        each.name: backtest(each, dataset.bars, market(), dataset.start) for each in answer.programs
    }
    columns = {name: run.metrics for name, run in runs.items()}
    columns["buy and hold"] = next(iter(runs.values())).benchmark_metrics
    console = Console()
    click.echo(f"on {dataset.name}, {dataset.first_day} to {dataset.last_day}")
    console.print(metrics_table(columns))
    if output is not None:
        write_text(output, format_answer(answer))
        click.echo(f"written to {output}", err=True)
