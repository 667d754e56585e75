"""Options that several verbs share."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from functools import cache, wraps
from typing import TYPE_CHECKING, Any, Literal, TypeVar, cast, get_args, get_origin

import click

from evolve.errors import EvolveError

if TYPE_CHECKING:
    from pathlib import Path

    from pydantic.fields import FieldInfo
    from rich.console import Console

    from dsl.analysis.program import Program
    from evolve.data import DataRequest, Dataset

WIDTH = 110
MIN_WIDTH = 80  # of tables: cut figures help no one
CHART_WIDTHS = (40, 100)
COMPILING = "compiling the kernels, once on this machine: some ten seconds …"
COMPILING_UNCACHED = "compiling the kernels, as in every run: {folder} cannot be written"

Decorated = TypeVar("Decorated", bound=Callable[..., Any])


def data_options(command: Decorated) -> Decorated:
    """Add `--data`, `--start` and `--end`, which the command receives as one `request`."""
    day = click.DateTime(["%Y-%m-%d"])
    for option in (
        click.option("--end", type=day, help="The last day."),
        click.option(
            "--start", type=day, help="The first day; earlier bars warm the indicators."
        ),
        click.option(
            "--data", "specs", required=True, multiple=True, metavar="SPEC",
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
    """A verb with an option for each setting of an experiment's `backtest` part.

    They are made when they are asked for: what declares them takes a while to import.
    """

    def get_params(self, ctx: click.Context) -> list[click.Parameter]:
        """The verb's own parameters and the costs, with `--help` last."""
        *own, usage = super().get_params(ctx)
        return [*own, *_cost_options(), usage]


@cache
def _cost_options() -> tuple[click.Option, ...]:
    from evolve.config.schema import Backtest
    from evolve.config.section import unit_of

    return tuple(
        click.Option(
            [f"--{name.replace('_', '-')}"], type=_type_of(name, info), default=info.default,
            show_default=info.default is not None,
            help=f"{str(info.description).capitalize()}{_in_brackets(unit_of(info))}.",
        )
        for name, info in Backtest.model_fields.items()
    )  # fmt: skip


def _in_brackets(unit: str) -> str:
    return f" ({unit})" if unit else ""


def _type_of(name: str, info: FieldInfo) -> click.ParamType[Any]:
    if get_origin(info.annotation) is Literal:
        return click.Choice(get_args(info.annotation))
    return CostType(name)


class CostType(click.ParamType[Any]):
    """What click accepts where a setting of the `backtest` part does."""

    name = "number"

    def __init__(self, setting: str) -> None:
        self.setting = setting

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float | None:
        """The setting's own value of it."""
        from pydantic import ValidationError

        from evolve.config.schema import Backtest

        try:
            found: float | None = getattr(
                Backtest.model_validate({self.setting: value}), self.setting
            )
        except ValidationError as error:
            self.fail(f"{value!r}: {error.errors()[0]['msg'].lower()}", param, ctx)
        return found


def load_data(request: DataRequest) -> Dataset:
    """Load the bars of a request, and print notices on stderr."""
    from evolve.data import load

    notices = ConsoleNotices()
    dataset = load(request, notices)
    for text in dataset.tradability_notes:
        notices.notice(text)
    return dataset


def result_console() -> Console:
    """Where tables are printed: as wide as the terminal, and wide enough where there is none."""
    import sys

    from rich.console import Console

    width = max(Console().width, MIN_WIDTH) if sys.stdout.isatty() else WIDTH
    return Console(width=width, highlight=False)


def chart_width() -> int:
    """The characters of a line that a chart may take."""
    least, most = CHART_WIDTHS
    return max(least, min(most, result_console().width))


def echo_compiling() -> None:
    """Say why nothing seems to happen, where kernels are compiled for the first time."""
    from dsl.evaluate.jit import is_compiled

    if not is_compiled():
        click.echo(compiling_text(), err=True)


def compiling_text() -> str:
    """Return the line that explains the wait, by whether compiled kernels can be cached."""
    from dsl.evaluate.jit import can_cache, kernel_cache_dir

    return COMPILING if can_cache() else COMPILING_UNCACHED.format(folder=kernel_cache_dir())


def echo_warmup(dataset: Dataset, what: str, lookback_bars: int) -> None:
    """Print a note if the warm-up takes much of the range because no earlier bars cover it.

    Args:
        dataset: the bars.
        what: the strategy or expression that needs the warm-up.
        lookback_bars: how many earlier bars it needs.
    """
    from evolve.backtest.warmup import warmup_note

    note = warmup_note(what, lookback_bars, dataset.bars, dataset.start)
    if note:
        ConsoleNotices().notice(note)


class ConsoleNotices:
    """Notices on stderr."""

    def notice(self, text: str) -> None:
        """Print a notice."""
        click.echo(f"note: {text}", err=True)


def one_strategy(path: Path, name: str | None) -> Program:
    """The strategy of a file, by name where it holds several."""
    from dsl.diagnostics import did_you_mean
    from evolve.experiment.strategy_files import read_strategies

    programs = {each.name: each for each in read_strategies(path)}
    if name is None and len(programs) == 1:
        return next(iter(programs.values()))
    if name is None:
        listed = ", ".join(programs)
        raise EvolveError(f"{path} holds several strategies: {listed}", "choose one with --name")
    if name not in programs:
        hint = did_you_mean(name, programs) or f"there are: {', '.join(programs)}"
        raise EvolveError(f"{path} holds no strategy `{name}`", hint)
    return programs[name]
