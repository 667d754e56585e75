"""`evolve prompt`: the exact first prompt of an experiment."""

from __future__ import annotations

from pathlib import Path

import click

from evolve.cli.options import json_option
from evolve.cli.output import echo, echo_heading, echo_json


@click.command("prompt", short_help="Print the first prompt of an experiment.")
@click.argument("experiment", type=click.Path(path_type=Path))
@click.option("--task", help="The task of the model; drawn as in a run if omitted.")
@click.option("--set", "overrides", multiple=True, metavar="A.B=V", help="Replace a setting.")
@json_option
def command(experiment: Path, task: str | None, overrides: tuple[str, ...], as_json: bool) -> None:
    """Print the first prompt of a run of EXPERIMENT, without a call to a model.

    With --set llm.constraint=json_schema, it includes prompts/json.md.
    """

    from evolve.assist.prompt import first_messages
    from evolve.experiment.plan import read_plan
    from evolve.llm.transport.reply import CHARACTERS_PER_TOKEN

    messages = first_messages(read_plan(experiment, overrides), task)
    if as_json:
        echo_json(messages)
        return
    for each in messages:
        echo_heading(f"--- {each['role']}")
        echo(each["content"])
    characters = sum(len(each["content"]) for each in messages)
    echo(
        f"{characters:,} characters, about {characters // CHARACTERS_PER_TOKEN:,} tokens", err=True
    )
