"""`evolve run`: the search of an experiment."""

from __future__ import annotations

import json
import signal
import sys
from pathlib import Path
from threading import Timer, main_thread
from types import FrameType
from typing import TYPE_CHECKING

import click

from evolve.cli.options import json_option
from evolve.stop import Stop

if TYPE_CHECKING:
    from sys import UnraisableHookArgs

RETRY_SECONDS = 0.01


@click.command("run", short_help="Run an experiment: search and select.")
@click.argument("experiment", type=click.Path(path_type=Path))
@click.option("--set", "overrides", multiple=True, metavar="A.B=V", help="Replace a setting.")
@click.option("--out", type=click.Path(path_type=Path), help="The run folder to write.")
@json_option
def command(experiment: Path, overrides: tuple[str, ...], out: Path | None, as_json: bool) -> int:
    """Run EXPERIMENT: search on train, select on validation, and write a run folder.

    Ctrl-C stops after the current epoch and saves the results; a second Ctrl-C stops at once.
    """
    from evolve.cli import DONE, INTERRUPTED
    from evolve.experiment.plan import read_plan
    from evolve.experiment.run import run

    plan = read_plan(experiment, overrides)
    stop = _StopOnInterrupt()
    from evolve.cli.console import ConsoleObserver

    observer = ConsoleObserver(quiet=as_json, command=f"evolve run {experiment}")
    with observer:
        finished = run(plan, out=out, observer=observer, stop=stop)
    if as_json:
        from evolve.experiment.result import document

        click.echo(json.dumps(document(finished), indent=2))
    return INTERRUPTED if stop.is_set else DONE


class _StopOnInterrupt(Stop):
    """Stop request that Ctrl-C sets; a second Ctrl-C raises KeyboardInterrupt."""

    def __init__(self) -> None:
        super().__init__()
        signal.signal(signal.SIGINT, self._handle)
        sys.unraisablehook = _handle_unraisable

    def _handle(self, number: int, frame: FrameType | None) -> None:
        if self.is_set:
            raise KeyboardInterrupt
        self.set()
        click.echo("\nstopping after this epoch; Ctrl-C again stops at once", err=True)


def _handle_unraisable(args: UnraisableHookArgs) -> None:
    """Repeat an interrupt that a callback of a weak reference could not raise."""
    if args.exc_type is not KeyboardInterrupt:
        sys.__unraisablehook__(args)
        return
    is_started = False
    while not is_started:
        try:
            Timer(RETRY_SECONDS, _interrupt_main).start()
            is_started = True
        except KeyboardInterrupt:  # on a busy machine the timer may fire within start()
            pass


def _interrupt_main() -> None:
    if hasattr(signal, "pthread_kill"):  # it also ends a blocking wait
        signal.pthread_kill(main_thread().ident or 0, signal.SIGINT)
    else:
        signal.raise_signal(signal.SIGINT)
