"""`evolve doctor`: whether everything is there that a run needs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from evolve.assist.doctor import CheckResult


@click.command("doctor")
@click.argument("experiment", required=False, type=click.Path(path_type=Path))
@click.option("--set", "overrides", multiple=True, metavar="A.B=V", help="Replace a setting.")
def command(experiment: Path | None, overrides: tuple[str, ...]) -> int:
    """Check this installation, and the models that EXPERIMENT or the environment names.

    Of a model: whether its server is there, how strictly it keeps to the language, how quick it
    is. That asks it a few short questions.
    """
    from evolve.assist.doctor import examine
    from evolve.cli import DONE, WRONG_INPUT
    from evolve.experiment.plan import read_plan

    ready = None if experiment is None else read_plan(experiment, overrides)
    found: list[CheckResult] = []
    for finding in examine(ready):
        mark = click.style("ok", fg="green") if finding.is_ok else click.style("!!", fg="red")
        click.echo(f"{mark}  {finding.name:<10} {finding.text}")
        found.append(finding)
    return DONE if all(each.is_ok for each in found) else WRONG_INPUT
