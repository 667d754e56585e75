"""`evolve data`: fetch, check and export bars."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from evolve.cli.options import chart_width, collect_request, load_data, result_console
from evolve.cli.output import echo

if TYPE_CHECKING:
    from evolve.data import DataRequest, Dataset


@click.command("data", short_help="Fetch, check and export bars.")
@click.argument("specs", nargs=-1, required=True, metavar="SPEC...")
@click.option("--start", type=click.DateTime(["%Y-%m-%d"]), help="The first day.")
@click.option("--end", type=click.DateTime(["%Y-%m-%d"]), help="The last day.")
@click.option("--refresh", is_flag=True, help="Fetch cached data again.")
@click.option("--plot", is_flag=True, help="Draw the closes.")
@click.option("-o", "--output", type=click.Path(path_type=Path), help="Write a .csv or .parquet.")
@collect_request
def command(request: DataRequest, refresh: bool, plot: bool, output: Path | None) -> None:
    """Fetch the bars of each SPEC and print their range and quality issues.

    For example: evolve data yahoo:SPY yahoo:QQQ -o both.csv
    """
    from evolve.data.inputs import list_input_files
    from evolve.data.tables.frames import bars_to_frame
    from evolve.files import refuse_overwrite
    from evolve.report.export import write_table

    refuse_overwrite([output], list_input_files(request))
    dataset = load_data(replace(request, refresh=refresh, with_earlier=False))
    if output is not None:
        write_table(bars_to_frame(dataset.bars), output)
    _describe(dataset)
    if plot:
        _plot(dataset)
    if output is not None:
        echo(f"written    {output}")


def _describe(dataset: Dataset) -> None:
    from evolve.report.formats import format_rate
    from evolve.report.terminal.data_tables import bars_table, issues_table

    bars = dataset.bars
    echo(f"source     {dataset.name}" + (f", as of {dataset.as_of}" if dataset.as_of else ""))
    echo(f"range      {dataset.first_day} to {dataset.last_day}, {len(bars):,} bars")
    echo(f"per year   {format_rate(bars.bars_per_year)} bars")
    symbol, largest = max(
        dataset.stop_gains.items(), key=lambda each: (each[1].is_impossible, each[1].bps)
    )
    label = f" ({symbol}, the largest)" if len(bars.symbols) > 1 else ""
    traded = "not traded" if largest.is_impossible else "traded"
    echo(f"opens      {traded}: {largest.figure}{label}")
    echo(f"hash       {bars.hash}\n")
    console = result_console()
    console.print(bars_table(bars))
    issues = issues_table(bars)
    console.print(issues if issues.row_count else "\nno quality issues")


def _plot(dataset: Dataset) -> None:
    from evolve.report.terminal.chart import line_chart

    bars = dataset.bars
    for symbol, name in enumerate(bars.symbols):
        series = bars.select_symbol(symbol)
        title, lines = f"{name}, adjusted close", {"close": series.close[0]}
        echo(line_chart(series.time, lines, title, width=chart_width()))
