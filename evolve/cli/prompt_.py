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
@click.option(
    "--context-tokens",
    type=click.IntRange(min=1),
    metavar="N",
    help="The context of the model; that of the experiment if omitted.",
)
@json_option
def command(
    experiment: Path,
    task: str | None,
    overrides: tuple[str, ...],
    context_tokens: int | None,
    as_json: bool,
) -> None:
    """Print the first prompt of a run of EXPERIMENT, without a call to a model.

    It is as short as the context of the model requires. With --set llm.constraint=json_schema, it
    includes prompts/json.md.
    """

    from evolve.assist.prompt import first_prompt
    from evolve.experiment.plan import read_plan

    prompt = first_prompt(read_plan(experiment, overrides), task, context_tokens)
    if as_json:
        echo_json(prompt.messages)
        return
    for each in prompt.messages:
        echo_heading(f"--- {each['role']}")
        echo(each["content"])
    characters = sum(len(each["content"]) for each in prompt.messages)
    echo(
        f"{characters:,} characters, about {prompt.tokens:,} of at most "
        f"{prompt.limit_tokens:,} tokens",
        err=True,
    )
    if prompt.left_out:
        echo(f"left out: {prompt.left_out}", err=True)
