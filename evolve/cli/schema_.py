"""`evolve schema`: the experiment's JSON schema, for editors."""

from __future__ import annotations

import click


@click.command("schema")
def command() -> None:
    """Print the JSON schema of experiments, for an editor's YAML support."""
    import json

    from evolve.config import Experiment

    click.echo(json.dumps(Experiment.model_json_schema(), indent=2))
