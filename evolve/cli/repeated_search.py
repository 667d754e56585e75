"""Parts of the commands that repeat the search of an experiment."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import click

from evolve.cli.options import compiling_text
from evolve.cli.output import echo

if TYPE_CHECKING:
    from evolve.experiment.plan import LoadedData, Plan
    from evolve.validation.null_run import NullRun
    from evolve.validation.power import Power
    from evolve.validation.walk_forward import WalkForward

Decorated = TypeVar("Decorated", bound=Callable[..., object])
State = TypeVar("State", bound="NullRun | Power | WalkForward")

experiment_argument = click.argument("experiment", type=click.Path(path_type=Path))
set_option = click.option(
    "--set", "overrides", multiple=True, metavar="A.B=V", help="Replace a setting."
)


def open_experiment(path: Path, overrides: Sequence[str], quiet: bool) -> tuple[Plan, LoadedData]:
    """Read an experiment, load its data and compile the kernels.

    Args:
        path: the YAML file.
        overrides: settings `a.b=value` that replace those of the file.
        quiet: whether stdout is reserved for a document.
    """
    from evolve.cli.console import ConsoleObserver
    from evolve.experiment.plan import read_plan
    from evolve.fitness.precompile import find_uncompiled, precompile
    from evolve.parallel import count_cores

    plan = read_plan(path, overrides)
    observer = ConsoleObserver(quiet)
    data = plan.load(observer)
    observer.data(data.dataset)
    for text in data.dataset.tradability_notes:
        observer.notice(text)
    observer.split(data.split)
    tasks = find_uncompiled(len(data.dataset.bars.symbols))
    if tasks:
        echo(compiling_text(), err=True)
        precompile(tasks, count_cores())
    return plan, data


def follow(states: Iterator[State]) -> State | None:
    """Return the last state, and show each on a terminal; None if there is none."""
    from evolve.cli.terminal import OutputConsole
    from evolve.report.terminal.diagnostics import describe_progress

    last = None
    console = OutputConsole(stderr=True)
    # Without a terminal the status is not shown, and an error of stderr would end the search.
    with console.status("searching") if console.can_redraw else nullcontext() as status:
        for last in states:
            text = describe_progress(last)
            if status is not None:
                status.update(text)
    return last
