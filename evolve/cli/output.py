"""Lines and documents that commands print; text from outside never controls the terminal.

Names of files and symbols, cells, answers of servers and source lines are text from outside. Only
this module and `terminal` write to the terminal.
"""

from __future__ import annotations

import csv
import json
import os
import sys
from collections.abc import Iterable, Sequence
from contextlib import suppress

import click

from dsl.printable import make_lines_printable, make_printable

DUMB = ("dumb", "unknown")  # terminals, by the variable TERM


def is_plain() -> bool:
    """Return whether the environment asks for text without colors and without drawing in place."""
    return bool(os.environ.get("NO_COLOR")) or os.environ.get("TERM", "").lower() in DUMB


def echo(text: object = "", err: bool = False, lead: str = "") -> None:
    """Print text, of which each line is escaped, and cut if it is long.

    A message on stderr that cannot be printed is lost: a full or closed stderr ends no command.
    While a live display is on stderr, a message is printed above it.

    Args:
        text: the text.
        err: whether it goes to stderr.
        lead: text of the program to print before it, which may have colors.
    """
    with suppress(*((OSError, ValueError) if err else ())):
        shown = lead + make_lines_printable(text, max_lines=None)
        if err and hasattr(sys.stderr, "rich_proxied_file"):  # click would write into the display
            sys.stderr.write(f"{shown}\n")
        else:
            click.echo(shown, err=err, color=False if is_plain() else None)


def echo_heading(text: str) -> None:
    """Print a heading in bold."""
    click.secho(make_lines_printable(text), bold=True, color=False if is_plain() else None)


def echo_document(text: str) -> None:
    """Print a document for another program exactly, such as a strategy file or YAML."""
    click.echo(text, nl=False)


def echo_json(value: object, indent: int = 2) -> None:
    """Print plain data as JSON, which escapes all but ASCII."""
    click.echo(json.dumps(value, indent=indent))


def echo_rows(rows: Iterable[Sequence[object]]) -> None:
    """Print rows as CSV, with escaped cells."""
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerows(
        [make_printable(cell) if isinstance(cell, str) else cell for cell in row] for row in rows
    )


def format_click_error(error: click.ClickException) -> str:
    """Return the usage and the message of an error of the command line."""
    from io import StringIO

    text = StringIO()
    error.show(text)
    return text.getvalue().rstrip("\n")
