"""`evolve runs`: the list of runs, and the repair of a damaged one."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from evolve.cli.options import json_option, result_console
from evolve.cli.output import echo, echo_json
from evolve.cli.run_argument import RunType

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from evolve.experiment.repair_run import RunRepair
    from evolve.experiment.run_list import ListedRun


@click.command("runs", short_help="List the runs in a folder; repair one.")
@click.argument("folder", type=click.Path(path_type=Path), required=False, metavar="[RUNS_DIR]")
@click.option(
    "--repair", "damaged", type=RunType(), metavar="RUN",
    help="Rebuild a damaged run from what is whole, instead of the list.",
)  # fmt: skip
@json_option
def command(folder: Path | None, damaged: Path | None, as_json: bool) -> None:
    """List the runs in RUNS_DIR, newest first; `runs` by default.

    A run is running, stopped or finished; `evolve resume` continues a stopped one. The runs of a
    sweep are listed as `sweep/run`. Most commands take a run by its name in the list, or by the
    first characters of it.

    --repair writes the journal of a damaged run again, from the rows that are whole. The damaged
    file remains beside it, and `evolve resume` computes what is lost.
    """
    if damaged is not None:
        if folder is not None:
            raise click.UsageError("--repair and RUNS_DIR exclude each other")
        _repair(damaged, as_json)
        return
    from datetime import UTC, datetime

    from evolve.experiment.run_folders import check_runs_folder
    from evolve.experiment.run_list import list_runs
    from evolve.store.files import RUNS

    if folder is not None:
        check_runs_folder(folder, "evolve runs", must_exist=True)
    runs, now = list_runs(folder or RUNS), datetime.now(UTC)
    if as_json:
        described = [_describe(each, folder or RUNS, now) for each in runs]
        echo_json({"runs_dir": str(folder or RUNS), "runs": described})
    elif runs:
        from evolve.report.terminal.run_list import list_runs_table

        console = result_console()
        for part in list_runs_table(runs, now):
            console.print(part)
    else:
        echo(f"no runs in {folder or RUNS}; start one: evolve run experiments/quick.yaml")


def _describe(run: ListedRun, runs: Path, now: datetime) -> dict[str, object]:
    """Describe a run for JSON."""
    from evolve.experiment.run_list import count_seconds

    age = count_seconds(run.started, now)
    return {
        "name": run.name,
        "run_dir": str(runs / run.name),
        "state": run.shown_state,
        "started": run.started or None,
        "age_seconds": None if age is None else round(age),
        "best": run.best,
        "verdict": run.verdict or None,
        "trials": run.trials,
        "usd": run.usd,
        "fault": run.fault or None,
        "next_step": run.next_step or None,
    }


def _repair(folder: Path, as_json: bool) -> None:
    from evolve.experiment.repair_run import repair_run
    from evolve.store.files import format_command

    repair = repair_run(folder)
    journal, run = repair.journal, repair.run
    if as_json:
        echo_json(
            {
                "run_dir": str(folder),
                "trials": journal.trials,
                "lost_trials": journal.lost,
                "epoch": journal.epoch,
                "damaged": [str(each) for each in (journal.damaged, repair.result) if each],
                "state": run.shown_state,
                "fault": run.fault or None,
                "next_step": run.next_step or None,
            }
        )
        return
    for line in _list_repairs(repair):
        echo(line)
    if run.fault:
        echo(f"still damaged: {run.fault}")
    if run.next_step or not run.fault:
        echo(f"next: {run.next_step or format_command('show', folder)}")


def _list_repairs(repair: RunRepair) -> Iterator[str]:
    """Yield what is whole and what is lost, as sentences."""
    from evolve.report.formats import format_count

    journal = repair.journal
    trials = format_count(journal.trials, "trial")
    if journal.damaged is None:
        yield f"the journal is whole: {trials}"
    else:
        end = f"up to epoch {journal.epoch}" if journal.epoch >= 0 else "before the first epoch"
        yield f"the journal is rebuilt, {end}: {trials}"
        lost = format_count(journal.lost, "trial")
        again = f"lost: {lost} at least; a run that goes on computes them again"
        yield again if journal.lost else "no trial is lost"
        yield f"the damaged journal is now {journal.damaged}"
    if repair.earlier is not None:
        yield f"its result is now in {repair.earlier}; evolve resume writes it again"
    if repair.result is not None:
        yield f"the result was damaged and is now {repair.result}; evolve resume writes it again"
