"""`evolve validate`: all errors of an experiment and its strategies."""

from __future__ import annotations

from pathlib import Path

import click

from evolve.cli.output import echo_document


@click.command("validate", short_help="Check an experiment; print every default.")
@click.argument("experiment", type=click.Path(path_type=Path))
@click.option("--set", "overrides", multiple=True, metavar="A.B=V", help="Replace a setting.")
def command(experiment: Path, overrides: tuple[str, ...]) -> None:
    """Check EXPERIMENT and its strategies, and print it with every default."""
    from evolve.config.load import to_yaml
    from evolve.experiment.plan import read_plan

    echo_document(to_yaml(read_plan(experiment, overrides).experiment))
