"""State of a run, from what its folder has."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

RunState = Literal["running", "stopped", "finished"]


def decide_state(
    has_ended: bool, result: Mapping[str, Any] | None, is_running: bool
) -> RunState:  # fmt: skip
    """Return the state of a run; one that was interrupted or killed is stopped.

    Args:
        has_ended: whether the journal has the end of the run.
        result: the result document; None if there is none.
        is_running: whether a process holds the lock of the folder.
    """
    if result is not None:
        is_unrecorded = result.get("journal") is not None and not result.get("unfinished")
        if has_ended or is_unrecorded:  # the journal of an unrecorded run misses its end
            return "finished"
    return "running" if is_running else "stopped"
