"""`evolve check`: everything wrong or doubtful in strategy files."""

from __future__ import annotations

from pathlib import Path

import click

from evolve.cli.options import json_option
from evolve.files import read_text


@click.command("check")
@click.argument("files", nargs=-1, type=click.Path(path_type=Path, allow_dash=True))
@click.option(
    "--explain", metavar="CODE", is_flag=False, flag_value="all",
    help="What a code such as E102 means, with a failing and a mended example; all without CODE.",
)  # fmt: skip
@click.option(
    "--lookahead", is_flag=True,
    help="Prove on --data that no signal, setting or equity depends on a later bar.",
)  # fmt: skip
@click.option("--data", "specs", multiple=True, metavar="SPEC", help="The bars of --lookahead.")
@json_option
def command(
    files: tuple[Path, ...], explain: str | None, lookahead: bool, specs: tuple[str, ...],
    as_json: bool,
) -> int:  # fmt: skip
    """Check strategy FILES (- for standard input): all errors and warnings at once."""
    if explain is not None:
        click.echo(_explain(explain), nl=False)
        return 0
    if not files:
        raise click.UsageError("give a file, or - for standard input")
    if lookahead:
        from evolve.cli.lookahead import check_lookahead

        return check_lookahead(files, specs, as_json)
    if specs:
        raise click.UsageError("--data goes with --lookahead")
    from dsl.analysis.check import inspect

    texts = [(str(path), read_text(path, errors="replace")) for path in files]
    reports = [inspect(text, name) for name, text in texts]
    found = [each for report in reports for each in report.diagnostics]
    errors = sum(each.severity == "error" for each in found)
    if as_json:
        import json

        click.echo(json.dumps([each.as_json() for each in found], indent=2))
        return int(errors > 0)
    for each in found:
        click.echo(each.render() + "\n")
    for (name, _), report in zip(texts, reports, strict=True):
        if not report.errors:
            names = ", ".join(each.name for each in report.programs) or "defines alone"
            click.echo(f"{name}: ok ({names})")
    if found:
        click.echo(f"{_count(errors, 'error')}, {_count(len(found) - errors, 'warning')}")
    return int(errors > 0)


def _explain(code: str) -> str:
    from dsl.analysis.codes import CODES, explain_code, reference_text
    from dsl.diagnostics import did_you_mean
    from evolve.errors import EvolveError

    if code == "all":
        return reference_text()
    known = CODES.get(code.upper())
    if known is None:
        hint = did_you_mean(code.upper(), CODES) or "`evolve check --explain` shows all of them"
        raise EvolveError(f"there is no code `{code}`", hint)
    return explain_code(known)


def _count(number: int, what: str) -> str:
    return f"{number} {what}" + ("" if number == 1 else "s")
