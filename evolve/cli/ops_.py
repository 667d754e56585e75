"""`evolve ops`: the operators of the language."""

from __future__ import annotations

import click

from evolve.cli.options import json_option
from evolve.errors import EvolveError

SAMPLE = "sample:sp500"
LAST_BARS = 250


@click.command("ops")
@click.argument("name", required=False)
@click.option("--guide", is_flag=True, help="The language on one page, to read or give a model.")
@json_option
def command(name: str | None, guide: bool, as_json: bool) -> None:
    """List the operators by family, or explain the one called NAME."""
    from dsl.analysis.catalog import catalog
    from dsl.printing.reference import describe, families
    from evolve.llm.prompt.guide import guide_text

    if guide:
        click.echo(guide_text())
        return
    known = catalog()
    if name is not None:
        from dsl.diagnostics import did_you_mean

        operator = known.find(name)
        if operator is None:
            hint = did_you_mean(name, known.names()) or "`evolve ops` lists them"
            raise EvolveError(f"there is no operator `{name}`", hint)
        chosen = [operator]
    else:
        chosen = list(known)
    if as_json:
        import json

        click.echo(json.dumps([describe(each) for each in chosen], indent=2))
        return
    if name is not None:
        for label, value in describe(chosen[0]).items():
            text = ", ".join(value) if isinstance(value, list) else str(value)
            click.echo(f"{label:<10} {text}" + (" bars" if label == "warm-up" else ""))
        click.echo(f"{'drawn':<10} {_sparkline(chosen[0].example)}")
        return
    for family, members in families().items():
        click.secho(family, bold=True)
        width = max(len(each.signature) for each in members)
        for each in members:
            click.echo(f"  {each.signature:<{width}}  {each.about}")


def _sparkline(expression: str) -> str:
    """An expression on the sample data, as a line of small bars."""
    from evolve.api import evaluate
    from evolve.report.sparkline import sparkline

    values = evaluate(expression, SAMPLE)[0]
    if values.dtype == bool:
        return f"holds on {values.mean():.1%} of the bars of {SAMPLE}"
    return f"{sparkline(values[-LAST_BARS:])}  the last {LAST_BARS} bars of {SAMPLE}"
