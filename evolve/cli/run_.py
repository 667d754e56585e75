"""`evolve run`: the main job."""

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


@click.command("run")
@click.argument("experiment", type=click.Path(path_type=Path))
@click.option("--set", "overrides", multiple=True, metavar="A.B=V", help="Replace a setting.")
@click.option("--out", type=click.Path(path_type=Path), help="The run folder.")
@json_option
def command(experiment: Path, overrides: tuple[str, ...], out: Path | None, as_json: bool) -> int:
    """Run EXPERIMENT: search, choose on validation, keep everything in a run folder.

    Ctrl-C stops after the epoch and keeps what was found; twice stops at once.
    """
    from evolve.cli import DONE, INTERRUPTED
    from evolve.experiment.plan import read_plan
    from evolve.experiment.run import run

    ready = read_plan(experiment, overrides)
    stop = _StopOnInterrupt()
    from evolve.cli.console import ConsoleObserver

    observer = ConsoleObserver(quiet=as_json, command=f"evolve run {experiment}")
    with observer:
        finished = run(ready, out=out, observer=observer, stop=stop)
    if as_json:
        from evolve.experiment.result import document

        click.echo(json.dumps(document(finished), indent=2))
    return INTERRUPTED if stop.is_set else DONE


class _StopOnInterrupt(Stop):
    """A request to stop that Ctrl-C sets; a second Ctrl-C stops at once."""

    def __init__(self) -> None:
        super().__init__()
        signal.signal(signal.SIGINT, self._handle)
        sys.unraisablehook = _interrupt_again

    def _handle(self, number: int, frame: FrameType | None) -> None:
        if self.is_set:
            raise KeyboardInterrupt
        self.set()
        click.echo("\nstopping after this epoch; Ctrl-C again stops at once", err=True)


def _interrupt_again(lost: UnraisableHookArgs) -> None:
    """Interrupt once more, where it met code that can raise nothing, as a weak reference's end."""
    if lost.exc_type is KeyboardInterrupt:
        Timer(RETRY_SECONDS, _interrupt_main).start()
    else:
        sys.__unraisablehook__(lost)


def _interrupt_main() -> None:
    if hasattr(signal, "pthread_kill"):  # wakes it where it waits
        signal.pthread_kill(main_thread().ident or 0, signal.SIGINT)
    else:
        signal.raise_signal(signal.SIGINT)
