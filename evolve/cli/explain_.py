"""`evolve explain`: the terms of a report and their meaning."""

from __future__ import annotations

import click

from evolve.cli.output import echo, echo_heading
from evolve.errors import EvolveError

HEADINGS = {
    "metric": "metrics of a backtest", "objective": "objectives other than metrics",
    "requirement": "requirements of every fold", "proposer": "proposers",
    "word": "other terms of a report", "setting": "settings of an experiment",
}  # fmt: skip


@click.command("explain", short_help="Explain the terms of a report.")
@click.argument("term", nargs=-1)
def command(term: tuple[str, ...]) -> None:
    """Explain TERM: a metric, a setting or another term of a report; without TERM, all.

    For example: evolve explain appraisal ratio
    """
    from evolve.report.glossary import explain, list_explanations, list_terms

    name = " ".join(term)
    if name:
        matches = explain(name)
        if not matches:
            from dsl.diagnostics import did_you_mean

            hint = did_you_mean(name, list_terms()) or "`evolve explain` lists all terms"
            raise EvolveError(f"unknown term `{name}`", hint)
        for each in matches:
            echo(f"{each.name} ({each.kind}): {each.about}")
        return
    for kind, heading in HEADINGS.items():
        members = [each for each in list_explanations() if each.kind == kind]
        if members:
            echo_heading(heading)
            for each in members:
                echo(f"  {each.name}: {each.about}")
