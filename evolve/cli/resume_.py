"""`evolve resume`: continuation of a run."""

from __future__ import annotations

from pathlib import Path

import click

from evolve.cli.options import json_option
from evolve.cli.run_argument import run_argument


@click.command("resume", short_help="Continue a run, or give it a larger budget.")
@run_argument
@click.option("--set", "overrides", multiple=True, metavar="A.B=V", help="Replace a setting.")
@click.option("--accept-changes", is_flag=True, help="Accept other settings or versions.")
@click.option("--dash", "has_dash", is_flag=True, help="Show the run in a browser meanwhile.")
@json_option
def command(
    run: Path, overrides: tuple[str, ...], accept_changes: bool, has_dash: bool, as_json: bool
) -> int:
    """Continue RUN, which was interrupted or killed, from its last epoch.

    RUN is a run folder, or the name of one in `runs/`. The bars and inputs are those in the folder.
    The result is that of a run that was never interrupted. Answers of models that the run has
    recorded are not paid for again.

    A finished run goes on with a larger budget: --set budget.evaluations=50000. Only `budget` and
    `workers` may change. --accept-changes accepts other settings and versions, and records them; if
    a setting changed, the result is NOT TESTED.
    """
    from functools import partial

    from evolve.cli.execution import Execution
    from evolve.experiment.resume import resume

    start = partial(resume, run, overrides, accept_changes)
    return Execution("", has_dash, as_json).execute(start)
