"""Console whose closed output is reported to the command, which decides whether it goes on."""

from __future__ import annotations

import errno
import os

from rich.console import Console


class OutputConsole(Console):
    """Console that raises BrokenPipeError if its reader is gone; rich would exit with status 1."""

    def on_broken_pipe(self) -> None:
        """Raise BrokenPipeError."""
        raise BrokenPipeError(errno.EPIPE, os.strerror(errno.EPIPE))
