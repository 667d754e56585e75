"""`evolve sweep`: the runs of a grid of settings."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from evolve.cli.options import json_option
from evolve.cli.output import echo, echo_json

if TYPE_CHECKING:
    from evolve.experiment.sweep.folder import SweepFolder
    from evolve.experiment.sweep.sweep import Sweep


@click.command("sweep", short_help="Run an experiment for a grid of settings.")
@click.argument("target", metavar="EXPERIMENT|FOLDER", type=click.Path(path_type=Path))
@click.option("--set", "settings", multiple=True, metavar="A.B=V,W", help="Vary a setting.")
@click.option("--out", type=click.Path(path_type=Path), help="The folder of the sweep to write.")
@click.option("--resume", "is_resumed", is_flag=True, help="Go on with the sweep of FOLDER.")
@click.option("--dry-run", "is_dry", is_flag=True, help="Print the grid, and run nothing.")
@json_option
def command(
    target: Path, settings: tuple[str, ...], out: Path | None, is_resumed: bool, is_dry: bool,
    as_json: bool,
) -> int:  # fmt: skip
    """Run EXPERIMENT once for each combination of the settings, and print one table.

    \b
    evolve sweep spy.yaml --set seed=1..5

    A setting has one value, a list 1,2,5 or a range 1..5; the range 0..100..25 has the step 25. The
    table has medians and ranges over the seeds. Runs are side by side, one per core or
    `workers.processes`, and each is a run folder. All count as attempts on their data, and no run
    opens the holdout.

    Ctrl-C stops each running search after its epoch; a second Ctrl-C stops at once. To go on:
    evolve sweep FOLDER --resume. Without --resume, FOLDER prints its table.
    """
    from evolve.cli import DONE
    from evolve.experiment.sweep.folder import SweepFolder
    from evolve.experiment.sweep.sweep import begin_sweep, open_sweep

    is_folder = target.is_dir()
    if is_folder and (settings or out is not None or is_dry):
        raise click.UsageError("a folder has its own grid: give it with --resume or --json only")
    if is_resumed and not is_folder:
        raise click.UsageError(f"--resume requires the folder of a sweep, found {target}")
    if is_dry:
        return _print_grid(target, settings, as_json)
    if is_folder and not is_resumed:
        _print_result(SweepFolder(target), as_json)
        return DONE
    sweep = open_sweep(target) if is_resumed else begin_sweep(target, settings, out)
    return _run(sweep, as_json)


def _run(sweep: Sweep, as_json: bool) -> int:
    """Run what is missing, with a line for each run, and print the table."""
    from contextlib import closing

    from evolve.cli import DONE, INTERRUPTED, WRONG_INPUT
    from evolve.cli.interrupt import StopOnInterrupt
    from evolve.errors import EvolveError
    from evolve.report.formats import format_count
    from evolve.report.terminal.sweep import format_row
    from evolve.store.files import format_resume_sweep
    from evolve.store.lock import is_locked

    folder, count, missing = sweep.folder, len(sweep.points), len(sweep.list_missing())
    stop = StopOnInterrupt()
    runs = format_count(count, "run")
    counted = f"{runs} on the same data count as {format_count(count, 'attempt')}"
    if len(sweep.data) > 1:
        counted = f"{runs} of one sweep count as {format_count(count, 'attempt')}"
    rest = "" if missing == count else f"; {count - missing} are finished"
    echo(f"{runs} in {folder.path}, {sweep.processes} side by side{rest}", err=True)
    echo(f"{counted}; the holdout stays sealed: evolve holdout open RUN", err=True)
    for text in sweep.notices:
        echo(f"note: {text}", err=True)
    try:
        with closing(sweep.run(stop)) as rows:
            for done, row in enumerate(rows, start=count - missing + 1):
                echo(format_row(row, done, count), err=True)
    except (KeyboardInterrupt, EvolveError):
        if not is_locked(folder.path):
            echo(f"to go on: {format_resume_sweep(folder.path)}", err=True)
        raise
    failed = _print_result(folder, as_json)
    if stop.is_set:
        return INTERRUPTED
    return WRONG_INPUT if failed else DONE


def _print_grid(path: Path, settings: tuple[str, ...], as_json: bool) -> int:
    """Print the runs of a grid, which are checked."""
    from evolve.cli import DONE
    from evolve.config.grid import parse_grid
    from evolve.experiment.sweep.points import describe_overrides, read_points
    from evolve.report.formats import format_count

    points = read_points(path, parse_grid(settings))
    if as_json:
        echo_json([{"number": each.number, "set": list(each.overrides)} for each in points])
        return DONE
    for each in points:
        echo(f"{each.number}  {describe_overrides(each.overrides)}")
    echo(format_count(len(points), "run"), err=True)
    return DONE


def _print_result(folder: SweepFolder, as_json: bool) -> int:
    """Print the table of a sweep, or its rows as JSON; return the number of failed runs.

    If a run is missing, the command that goes on follows.
    """
    from dataclasses import asdict

    from evolve.cli.options import result_console
    from evolve.experiment.sweep.summary import summarize_sweep
    from evolve.experiment.sweep.sweep import list_rows
    from evolve.report.terminal.sweep import list_sweep
    from evolve.store.files import format_resume_sweep
    from evolve.store.lock import is_locked

    rows = list_rows(folder)
    summary = summarize_sweep(rows)
    if as_json:
        groups = [asdict(each) for each in summary.groups]
        document = {"folder": str(folder.path), "grid": folder.read_document().grid}
        echo_json({**document, "groups": groups, "runs": [asdict(each) for each in rows]})
    else:
        console = result_console()
        for part in list_sweep(summary):
            console.print(part)
    if any(each.status != "finished" for each in rows) and not is_locked(folder.path):
        echo(f"to go on: {format_resume_sweep(folder.path)}", err=True)
    return len(summary.failures)
