"""`evolve backtest`: the full report of one strategy."""

from __future__ import annotations

from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import click

from evolve.cli.backtest_run import RunCommand, print_run_backtest, run_options
from evolve.cli.options import (
    ConsoleNotices,
    Decorated,
    chart_width,
    echo_compiling,
    echo_warmup,
    json_option,
    load_data,
    optional_data_options,
    read_strategy,
    result_console,
)
from evolve.cli.output import echo, echo_json
from evolve.cli.run_argument import FileOrRunType

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dsl.analysis.program import Program
    from evolve.backtest.activity import Activity
    from evolve.backtest.backtest import Backtest
    from evolve.backtest.market import Market
    from evolve.cli.backtest_run import RunChoice
    from evolve.data import DataRequest, Dataset

    Stress = Mapping[float, Mapping[str, float]]

table_path = click.Path(path_type=Path, dir_okay=False)


@dataclass(frozen=True)
class Outputs:
    """Options of a backtest's output.

    Attributes:
        trades, equity: the table files to write; None to write none.
        report: the page to write; None to write none.
        plot: whether to draw the equity.
        as_json: whether to print one JSON document instead of tables.
    """

    trades: Path | None
    equity: Path | None
    report: Path | None
    plot: bool
    as_json: bool


def output_options(command: Decorated) -> Decorated:
    """Add the options of the output, which the command receives as one `outputs`."""
    for option in (
        json_option,
        click.option("--plot", is_flag=True, help="Draw equity beside buy and hold."),
        click.option("--report", type=table_path, help="Write a page with charts, as one .html."),
        click.option("--equity", type=table_path, help="Write equity a bar to a .csv or .parquet."),
        click.option("--trades", type=table_path, help="Write all trades to a .csv or .parquet."),
    ):
        command = option(command)

    @wraps(command)
    def collect(
        trades: Path | None, equity: Path | None, report: Path | None, plot: bool, as_json: bool,
        **others: Any,
    ) -> Any:  # fmt: skip
        return command(outputs=Outputs(trades, equity, report, plot, as_json), **others)

    return cast("Decorated", collect)


@click.command("backtest", cls=RunCommand, short_help="Backtest a strategy beside buy and hold.")
@click.argument("file", metavar="FILE|RUN", type=FileOrRunType())
@optional_data_options
@click.option("--name", help="The strategy to use, if the file has several.")
@run_options
@output_options
def command(
    file: Path, request: DataRequest, name: str | None, choice: RunChoice, outputs: Outputs,
    **costs: Any,
) -> None:  # fmt: skip
    """Backtest the strategy in FILE, or that of RUN, a run folder, beside buy and hold.

    A FILE requires --data. A run has its own bars, costs and parts: its figures are repeated.
    """
    from evolve.backtest.distances import list_tight
    from evolve.backtest.market import market
    from evolve.backtest.sleeve import list_uncapped
    from evolve.backtest.volume import list_unreadable
    from evolve.backtest.warmup import entry_lookback
    from evolve.data.inputs import list_input_files
    from evolve.files import refuse_overwrite
    from evolve.report.export import equity_frame, trades_frame, write_tables
    from evolve.report.save import check_page_path, save_page

    if outputs.plot and outputs.as_json:
        raise click.UsageError("--plot and --json exclude each other")
    if outputs.report is not None:
        check_page_path(outputs.report)
    if file.is_dir():
        print_run_backtest(file, choice, outputs)
        return
    written = [outputs.trades, outputs.equity, outputs.report]
    refuse_overwrite(written, [file, *list_input_files(request)])
    program = read_strategy(file, name)
    dataset = load_data(request)
    notices, terms = ConsoleNotices(), market(**costs)
    for text in (
        *list_uncapped(dataset.window, terms),
        *list_unreadable(dataset.window, [program]),
        *list_tight([program], dataset.bars, terms, dataset.start),
    ):  # fmt: skip
        notices.notice(text)
    echo_warmup(dataset, f"`{program.name}`", entry_lookback(program.canonical))
    echo_compiling()
    result, stress, activity = measure_strategy(program, dataset, terms)
    if activity.capped:
        notices.notice(
            f"`size` is capped at max_leverage {terms.max_leverage:g} on {activity.capped:,} of "
            f"{activity.entries:,} bars with an entry signal"
        )
    tables = ((outputs.trades, trades_frame), (outputs.equity, equity_frame))
    write_tables([(path, frame(result)) for path, frame in tables if path is not None])
    if outputs.report is not None:
        from evolve.report.page.backtest_page import build_backtest_page

        text = _format_command(file, request, name, costs)
        save_page(build_backtest_page(program, dataset, terms, result, text), outputs.report)
    if outputs.as_json:
        echo_json(
            {"data": describe_data(result, dataset)} | describe_backtest(result, stress, activity)
        )
    else:
        print_tables(program.name, result, dataset, terms, stress, activity)
        if outputs.plot:
            plot_equity(result)


def measure_strategy(
    program: Program, dataset: Dataset, market: Market
) -> tuple[Backtest, Stress, Activity]:
    """Return the backtest of a strategy, its metrics at higher costs, and what its rules did."""
    from evolve.analysis.costs import COST_FACTORS
    from evolve.backtest.activity import measure_activity
    from evolve.backtest.backtest import backtest

    bars, start = dataset.bars, dataset.start
    result = backtest(program, bars, market, start)
    stress = {
        factor: backtest(program, bars, market.scale_costs(factor), start).metrics
        for factor in COST_FACTORS
    }
    return result, stress, measure_activity(program, bars, market, start, bool(result.trades))


TIME_FIELDS = ("entry_time", "exit_time")


def _format_command(
    file: Path, request: DataRequest, name: str | None, costs: Mapping[str, Any]
) -> str:
    """Return the command line of the backtest, with the options that are not the default."""
    from evolve.config.schema import Backtest as Settings
    from evolve.store.files import format_command

    specs = [request.source] if isinstance(request.source, str) else request.source
    options: list[tuple[str, object]] = [("data", each) for each in specs]
    options += [("start", request.start), ("end", request.end), ("name", name)]
    options += [
        (key, value) for key, value in costs.items() if value != Settings.model_fields[key].default
    ]
    words = [
        word
        for key, value in options
        if value is not None
        for word in (f"--{key.replace('_', '-')}", str(value))
    ]
    return format_command("backtest", file, *words)


def print_tables(
    name: str, result: Backtest, dataset: Dataset, market: Market, stress: Stress,
    activity: Activity,
) -> None:  # fmt: skip
    """Print all tables of the backtest of one strategy."""
    from rich.text import Text

    from evolve.backtest.metrics import METRICS
    from evolve.report.formats import format_rate
    from evolve.report.glossary import HINT
    from evolve.report.page.no_trades import explain_no_trades
    from evolve.report.terminal import trading
    from evolve.report.terminal.tables import metrics_table

    console = result_console()
    bars, bars_per_year = len(result.time), result.performance.bars_per_year
    closes_only = dataset.bars.closes_only
    all_on_closes = closes_only == dataset.bars.symbols
    console.print(Text.assemble((name, "bold"), f" on {dataset.name}"), soft_wrap=True)
    console.print(
        f"{dataset.first_day} to {dataset.last_day}, {bars:,} bars, {format_rate(bars_per_year)} "
        f"per year; filled at the {market.filled_at(all_on_closes)}"
        + ("" if market.is_executable else ", which nobody can trade")
    )
    if closes_only:
        console.print(
            f"{', '.join(closes_only)} without traded opens: filled at the "
            f"{market.filled_at(closes_only=True)}; stops, trails and targets at closes only"
        )
    columns = {"strategy": result.metrics, "buy and hold": result.benchmark_metrics}
    console.print(metrics_table(columns, list(METRICS)))
    if result.sleeves:
        console.print(trading.symbols_table(result))
    console.print(trading.years_table(result))
    drawdowns = trading.drawdowns_table(result)
    if drawdowns.row_count:
        console.print(drawdowns)
    console.print(trading.stress_table(stress))
    console.print(trading.rules_table(activity))
    if result.trades:
        console.print(trading.trades_table(result.trades, is_panel=bool(result.sleeves)))
    else:
        console.print(Text(explain_no_trades(activity)))
    console.print(f"\n{HINT}")


def plot_equity(result: Backtest, title: str = "equity") -> None:
    """Print a chart of equity beside buy and hold."""
    from evolve.report.terminal.chart import line_chart

    lines = {"buy and hold": result.benchmark, "strategy": result.equity}
    is_log = bool((result.equity > 0).all() and (result.benchmark > 0).all())
    echo(line_chart(result.time, lines, title, is_log, chart_width()))


def describe_data(result: Backtest, dataset: Dataset) -> dict[str, object]:
    """Describe the bars of a backtest for JSON."""
    from evolve.experiment.result import data_document

    return data_document(dataset) | {"bars_per_year": result.performance.bars_per_year}


def describe_backtest(result: Backtest, stress: Stress, activity: Activity) -> dict[str, object]:
    """Describe a backtest for JSON, without its bars."""
    from dataclasses import asdict

    from evolve.analysis.periods import yearly_returns
    from evolve.experiment.assessed import clean_metrics
    from evolve.report.formats import format_iso

    trades = [
        asdict(each) | {name: format_iso(getattr(each, name)) for name in TIME_FIELDS}
        for each in result.trades
    ]
    return {
        "metrics": clean_metrics(result.metrics),
        "benchmark": clean_metrics(result.benchmark_metrics),
        "by_symbol": {each.symbols[0]: clean_metrics(each.metrics) for each in result.sleeves},
        "by_year": yearly_returns(result.time, result.equity, result.performance.capital),
        "at_costs": {f"{factor:g}x": clean_metrics(metrics) for factor, metrics in stress.items()},
        "rules": {
            each.name: {**asdict(each.whole), "parts": [asdict(part) for part in each.parts]}
            for each in activity.rules
        },
        "entry_signals": {
            "bars": activity.entries, "capped": activity.capped, "blocked": activity.blocked,
        },
        "trades": trades,
    }  # fmt: skip
