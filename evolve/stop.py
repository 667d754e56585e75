"""A request to stop a run, shared by everything that waits."""

from __future__ import annotations


class Stop:
    """A flag that is set at most once: the run ends after its current epoch.

    A plain attribute, and not a `threading.Event`: a signal handler may set it while the same
    thread waits.
    """

    def __init__(self) -> None:
        self.is_set = False

    def set(self) -> None:
        """Ask the run to stop."""
        self.is_set = True
