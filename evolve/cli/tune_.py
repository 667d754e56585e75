"""`evolve tune`: better numbers for the constants of a strategy, with the luck of trying them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import click

from evolve.cli.options import (
    ConsoleNotices,
    Decorated,
    TradingCommand,
    choose_strategy,
    data_options,
    echo_compiling,
    json_option,
    load_data,
    result_console,
)
from evolve.cli.output import echo, echo_json

if TYPE_CHECKING:
    from evolve.data import DataRequest
    from evolve.experiment.tune import TunedStrategy

DEFAULT_EVALUATIONS = 2000


@dataclass(frozen=True)
class Options:
    """Options of a search over constants.

    Attributes:
        evaluations: maximum number of variants.
        seed: seed of the random draws.
        write: the file to write; None to write none.
        in_place: whether to write the input file.
        as_json: whether to print one JSON document instead of tables.
    """

    evaluations: int
    seed: int
    write: Path | None
    in_place: bool
    as_json: bool


def tune_options(command: Decorated) -> Decorated:
    """Add the options of the search, which the command receives as one `options`."""
    for option in (
        json_option,
        click.option("--in-place", is_flag=True, help="Write the tuned numbers into FILE."),
        click.option(
            "--write", type=click.Path(path_type=Path, dir_okay=False), help="Write a tuned copy."
        ),
        click.option(
            "--seed", type=click.IntRange(min=0), default=1, show_default=True,
            help="The seed of all random draws.",
        ),
        click.option(
            "--evaluations", type=click.IntRange(min=2), default=DEFAULT_EVALUATIONS,
            show_default=True, help="The maximum number of variants.",
        ),
    ):  # fmt: skip
        command = option(command)

    @wraps(command)
    def collect(
        evaluations: int, seed: int, write: Path | None, in_place: bool, as_json: bool,
        **others: Any,
    ) -> Any:  # fmt: skip
        return command(options=Options(evaluations, seed, write, in_place, as_json), **others)

    return cast("Decorated", collect)


@click.command("tune", cls=TradingCommand, short_help="Tune the numbers of a strategy.")
@click.argument("file", type=click.Path(path_type=Path, allow_dash=True))
@data_options
@click.option("--name", help="The strategy to tune, if the file has several.")
@tune_options
def command(
    file: Path, request: DataRequest, name: str | None, options: Options, **costs: Any
) -> int:
    """Search for better numbers of the strategy in FILE, and change nothing else.

    Parameters are tuned within their ranges; one without a range is held. Variants are scored and
    chosen on train, each counts as a trial, and the holdout stays sealed.

    Ctrl-C stops and prints the best so far.
    """
    from evolve.analysis.tunable import find_tunables
    from evolve.backtest.market import market
    from evolve.backtest.sleeve import list_uncapped
    from evolve.backtest.volume import list_unreadable
    from evolve.cli import DONE, INTERRUPTED
    from evolve.cli.interrupt import StopOnInterrupt
    from evolve.data.inputs import list_input_files
    from evolve.experiment.strategy_files import check_strategies
    from evolve.experiment.tune import describe_tuned, split_data, tune_strategy
    from evolve.files import read_text, refuse_overwrite, write_text

    if options.in_place and (options.write is not None or str(file) == "-"):
        raise click.UsageError("--in-place requires a FILE, and excludes --write")
    refuse_overwrite([options.write], [file, *list_input_files(request)])
    text = read_text(file)
    program = choose_strategy(check_strategies(text, file), file, name)
    data = split_data(load_data(replace(request, with_earlier=False)), market(**costs))
    notices = ConsoleNotices()
    for note in (
        *list_uncapped(data.split.seen, data.market), *list_unreadable(data.split.seen, [program])
    ):  # fmt: skip
        notices.notice(note)
    echo_compiling()
    stop = StopOnInterrupt("climb")
    tuned = tune_strategy(
        find_tunables(text, str(file), program.name), data, options.evaluations, options.seed,
        stop, _print_progress,
    )  # fmt: skip
    target = file if options.in_place else options.write
    if target is not None:
        write_text(target, tuned.text)
    if options.as_json:
        echo_json(describe_tuned(tuned))
    else:
        _print_tables(tuned)
    if target is not None:
        echo(f"written: {target}", err=True)
    return INTERRUPTED if stop.is_set else DONE


def _print_progress(trials: int, best: float) -> None:
    echo(f"{trials:,} variants: best score on train {best:.2f}", err=True)


def _print_tables(tuned: TunedStrategy) -> None:
    from rich.text import Text

    from evolve.report.glossary import HINT
    from evolve.report.terminal.tuning import (
        conclude,
        constants_table,
        describe_trials,
        scores_table,
    )

    console, split = result_console(), tuned.data.split
    title = (tuned.tuning.text.strategy, "bold"), f" on {tuned.data.dataset.name}"
    console.print(Text.assemble(*title), soft_wrap=True)
    console.print(
        f"train {len(split.train):,} bars, validation "
        f"{len(split.seen) - len(split.train):,} bars; holdout sealed, "
        f"{split.holdout.bars:,} bars from {split.holdout.first_day}"
    )
    console.print(constants_table(tuned))
    console.print(scores_table(tuned))
    console.print(Text(describe_trials(tuned)))
    console.print(Text(f"\n{conclude(tuned)}"))
    console.print(f"\n{HINT}")
