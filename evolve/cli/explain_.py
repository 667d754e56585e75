"""`evolve explain`: the terms of a report."""

from __future__ import annotations

import click

from evolve.errors import EvolveError

HEADINGS = {
    "metric": "metrics of a backtest", "objective": "objectives beside the metrics",
    "requirement": "requirements of every fold", "proposer": "proposers",
    "word": "words of a run and its tables", "setting": "settings of an experiment",
}  # fmt: skip


@click.command("explain")
@click.argument("term", nargs=-1)
def command(term: tuple[str, ...]) -> None:
    """Explain TERM, a metric, a setting or a word of a report, or list all of them.

    For example: evolve explain appraisal ratio
    """
    from evolve.report.glossary import explain, explanations, known_terms

    asked = " ".join(term)
    if asked:
        found = explain(asked)
        if not found:
            from dsl.diagnostics import did_you_mean

            hint = did_you_mean(asked, known_terms()) or "`evolve explain` lists all terms"
            raise EvolveError(f"unknown term `{asked}`", hint)
        for each in found:
            click.echo(f"{each.name} ({each.kind}): {each.about}")
        return
    for kind, heading in HEADINGS.items():
        members = [each for each in explanations() if each.kind == kind]
        if members:
            click.secho(heading, bold=True)
            for each in members:
                click.echo(f"  {each.name}: {each.about}")
