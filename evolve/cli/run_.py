"""`evolve run`: the search of an experiment."""

from __future__ import annotations

from pathlib import Path

import click

from evolve.cli.options import json_option


@click.command("run", short_help="Run an experiment: search and select.")
@click.argument("experiment", type=click.Path(path_type=Path))
@click.option("--set", "overrides", multiple=True, metavar="A.B=V", help="Replace a setting.")
@click.option("--out", type=click.Path(path_type=Path), help="The run folder to write.")
@click.option("--dash", "has_dash", is_flag=True, help="Show the run in a browser meanwhile.")
@json_option
def command(
    experiment: Path, overrides: tuple[str, ...], out: Path | None, has_dash: bool, as_json: bool
) -> int:
    """Run EXPERIMENT: search on train, select on validation, and write a run folder.

    --set replaces one value, such as --set seed=2. A map is merged with that of the file: --set
    search.proposers.crossover=8 changes one weight.

    Ctrl-C stops after the current epoch and saves the results; a second Ctrl-C stops at once.
    SIGTERM and SIGHUP act as Ctrl-C. `evolve resume` continues the run, also after a kill or a
    power cut.

    --dash serves the live page of the run on this machine until the run ends; it prints the
    address. The open page remains, and `evolve dash` shows the run later.
    """
    from functools import partial

    from evolve.cli.execution import Execution
    from evolve.experiment.plan import read_plan
    from evolve.experiment.run import run
    from evolve.store.files import format_command

    plan = read_plan(experiment, overrides)
    start = partial(run, plan, out=out)
    return Execution(format_command("run", experiment), has_dash, as_json).execute(start)
