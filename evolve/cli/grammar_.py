"""`evolve grammar`: the grammar for constrained decoding."""

from __future__ import annotations

from pathlib import Path

import click

from evolve.cli.output import echo_document, echo_json


@click.command("grammar", short_help="Print the grammar for constrained decoding.")
@click.argument("experiment", required=False, type=click.Path(path_type=Path))
@click.option(
    "--format", "form", type=click.Choice(["lark", "gbnf", "json-schema"]), default="lark",
    help="Lark for llguidance, GBNF for llama.cpp, or a JSON schema of the syntax tree.",
)  # fmt: skip
@click.option("--set", "overrides", multiple=True, metavar="A.B=V", help="Replace a setting.")
def command(experiment: Path | None, form: str, overrides: tuple[str, ...]) -> None:
    """Print the grammar that constrains a model's decoder.

    EXPERIMENT restricts the language to its operators, directions and size.
    """

    from dsl.generate.gbnf import gbnf_text
    from dsl.generate.json_schema import json_schema
    from dsl.generate.lark import lark_text
    from evolve.experiment.plan import build_grammar, read_plan

    grammar = build_grammar(None if experiment is None else read_plan(experiment, overrides))
    if form == "json-schema":
        echo_json(json_schema(grammar), indent=1)
    else:
        echo_document((lark_text if form == "lark" else gbnf_text)(grammar))
