"""`evolve compare`: runs side by side."""

from __future__ import annotations

from pathlib import Path

import click

from evolve.cli.options import json_option
from evolve.cli.output import echo, echo_json
from evolve.cli.run_argument import RunType


@click.command("compare", short_help="Compare runs: settings, scores, verdicts.")
@click.argument("runs", nargs=-1, required=True, type=RunType())
@click.option(
    "--report", type=click.Path(path_type=Path, dir_okay=False),
    help="Write the comparison as one HTML file, with equity and progress of the runs.",
)  # fmt: skip
@json_option
def command(runs: tuple[Path, ...], report: Path | None, as_json: bool) -> None:
    """Compare RUNS, two or more, which may still run.

    The tables have scores, verdicts, the settings that differ and the trials by proposer; then the
    winners follow as a diff.
    """
    from dataclasses import asdict

    from evolve.cli.options import result_console
    from evolve.experiment.comparison import compare_runs
    from evolve.experiment.run_view import read_view
    from evolve.report.page.comparison import build_comparison_page
    from evolve.report.save import check_page_path, save_page
    from evolve.report.terminal.comparison import list_comparison

    if report is not None:
        check_page_path(report)
    views = [read_view(each) for each in runs]
    page = None if report is None else build_comparison_page(views)
    comparison = compare_runs(views)
    if as_json:
        echo_json(asdict(comparison))
    else:
        console = result_console()
        for part in list_comparison(comparison):
            console.print(part)
    if report is not None and page is not None:
        save_page(page, report)
        echo(str(report), err=as_json)
