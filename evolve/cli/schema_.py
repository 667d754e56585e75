"""`evolve schema`: the JSON schema of experiments."""

from __future__ import annotations

import click

from evolve.cli.output import echo_json


@click.command("schema", short_help="Print the JSON schema of experiments.")
def command() -> None:
    """Print the JSON schema of experiments, for completion in an editor."""

    from evolve.config import Experiment

    echo_json(Experiment.model_json_schema())
