"""`evolve ask`: a request in plain language, answered by a checked and tested strategy."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from evolve.cli.options import SAMPLE, ConsoleNotices, collect_request, echo_warmup, load_data
from evolve.cli.output import echo
from evolve.files import write_text

if TYPE_CHECKING:
    from evolve.data import DataRequest


@click.command("ask", short_help="Ask a model for a strategy and backtest it.")
@click.argument("description", metavar="REQUEST")
@click.option("--data", "specs", default=SAMPLE, show_default=True, metavar="SPEC",
              help="The bars to trade.")  # fmt: skip
@click.option("--start", type=click.DateTime(["%Y-%m-%d"]),
              help="The first day; earlier bars warm the indicators.")  # fmt: skip
@click.option("--end", type=click.DateTime(["%Y-%m-%d"]), help="The last day.")
@click.option("-o", "--output", type=click.Path(path_type=Path), help="Write the strategy here.")
@collect_request
def command(description: str, request: DataRequest, output: Path | None) -> None:
    """Ask a model for a strategy by a REQUEST in plain language; check and backtest it.

    For example: evolve ask "buy the dips"
    """
    from evolve.assist.ask import ask, format_answer
    from evolve.backtest.backtest import backtest
    from evolve.backtest.market import market
    from evolve.backtest.warmup import entry_lookback
    from evolve.errors import EvolveError

    if not description.strip():
        raise EvolveError("the request is empty", 'for example: evolve ask "buy the dips"')
    if output is not None and output.exists():
        raise EvolveError(f"{output} already exists", "choose another name")
    dataset = load_data(request)
    answer = ask(description, dataset.window, market(), ConsoleNotices())
    if not answer.programs:
        raise EvolveError(
            f"the model wrote no valid strategy\n{answer.reason}",
            "rephrase the request, or use a larger model",
        )
    from evolve.cli.terminal import OutputConsole
    from evolve.report.terminal.tables import metrics_table

    echo(format_answer(answer))
    for each in answer.programs:
        echo_warmup(dataset, f"`{each.name}`", entry_lookback(each.canonical))
    runs = {
        each.name: backtest(each, dataset.bars, market(), dataset.start) for each in answer.programs
    }
    columns = {name: run.metrics for name, run in runs.items()}
    columns["buy and hold"] = next(iter(runs.values())).benchmark_metrics
    console = OutputConsole()
    echo(f"on {dataset.name}, {dataset.first_day} to {dataset.last_day}")
    console.print(metrics_table(columns))
    if output is not None:
        write_text(output, format_answer(answer))
        echo(f"written to {output}", err=True)
