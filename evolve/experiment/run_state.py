"""State of a run, from what its folder has."""

from __future__ import annotations

from typing import Literal

RunState = Literal["running", "stopped", "finished"]


def decide_state(has_ended: bool, has_verdict: bool, is_running: bool) -> RunState:
    """Return the state of a run; one that was interrupted or killed is stopped.

    Args:
        has_ended: whether the journal has the end of the run.
        has_verdict: whether its result document has a verdict; before its tests, it has none.
        is_running: whether a process holds the lock of the folder.
    """
    if has_ended and has_verdict:
        return "finished"
    return "running" if is_running else "stopped"
