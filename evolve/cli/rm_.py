"""`evolve rm`: deletion of run folders, with confirmation."""

from __future__ import annotations

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
    "runs", nargs=-1, required=True, type=RunType(with_prefix=False), metavar="RUN..."
)  # fmt: skip
@click.option("--yes", is_flag=True, help="Delete them without confirmation.")
def command(runs: tuple[Path, ...], yes: bool) -> int:
    """Delete each RUN: a run folder, or its whole name in `runs/`.

    Only the files that a run writes are deleted. A folder with other files remains, with them. The
    ledger still counts their trials and the openings of their holdouts.
    """
    from evolve.cli import DONE
    from evolve.experiment.remove_run import list_files, remove

    found = [list_files(each) for each in {each.resolve(): each for each in runs}.values()]
    result_console().print(_build_table(found))
    for each in found:
        if each.others:
            echo(f"{each.folder} remains, with: {_join(each.others)}")
    noun = "this run" if len(found) == 1 else f"these {len(found)} runs"
    if not yes and not confirm(f"delete {noun}?", "nothing is deleted", "add --yes to delete"):
        echo("nothing is deleted", err=True)
        return DONE
    for each in found:
        is_gone = remove(each)
        echo(f"deleted {each.folder}" if is_gone else f"deleted the run in {each.folder}")
    echo(LEDGER_NOTE, err=True)
    return DONE


def _build_table(found: Sequence[RunFiles]) -> Table:
    from evolve.experiment.run_list import read_listed_run
    from evolve.report.formats import NO_VALUE, format_bytes
    from evolve.report.terminal.fitting_table import blank_table, format_text

    table = blank_table()
    table.add_column("run", overflow="fold")
    table.add_column("state", no_wrap=True)
    for heading in ("trials", "files", "size"):
        table.add_column(heading, justify="right", no_wrap=True)
    for each in found:
        run = read_listed_run(each.folder, each.folder.parent)
        table.add_row(
            format_text(str(each.folder)), run.shown_state,
            NO_VALUE if run.trials is None else f"{run.trials:,}",
            f"{len(each.files):,}", format_bytes(each.size_bytes),
        )  # fmt: skip
    return table


def _join(names: Sequence[str]) -> str:
    shown = ", ".join(names[:3])
    return f"{shown} and {len(names) - 3:,} more" if len(names) > 3 else shown
