"""Options that several verbs share."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from typing import TYPE_CHECKING, Any, TypeVar

import click

from evolve.errors import EvolveError

if TYPE_CHECKING:
    from pathlib import Path

    from dsl.program import Program
    from evolve.data import Dataset

Decorated = TypeVar("Decorated", bound=Callable[..., Any])


def data_options(command: Decorated) -> Decorated:
    """`--data`, `--start` and `--end`."""
    day = click.DateTime(["%Y-%m-%d"])
    for option in (
        click.option("--end", type=day, help="The last day."),
        click.option("--start", type=day, help="The first day."),
        click.option(
            "--data", "spec", required=True, metavar="SPEC",
            help="yahoo:SPY, csv:PATH, parquet:PATH, sample:sp500 or synthetic:walk?seed=1.",
        ),
    ):  # fmt: skip
        command = option(command)
    return command


json_option = click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")


def load_data(spec: str, start: datetime | None, end: datetime | None) -> Dataset:
    """The bars that the data options ask for; notices go to stderr."""
    from evolve.data import load

    def day(moment: datetime | None) -> date | None:
        return moment.date() if moment else None

    return load(spec, day(start), day(end), notify=lambda text: click.echo(text, err=True))


def one_strategy(path: Path, name: str | None) -> Program:
    """The strategy of a file, by name where it holds several."""
    from dsl.errors import did_you_mean
    from evolve.strategies import read_strategies

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
