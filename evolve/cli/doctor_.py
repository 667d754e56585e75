"""`evolve doctor`: checks of the installation and of the models."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from evolve.cli.output import echo

if TYPE_CHECKING:
    from evolve.assist.check_result import CheckResult


@click.command("doctor", short_help="Check the installation and the models.")
@click.argument("experiment", required=False, type=click.Path(path_type=Path))
@click.option("--set", "overrides", multiple=True, metavar="A.B=V", help="Replace a setting.")
def command(experiment: Path | None, overrides: tuple[str, ...]) -> int:
    """Check this installation, and the models of EXPERIMENT or of the environment.

    A few short requests to each model find out whether its server answers, which constraint it
    supports, how fast it is, and which prompts fit its context.
    """
    from evolve.assist.doctor import examine
    from evolve.cli import DONE, WRONG_INPUT
    from evolve.experiment.plan import read_plan

    plan = None if experiment is None else read_plan(experiment, overrides)
    results: list[CheckResult] = []
    for result in examine(plan):
        mark = click.style("ok", fg="green") if result.is_ok else click.style("!!", fg="red")
        echo(f"  {result.name:<10} {result.text}", lead=mark)
        results.append(result)
    return DONE if all(each.is_ok for each in results) else WRONG_INPUT
