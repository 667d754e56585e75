"""`evolve fmt`: formatting of strategy files."""

from __future__ import annotations

from pathlib import Path

import click

from evolve.cli.output import echo, echo_document
from evolve.files import read_text, write_text


@click.command("fmt", short_help="Format strategy files.")
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path, allow_dash=True))
@click.option(
    "--check",
    "only_check",
    is_flag=True,
    help="Change nothing; exit with 1 if a file would change.",
)
def command(files: tuple[Path, ...], only_check: bool) -> int:
    """Format strategy FILES in place (- for standard input to output); preserve comments."""
    from dsl.syntax.printer import format_text

    formatted = [
        (path, text := read_text(path, errors="replace"), format_text(text, str(path)))
        for path in files
    ]
    changed = 0
    for path, before, after in formatted:
        if str(path) == "-":
            echo_document(after)
        elif before != after:
            changed += 1
            if not only_check:
                write_text(path, after)
            echo(f"{path}: {'would change' if only_check else 'formatted'}")
    return int(only_check and changed > 0)
