"""`evolve rm`: deletion of run folders, with confirmation."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from evolve.cli.confirm import confirm
from evolve.cli.options import result_console
from evolve.cli.output import echo
from evolve.cli.run_argument import RunType

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.table import Table

    from evolve.experiment.remove_run import RunFiles

LEDGER_NOTE = "the ledger still counts their trials and the openings of their holdouts"


@click.command("rm", short_help="Delete runs, with confirmation.")
@click.argument(
    "runs", nargs=-1, required=True, metavar="RUN...",
    type=RunType(with_prefix=False, with_sweeps=True),
)  # fmt: skip
@click.option("--yes", is_flag=True, help="Delete them without confirmation.")
def command(runs: tuple[Path, ...], yes: bool) -> int:
    """Delete each RUN: the folder of a run or a sweep, or its whole name in `runs/`.

    Only the files that a run writes are deleted. A folder with other files remains, with them. The
    ledger still counts their trials and the openings of their holdouts.
    """
    from evolve.cli import DONE
    from evolve.experiment.remove_run import list_files, remove

    named = {Path(os.path.realpath(each)): each for each in runs}  # a loop of links is no error
    found = [list_files(each) for path, each in named.items() if path.parent not in named]
    result_console().print(_build_table(found))
    for each in found:
        for folder in (each, *each.runs):
            if folder.others:
                echo(f"{folder.folder} remains, with: {_join(folder.others)}")
    count = sum(len(each.runs) or 1 for each in found)
    noun = "this run" if count == 1 else f"these {count} runs"
    if not yes and not confirm(f"delete {noun}?", "nothing is deleted", "add --yes to delete"):
        echo("nothing is deleted", err=True)
        return DONE
    for each in found:
        is_gone = remove(each)
        noun = "runs" if each.runs else "run"
        echo(f"deleted {each.folder}" if is_gone else f"deleted the {noun} in {each.folder}")
    echo(LEDGER_NOTE, err=True)
    return DONE


def _build_table(found: Sequence[RunFiles]) -> Table:
    from evolve.experiment.run_folders import is_sweep
    from evolve.experiment.run_list import read_listed_run
    from evolve.report.formats import NO_VALUE, format_bytes, format_count
    from evolve.report.terminal.fitting_table import blank_table, format_text

    table = blank_table()
    table.add_column("run", overflow="fold")
    table.add_column("state", no_wrap=True)
    for heading in ("trials", "files", "size"):
        table.add_column(heading, justify="right", no_wrap=True)
    for each in found:
        folders = (each, *each.runs)
        rows = [read_listed_run(run.folder, run.folder.parent) for run in each.runs or (each,)]
        trials = [row.trials for row in rows if row.trials is not None]
        state = rows[0].shown_state
        if is_sweep(each.folder):
            state = f"sweep of {format_count(len(each.runs), 'run')}"
        table.add_row(
            format_text(str(each.folder)), state, f"{sum(trials):,}" if trials else NO_VALUE,
            f"{sum(len(run.files) for run in folders):,}",
            format_bytes(sum(run.size_bytes for run in folders)),
        )  # fmt: skip
    return table


def _join(names: Sequence[str]) -> str:
    shown = ", ".join(names[:3])
    return f"{shown} and {len(names) - 3:,} more" if len(names) > 3 else shown
