"""Live view of a run: a server in a process of its own, which ends with the run."""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from urllib.parse import quote

import evolve
from evolve.cli.console import ConsoleObserver
from evolve.cli.run_page import print_line
from evolve.dash.listener import check_extra, format_address, open_listener
from evolve.errors import EvolveError
from evolve.experiment.observer import EVENTS, Observer
from evolve.search.progress import Progress

MAX_ERROR_BYTES = 2_000


class LiveView(Observer):
    """Observer that starts the live view of a run, and passes all events to another observer.

    The server is never in the way of the run: a server that fails is a notice. Use it as a context
    manager, which ends the server.
    """

    def __init__(self, console: ConsoleObserver) -> None:
        """
        Args:
            console: receives the events.

        Raises:
            EvolveError: if the packages of the live view are not installed.
        """
        check_extra()
        self._console = console
        self._server: subprocess.Popen[bytes] | None = None
        for name in EVENTS:
            if name not in vars(LiveView):
                setattr(self, name, getattr(console, name))
        self.broken = console.broken  # type: ignore[method-assign]

    def __enter__(self) -> LiveView:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._report_end()
        if self._server is not None and self._server.stdin is not None:
            with suppress(OSError):
                self._server.stdin.close()  # it sends the last updates and ends

    def run_folder(self, path: Path) -> None:
        """Start the server, and print the address of the run."""
        self._console.run_folder(path)
        folder = path.resolve()
        try:
            with open_listener(None) as listener:
                address = f"{format_address(listener)}/runs/{quote(folder.name, safe='')}"
                self._server = _start_server(folder.parent, listener.fileno())
        except (EvolveError, OSError, ValueError) as error:
            self._console.notice(f"there is no live view: {error}; the run continues")
            return
        print_line(self._console.out, "dash", f"{address} (while the run goes on)")

    def progress(self, progress: Progress, seconds: float) -> None:
        """Report a server that has failed, and pass the event."""
        self._report_end()
        self._console.progress(progress, seconds)

    def _report_end(self) -> None:
        server = self._server
        if server is None or server.poll() is None:
            return
        self._server = None
        _, error = server.communicate()
        reason = error[:MAX_ERROR_BYTES].decode("utf-8", "replace").strip()
        text = f"the live view has ended: {reason or server.returncode}; the run continues"
        self._console.notice(text)


def _start_server(runs: Path, listener: int) -> subprocess.Popen[bytes]:
    """Start the server of a socket in a session of its own, which a Ctrl-C of the run spares."""
    root = str(Path(evolve.__file__).parents[1])
    paths = os.pathsep.join(filter(None, (root, os.environ.get("PYTHONPATH"))))
    command = [sys.executable, "-P", "-m", "evolve", "dash", "--listener", str(listener)]
    return subprocess.Popen(
        [*command, "--", str(runs)], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE, pass_fds=[listener], start_new_session=True,
        env={**os.environ, "PYTHONPATH": paths},
    )  # fmt: skip
