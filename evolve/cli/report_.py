"""`evolve report`: the report of a run as a page."""

from __future__ import annotations

from pathlib import Path

import click

from evolve.cli.output import echo
from evolve.cli.run_argument import run_argument


@click.command("report", short_help="Write the report of a run as one HTML file.")
@run_argument
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), help="The file to write.")
@click.option("--open", "is_opened", is_flag=True, help="Open the report in a browser.")
def command(run: Path, out: Path | None, is_opened: bool) -> None:
    """Write the report of RUN, a run folder, as one HTML file that needs no network."""
    from evolve.report.save import save_report

    path = save_report(run, out)
    echo(str(path))
    if is_opened:
        click.launch(str(path))
