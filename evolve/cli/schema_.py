"""`evolve schema`: the JSON schema of experiments."""

from __future__ import annotations

import click


@click.command("schema", short_help="Print the JSON schema of experiments.")
def command() -> None:
    """Print the JSON schema of experiments, for completion in an editor."""
    import json

    from evolve.config import Experiment

    click.echo(json.dumps(Experiment.model_json_schema(), indent=2))
