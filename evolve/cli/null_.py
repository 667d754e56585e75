"""`evolve null`: the scores that luck reaches in an experiment."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from evolve.cli.options import ConsoleNotices, json_option
from evolve.cli.output import echo, echo_json

if TYPE_CHECKING:
    from evolve.validation.null_run import NullRun


@click.command("null", short_help="Show what luck reaches on shuffled prices.")
@click.argument("experiment", type=click.Path(path_type=Path))
@click.option("--set", "overrides", multiple=True, metavar="A.B=V", help="Replace a setting.")
@json_option
def command(experiment: Path, overrides: tuple[str, ...], as_json: bool) -> int:
    """Run the search of EXPERIMENT on shuffled prices only, and show the scores that it reaches.

    There is no edge in shuffled prices, so these scores are luck. A run of EXPERIMENT reuses them.
    """

    from evolve.cli import DONE, INTERRUPTED
    from evolve.cli.interrupt import StopOnInterrupt
    from evolve.cli.options import result_console
    from evolve.errors import EvolveError
    from evolve.experiment.evidence import describe_null
    from evolve.experiment.luck import measure_luck
    from evolve.experiment.plan import read_plan
    from evolve.report.terminal.verdict import luck_table

    plan = read_plan(experiment, overrides)
    if not plan.experiment.validation.max_null_runs:
        raise EvolveError("`validate.null_runs` is 0", "set it to 19 or more")
    stop = StopOnInterrupt("search")
    null = measure_luck(plan, ConsoleNotices(), stop, _print_search)
    if null is not None:
        if as_json:
            echo_json(describe_null(null))
        else:
            console = result_console()
            console.print(luck_table((), null))
            console.print(_describe_luck(null, plan.experiment.budget.stops_at_luck))
    return INTERRUPTED if stop.is_set else DONE


def _print_search(run: NullRun) -> None:
    result = run.results[-1]
    best = "none" if result.best is None else f"{result.best:.2f}"
    echo(f"search {result.number} of {run.planned} on shuffled prices: best {best}", err=True)


def _describe_luck(run: NullRun, stops_at_luck: bool) -> str:
    if run.threshold is None:
        return "no search found a feasible strategy"
    text = f"\nluck reaches {run.mean:.2f} on average"
    if stops_at_luck:
        return f"{text} at {run.trials:,} evaluations; the largest lead over these searches decides"
    return (
        f"{text}; at {run.trials:,} evaluations, a score above {run.threshold:.2f} passes the null "
        "gate"
    )
