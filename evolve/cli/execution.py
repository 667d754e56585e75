"""Execution of a run by a command: its display, its signals and its exit code."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING

from evolve.cli.interrupt import StopOnInterrupt
from evolve.cli.output import echo, echo_json
from evolve.errors import EvolveError
from evolve.experiment.observer import Observer

if TYPE_CHECKING:
    from pathlib import Path

    from evolve.experiment.result import Run


@dataclass(frozen=True)
class Execution:
    """Execution of a run by a command.

    Attributes:
        command: the command line of a new run, for suggestions; empty for a run that goes on.
        has_dash: whether to serve the live page meanwhile.
        as_json: whether to print the result document instead of tables.
    """

    command: str
    has_dash: bool
    as_json: bool

    def execute(self, start: Callable[..., Run]) -> int:
        """Execute a run and return the exit code.

        Args:
            start: runs it; receives `observer`, `stop` and `report`.

        Raises:
            EvolveError: if the run failed, or a result cannot be printed or saved.
            KeyboardInterrupt: after a second signal; the run can be resumed then, too.
        """
        from evolve.cli import DONE, INTERRUPTED
        from evolve.cli.console import ConsoleObserver
        from evolve.experiment.result import document
        from evolve.report.save import save_report

        stop, console = StopOnInterrupt(), ConsoleObserver(quiet=self.as_json, command=self.command)
        with console, ExitStack() as live:
            watched: Observer = console
            if self.has_dash:
                from evolve.cli.live_view import LiveView

                watched = live.enter_context(LiveView(console))
            try:
                finished = start(observer=watched, stop=stop, report=save_report)
            except KeyboardInterrupt:
                self._hint(console.folder)
                raise
        if self.as_json:
            echo_json(document(finished))
        is_printed = self.as_json or console.has_printed
        if not is_printed and not isinstance(console.error, BrokenPipeError):
            message = f"cannot print the result: {console.error}"
            raise EvolveError(message, f"it is in {finished.folder}")
        _check_saved(finished)
        if not finished.is_complete:
            self._hint(finished.folder)
        return INTERRUPTED if stop.is_set and not finished.is_complete else DONE

    def _hint(self, folder: Path | None) -> None:
        """Print the command that continues an interrupted run."""
        from evolve.store.files import format_resume

        if folder is not None:
            echo(f"to go on: {format_resume(folder)}", err=True)


def _check_saved(finished: Run) -> None:
    """Raise EvolveError if a file of the run folder could not be written."""
    from evolve.store.files import JOURNAL, REPORT, RESULT, format_resume
    from evolve.store.lock import LOCK

    if not finished.incomplete:
        return
    internal = (LOCK, f"{JOURNAL}-shm", f"{JOURNAL}-wal")
    saved = sorted(
        each.name
        for each in finished.folder.iterdir()
        if each.name not in (*finished.incomplete, *internal)
    )
    message = f"cannot write {', '.join(finished.incomplete)} in {finished.folder}"
    hint = f"complete: {', '.join(saved)}"
    if not finished.is_complete or {RESULT, REPORT} & set(finished.incomplete):
        hint += f"; to write the rest when it can be written: {format_resume(finished.folder)}"
    raise EvolveError(message, hint)
