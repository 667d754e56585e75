"""Options and output that several commands share."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from functools import cache, wraps
from typing import TYPE_CHECKING, Any, Literal, TypeVar, cast, get_args, get_origin

import click

from evolve.cli.output import echo
from evolve.errors import EvolveError

if TYPE_CHECKING:
    from pathlib import Path

    from pydantic.fields import FieldInfo

    from dsl.analysis.program import Program
    from evolve.cli.terminal import OutputConsole
    from evolve.data import DataRequest, Dataset

WIDTH = 110
SAMPLE = "sample:sp500"  # the default data of commands
MIN_WIDTH = 40  # of tables, which become lists if they do not fit
CHART_WIDTHS = (40, 100)
COMPILING = "compiling kernels, once on this machine: about ten seconds …"
COMPILING_UNCACHED = "compiling kernels, as in every run: {problem}"

Decorated = TypeVar("Decorated", bound=Callable[..., Any])


def data_options(command: Decorated) -> Decorated:
    """Add `--data`, `--start` and `--end`, which the command receives as one `request`."""
    return _add_data_options(command, is_required=True)


def optional_data_options(command: Decorated) -> Decorated:
    """Add the options of `data_options` to a command that may have data of its own."""
    return _add_data_options(command, is_required=False)


def _add_data_options(command: Decorated, is_required: bool) -> Decorated:
    day = click.DateTime(["%Y-%m-%d"])
    for option in (
        click.option("--end", type=day, help="The last day."),
        click.option(
            "--start", type=day, help="The first day; earlier bars warm the indicators."
        ),
        click.option(
            "--data", "specs", required=is_required, multiple=True, metavar="SPEC",
            help="yahoo:SPY, csv:PATH, parquet:PATH, sample:stocks or synthetic:walk?seed=1; "
            "a folder, a pattern with *, or the option again for several symbols.",
        ),
    ):  # fmt: skip
        command = option(command)
    return collect_request(command)


def collect_request(command: Decorated) -> Decorated:
    """Pass the parameters `specs`, `start` and `end` to a command as one `DataRequest`."""

    @wraps(command)
    def collect(
        specs: str | Sequence[str], start: datetime | None, end: datetime | None, **others: Any
    ) -> Any:
        from evolve.data import DataRequest

        first, last = (moment.date() if moment else None for moment in (start, end))
        return command(request=DataRequest(specs, first, last, with_earlier=True), **others)

    return cast("Decorated", collect)


json_option = click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")


class TradingCommand(click.Command):
    """Command with an option for each setting in the `backtest` section of an experiment.

    The options are built on demand, because the import of the settings is slow.
    """

    def get_params(self, ctx: click.Context) -> list[click.Parameter]:
        """Return the parameters of the command, then the settings, then `--help`."""
        *parameters, usage = super().get_params(ctx)
        return [*parameters, *_market_options(), usage]


@cache
def _market_options() -> tuple[click.Option, ...]:
    """Build an option for each setting of a market."""
    from evolve.config.schema import Backtest
    from evolve.config.section import unit_of

    return tuple(
        click.Option(
            [f"--{name.replace('_', '-')}"], type=_option_type(name, info), default=info.default,
            show_default=info.default is not None,
            help=f"{str(info.description).capitalize()}{_parenthesize(unit_of(info))}.",
        )
        for name, info in Backtest.model_fields.items()
    )  # fmt: skip


def _parenthesize(unit: str) -> str:
    return f" ({unit})" if unit else ""


def _option_type(name: str, info: FieldInfo) -> click.ParamType[Any]:
    if get_origin(info.annotation) is Literal:
        return click.Choice(get_args(info.annotation))
    return SettingType(name)


class SettingType(click.ParamType[Any]):
    """Parameter type that accepts the same values as a setting of the `backtest` section."""

    name = "number"

    def __init__(self, setting: str) -> None:
        self.setting = setting

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float | None:
        """Return the value of the setting; fail with the error of its validation."""
        from pydantic import ValidationError

        from evolve.config.schema import Backtest

        try:
            validated = Backtest.model_validate({self.setting: value})
        except ValidationError as error:
            self.fail(f"{value!r}: {error.errors()[0]['msg'].lower()}", param, ctx)
        number: float | None = getattr(validated, self.setting)
        return number


def load_data(request: DataRequest) -> Dataset:
    """Load the bars of a request, and print notices on stderr."""
    from evolve.data import load

    notices = ConsoleNotices()
    dataset = load(request, notices)
    for text in dataset.tradability_notes:
        notices.notice(text)
    return dataset


def result_console() -> OutputConsole:
    """Return a console for tables: as wide as the terminal, or `WIDTH` if output is redirected."""
    import sys

    from evolve.cli.terminal import OutputConsole

    width = max(OutputConsole().width, MIN_WIDTH) if sys.stdout.isatty() else WIDTH
    return OutputConsole(width=width)


def chart_width() -> int:
    """Return the width of a chart in characters."""
    low, high = CHART_WIDTHS
    return max(low, min(high, result_console().width))


def echo_compiling() -> None:
    """Print why a command waits, if kernels are not compiled yet."""
    from dsl.evaluate.jit import is_compiled

    if not is_compiled():
        echo(compiling_text(), err=True)


def compiling_text() -> str:
    """Return the line that explains the wait for the compiler."""
    from dsl.evaluate.jit import find_cache_problem

    problem = find_cache_problem()
    return COMPILING_UNCACHED.format(problem=problem) if problem else COMPILING


def echo_warmup(dataset: Dataset, what: str, lookback_bars: int) -> None:
    """Print a note if the warm-up takes much of the range because no earlier bars cover it.

    Args:
        dataset: the bars.
        what: the strategy or expression that needs the warm-up.
        lookback_bars: earlier bars that it needs.
    """
    from evolve.backtest.warmup import warmup_note

    note = warmup_note(what, lookback_bars, dataset.bars, dataset.start)
    if note:
        ConsoleNotices().notice(note)


class ConsoleNotices:
    """Printer of notices on stderr."""

    def notice(self, text: str) -> None:
        """Print a notice."""
        echo(f"note: {text}", err=True)


def read_strategy(path: Path, name: str | None) -> Program:
    """Read one strategy from a file.

    Args:
        path: the file, or `-` for standard input.
        name: the strategy; None if the file has only one.

    Raises:
        EvolveError: if the file cannot be read, or does not have exactly that strategy.
        LanguageError: with all errors of the file.
    """
    from evolve.experiment.strategy_files import read_strategies

    return choose_strategy(read_strategies(path), path, name)


def choose_strategy(found: Sequence[Program], path: Path, name: str | None) -> Program:
    """Return one of the strategies of a file; see `read_strategy`."""
    from dsl.diagnostics import did_you_mean

    programs = {each.name: each for each in found}
    if name is None and len(programs) == 1:
        return next(iter(programs.values()))
    if name is None:
        names = ", ".join(programs)
        raise EvolveError(f"{path} has several strategies: {names}", "choose one with --name")
    if name not in programs:
        hint = did_you_mean(name, programs) or f"expected one of: {', '.join(programs)}"
        raise EvolveError(f"{path} has no strategy `{name}`", hint)
    return programs[name]
