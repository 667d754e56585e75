"""`evolve backtest RUN`: a strategy of a run on the run's own bars, with its costs and parts."""

from __future__ import annotations

from dataclasses import dataclass
from functools import wraps
from typing import TYPE_CHECKING, Any, cast

import click
from click.core import ParameterSource

from evolve.cli.options import (
    ConsoleNotices,
    Decorated,
    TradingCommand,
    echo_compiling,
    result_console,
)
from evolve.cli.output import echo_json

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    import pandas as pd

    from evolve.backtest.backtest import Backtest
    from evolve.cli.backtest_ import Outputs
    from evolve.data import Dataset

RUN_OPTIONS = ("part", "finalist")
BOTH_OPTIONS = ("file", "trades", "equity", "report", "plot", "as_json")


@dataclass(frozen=True)
class RunChoice:
    """Strategy and part of a run.

    Attributes:
        part: `train`, `validation` or `holdout`; None for all that are open.
        finalist: rank of the strategy.
    """

    part: str | None
    finalist: int


class RunCommand(TradingCommand):
    """Command on a strategy file with data, or on a run, which has its own."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse the arguments; refuse options that contradict a run, or require one."""
        rest = super().parse_args(ctx, args)
        source = ctx.get_parameter_source
        given = [
            each
            for each in self.get_params(ctx)
            if each.name and source(each.name) is ParameterSource.COMMANDLINE
        ]
        if ctx.params["file"].is_dir():
            refused = [each for each in given if each.name not in (*RUN_OPTIONS, *BOTH_OPTIONS)]
            reason = "the run's own bars, costs and parts are used"
        else:
            refused = [each for each in given if each.name in RUN_OPTIONS]
            reason = "it requires a run folder"
            if not refused and not ctx.params["specs"]:
                (data,) = (each for each in self.params if each.name == "specs")
                raise click.MissingParameter(ctx=ctx, param=data)
        if refused:
            names = ", ".join(each.opts[0] for each in refused)
            raise click.UsageError(f"{names} cannot be used with {ctx.params['file']}: {reason}")
        return rest


def run_options(command: Decorated) -> Decorated:
    """Add the options of a run, which the command receives as one `choice`."""
    for option in (
        click.option(
            "--finalist", type=click.IntRange(min=1), default=1, metavar="N",
            help="The rank of the strategy in RUN.",
        ),
        click.option(
            "--part", type=click.Choice(["train", "validation", "holdout"]),
            help="One part of RUN in full, instead of train beside validation.",
        ),
    ):  # fmt: skip
        command = option(command)

    @wraps(command)
    def collect(part: str | None, finalist: int, **others: Any) -> Any:
        return command(choice=RunChoice(part, finalist), **others)

    return cast("Decorated", collect)


def print_run_backtest(folder: Path, choice: RunChoice, outputs: Outputs) -> None:
    """Backtest a strategy of a run as the run did, and print it.

    Raises:
        EvolveError, LanguageError: if there is no such run, strategy or open part.
    """
    from evolve.cli.backtest_ import (
        describe_backtest,
        describe_data,
        measure_strategy,
        plot_equity,
        print_tables,
    )
    from evolve.experiment.run_parts import list_open_parts, read_finalist, select_part
    from evolve.experiment.run_view import read_view
    from evolve.files import refuse_overwrite
    from evolve.report.export import equity_frame, trades_frame, write_tables
    from evolve.report.save import save_report
    from evolve.store.files import BARS

    written = [outputs.trades, outputs.equity, outputs.report]
    refuse_overwrite(written, [folder / BARS])
    view = read_view(folder)
    parts = list_open_parts(view) if choice.part is None else (choice.part,)
    datasets = {part: select_part(view, part) for part in parts}
    program = read_finalist(view, choice.finalist)
    market = view.data.market
    echo_compiling()
    measured = {part: measure_strategy(program, each, market) for part, each in datasets.items()}
    results = {part: result for part, (result, *_) in measured.items()}
    tables = ((outputs.trades, trades_frame), (outputs.equity, equity_frame))
    write_tables([(path, _join(results, build)) for path, build in tables if path is not None])
    if outputs.report is not None:
        save_report(folder, outputs.report)
    if outputs.as_json:
        described = {
            part: {"data": describe_data(each[0], datasets[part])} | describe_backtest(*each)
            for part, each in measured.items()
        }
        strategy = {"name": program.name, "hash": program.hash, "finalist": choice.finalist}
        echo_json({"run_dir": str(folder), "strategy": strategy, "parts": described})
        return
    _print_state(view.state)
    if choice.part is not None:
        result, stress, activity = measured[choice.part]
        name = f"{program.name}, {choice.part} of {folder}"
        print_tables(name, result, datasets[choice.part], market, stress, activity)
    else:
        _print_beside(f"{program.name}, {folder}", datasets, results)
    if outputs.plot:
        for part, result in results.items():
            plot_equity(result, f"equity on {part}")


def _print_state(state: str) -> None:
    if state != "finished":
        ConsoleNotices().notice(
            f"the run is {state}: the best strategy so far, without pruning and validation"
        )


def _print_beside(
    name: str, datasets: Mapping[str, Dataset], results: Mapping[str, Backtest]
) -> None:
    """Print the metrics of several parts beside each other."""
    from rich.text import Text

    from evolve.backtest.metrics import METRICS
    from evolve.report.glossary import HINT
    from evolve.report.terminal.tables import metrics_by_part_table
    from evolve.report.terminal.trading import symbols_table

    console = result_console()
    first = next(iter(datasets.values()))
    console.print(Text.assemble((name, "bold"), f" on {first.name}"), soft_wrap=True)
    for part, each in datasets.items():
        console.print(f"{part}: {each.first_day} to {each.last_day}, {len(each.window):,} bars")
    console.print(metrics_by_part_table(results, list(METRICS)))
    for part, result in results.items():
        if result.sleeves:
            console.print(symbols_table(result, part))
    console.print(f"\nyears, drawdowns, costs, rules and trades: --part {' or '.join(datasets)}")
    console.print(HINT)


def _join(
    results: Mapping[str, Backtest], build: Callable[[Backtest], pd.DataFrame]
) -> pd.DataFrame:
    """Return the tables of all parts as one, with the name of the part in the first column."""
    import pandas as pd

    frames = []
    for part, result in results.items():
        frame = build(result)
        frame.insert(0, "part", part)
        frames.append(frame)
    return pd.concat(frames, ignore_index=True)
