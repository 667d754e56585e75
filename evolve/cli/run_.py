"""`evolve run`: the search of an experiment."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

import click

from evolve.cli.interrupt import StopOnInterrupt
from evolve.cli.options import json_option
from evolve.cli.output import echo_json


@click.command("run", short_help="Run an experiment: search and select.")
@click.argument("experiment", type=click.Path(path_type=Path))
@click.option("--set", "overrides", multiple=True, metavar="A.B=V", help="Replace a setting.")
@click.option("--out", type=click.Path(path_type=Path), help="The run folder to write.")
@click.option("--dash", "has_dash", is_flag=True, help="Show the run in a browser meanwhile.")
@json_option
def command(
    experiment: Path, overrides: tuple[str, ...], out: Path | None, has_dash: bool, as_json: bool
) -> int:
    """Run EXPERIMENT: search on train, select on validation, and write a run folder.

    Ctrl-C stops after the current epoch and saves the results; a second Ctrl-C stops at once.
    SIGTERM and SIGHUP act as Ctrl-C.

    --dash serves the live page of the run on this machine until the run ends; it prints the
    address. The open page remains, and `evolve dash` shows the run later.
    """
    from evolve.cli import DONE, INTERRUPTED
    from evolve.errors import EvolveError
    from evolve.experiment.observer import Observer
    from evolve.experiment.plan import read_plan
    from evolve.experiment.run import run
    from evolve.report.save import save_report
    from evolve.store.lock import LOCK

    plan = read_plan(experiment, overrides)
    stop = StopOnInterrupt()
    from evolve.cli.console import ConsoleObserver

    observer = ConsoleObserver(quiet=as_json, command=f"evolve run {experiment}")
    with observer, ExitStack() as live:
        watched: Observer = observer
        if has_dash:
            from evolve.cli.live_view import LiveView

            watched = live.enter_context(LiveView(observer))
        finished = run(plan, out=out, observer=watched, stop=stop, report=save_report)
    if as_json:
        from evolve.experiment.result import document

        echo_json(document(finished))
    is_printed = as_json or observer.has_printed
    if not is_printed and not isinstance(observer.error, BrokenPipeError):
        message = f"cannot print the result: {observer.error}"
        raise EvolveError(message, f"it is in {finished.folder}")
    if unsaved := finished.incomplete:
        saved = sorted(
            each.name
            for each in finished.folder.iterdir()
            if each.name not in (*finished.incomplete, LOCK)
        )
        message = f"cannot write {', '.join(unsaved)} in {finished.folder}"
        raise EvolveError(message, f"complete: {', '.join(saved)}")
    return INTERRUPTED if stop.is_set else DONE
