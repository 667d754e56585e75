"""`evolve ops`: a reference of the operators."""

from __future__ import annotations

import click

from evolve.cli.options import SAMPLE, json_option
from evolve.cli.output import echo, echo_heading, echo_json
from evolve.errors import EvolveError

LAST_BARS = 250


@click.command("ops", short_help="List the operators, or describe one.")
@click.argument("name", required=False)
@click.option("--guide", is_flag=True, help="Print the language on one page, as a model reads it.")
@json_option
def command(name: str | None, guide: bool, as_json: bool) -> None:
    """List the operators by family, or describe operator NAME."""
    from dsl.analysis.catalog import catalog
    from dsl.printing.reference import describe, group_operators
    from evolve.llm.prompt.guide import guide_text

    if guide:
        echo(guide_text())
        return
    known = catalog()
    if name is not None:
        from dsl.diagnostics import did_you_mean

        operator = known.find(name)
        if operator is None:
            hint = did_you_mean(name, known.names()) or "`evolve ops` lists all operators"
            raise EvolveError(f"unknown operator `{name}`", hint)
        chosen = [operator]
    else:
        chosen = list(known)
    if as_json:
        echo_json([describe(each) for each in chosen])
        return
    if name is not None:
        for label, value in describe(chosen[0]).items():
            text = ", ".join(value) if isinstance(value, list) else str(value)
            echo(f"{label:<10} {text}" + (" bars in the example" if label == "warm-up" else ""))
        echo(f"{'drawn':<10} {_sparkline(chosen[0].example)}")
        return
    for family, members in group_operators().items():
        echo_heading(family)
        width = max(len(each.signature) for each in members)
        for each in members:
            echo(f"  {each.signature:<{width}}  {each.about}")


def _sparkline(expression: str) -> str:
    """Return a sparkline of an expression on the sample; of a condition, its share of bars."""
    from evolve.api import evaluate
    from evolve.data import load
    from evolve.report.terminal.sparkline import sparkline

    values = evaluate(expression, load(SAMPLE).bars)[0]
    if values.dtype == bool:
        return f"true on {values.mean():.1%} of the bars of {SAMPLE}"
    return f"{sparkline(values[-LAST_BARS:])}  last {LAST_BARS} bars of {SAMPLE}"
