"""`evolve ops`: the operators of the language."""

from __future__ import annotations

import click

from evolve.cli.options import json_option
from evolve.errors import EvolveError


@click.command("ops")
@click.argument("name", required=False)
@click.option("--guide", is_flag=True, help="The language on one page, to read or give a model.")
@json_option
def command(name: str | None, guide: bool, as_json: bool) -> None:
    """List the operators by family, or explain the one called NAME."""
    from dsl.catalog import catalog
    from dsl.reference import describe, families, guide_text

    if guide:
        click.echo(guide_text())
        return
    known = catalog()
    if name is not None:
        from dsl.errors import did_you_mean

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
            text = ", ".join(value) if isinstance(value, list) else value
            if text not in ("", None):
                click.echo(f"{label:<10} {text}")
        return
    for family, members in families().items():
        click.secho(family, bold=True)
        width = max(len(each.signature) for each in members)
        for each in members:
            click.echo(f"  {each.signature:<{width}}  {each.about}")
