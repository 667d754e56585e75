"""`evolve check`: all errors and warnings of strategy files."""

from __future__ import annotations

from pathlib import Path

import click

from evolve.cli.options import json_option
from evolve.cli.output import echo, echo_document, echo_json
from evolve.files import read_text


@click.command("check", short_help="Report all errors and warnings of files.")
@click.argument("files", nargs=-1, type=click.Path(path_type=Path, allow_dash=True))
@click.option(
    "--explain", metavar="CODE", is_flag=False, flag_value="all",
    help="Explain a code such as E102, with a wrong and a right example; without CODE, all.",
)  # fmt: skip
@click.option(
    "--lookahead", is_flag=True,
    help="Check on --data that no signal, setting or equity depends on a later bar.",
)  # fmt: skip
@click.option("--data", "specs", multiple=True, metavar="SPEC", help="The bars for --lookahead.")
@json_option
def command(
    files: tuple[Path, ...], explain: str | None, lookahead: bool, specs: tuple[str, ...],
    as_json: bool,
) -> int:  # fmt: skip
    """Report all errors and warnings of strategy FILES (- for standard input)."""
    if explain is not None:
        echo_document(_explain(explain))
        return 0
    if not files:
        raise click.UsageError("expected a file, or - for standard input")
    if lookahead:
        from evolve.cli.lookahead import check_lookahead

        return check_lookahead(files, specs, as_json)
    if specs:
        raise click.UsageError("--data requires --lookahead")
    from dsl.analysis.check import inspect

    texts = [(str(path), read_text(path, errors="replace")) for path in files]
    reports = [inspect(text, name) for name, text in texts]
    diagnostics = [each for report in reports for each in report.diagnostics]
    errors = sum(each.severity == "error" for each in diagnostics)
    if as_json:
        echo_json([each.as_json() for each in diagnostics])
        return int(errors > 0)
    for each in diagnostics:
        echo(each.render() + "\n")
    for (name, _), report in zip(texts, reports, strict=True):
        if not report.errors:
            names = ", ".join(each.name for each in report.programs) or "definitions only"
            echo(f"{name}: ok ({names})")
    if diagnostics:
        warnings = len(diagnostics) - errors
        echo(f"{_count(errors, 'error')}, {_count(warnings, 'warning')}")
    return int(errors > 0)


def _explain(code: str) -> str:
    """Return the page of a code, or of all of them."""
    from dsl.analysis.codes import CODES, explain_code, reference_text
    from dsl.diagnostics import did_you_mean
    from evolve.errors import EvolveError

    if code == "all":
        return reference_text()
    known = CODES.get(code.upper())
    if known is None:
        hint = did_you_mean(code.upper(), CODES) or "`evolve check --explain` lists all codes"
        raise EvolveError(f"unknown code `{code}`", hint)
    return explain_code(known)


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" + ("" if number == 1 else "s")
