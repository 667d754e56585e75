"""`evolve prompt`: exactly what a model is told."""

from __future__ import annotations

from pathlib import Path

import click

from evolve.cli.options import json_option


@click.command("prompt")
@click.argument("experiment", type=click.Path(path_type=Path))
@click.option("--task", help="Task of the model; drawn as in the run if omitted.")
@click.option("--set", "overrides", multiple=True, metavar="A.B=V", help="Replace a setting.")
@json_option
def command(experiment: Path, task: str | None, overrides: tuple[str, ...], as_json: bool) -> None:
    """Print the first messages a model gets in a run of EXPERIMENT; none is asked.

    A server that is held by a JSON schema gets prompts/json.md too: see it with
    --set llm.constraint=json_schema.
    """
    import json

    from evolve.assist.prompt import first_messages
    from evolve.experiment.plan import read_plan

    messages = first_messages(read_plan(experiment, overrides), task)
    if as_json:
        click.echo(json.dumps(messages, indent=2))
        return
    for each in messages:
        click.secho(f"--- {each['role']}", bold=True)
        click.echo(each["content"])
    characters = sum(len(each["content"]) for each in messages)
    click.echo(f"{characters:,} characters, about {characters // 4:,} tokens", err=True)
