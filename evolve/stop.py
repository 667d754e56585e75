"""Request to stop a run, shared by everything that waits."""

from __future__ import annotations


class Stop:
    """Flag that is never cleared; once it is set, the run ends after its current epoch.

    A plain attribute and not a `threading.Event`: a signal handler may set it while its thread
    waits.

    Attributes:
        is_set: whether the run must stop.
    """

    def __init__(self) -> None:
        self.is_set = False

    def set(self) -> None:
        """Request the stop."""
        self.is_set = True
