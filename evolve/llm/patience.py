"""Patience with models: which calls a synchronization awaits, and how long.

A call is awaited at one synchronization at most, and no call of a silent model is awaited. A server
that stops answering therefore costs one wait. The last synchronization awaits calls that the server
is expected to refuse, because a refused call costs nothing. Waits decide when an answer is
collected, which is recorded, and nothing more.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Set
from dataclasses import dataclass, field

from evolve.llm.saved_types import SavedSet
from evolve.notices import NoticeLog


@dataclass
class PatienceState:
    """State of the patience, without a clock.

    Attributes:
        overdue: numbers of the calls that were awaited in vain.
        silent: whether the server refused the last call, by the label of a silent model.
    """

    overdue: SavedSet[int] = field(default_factory=set)
    silent: dict[str, bool] = field(default_factory=dict)


class Patience:
    """Deadlines of calls at synchronizations, and the models that are silent."""

    def __init__(self, wait_seconds: float, always_waits: bool, log: NoticeLog) -> None:
        """
        Args:
            wait_seconds: the maximum wait at a synchronization.
            always_waits: await every call, because nothing else proposes.
            log: receives a notice if a model becomes silent, and if it answers again.
        """
        self._wait_seconds, self._always_waits, self._log = wait_seconds, always_waits, log
        self._deadline, self._is_last = 0.0, False  # of the synchronization that is under way
        self.state = PatienceState()

    def begin(self, is_last: bool) -> None:
        """Start the wait of a synchronization."""
        self._deadline, self._is_last = time.monotonic() + self._wait_seconds, is_last

    def get_deadline(self, number: int, model: str) -> float:
        """Return the time until which to wait for a call of a model."""
        is_silent = number in self.state.overdue or model in self.state.silent
        is_refused = self._is_last and self.state.silent.get(model, False)
        is_awaited = self._always_waits or is_refused or not is_silent
        return self._deadline if is_awaited else time.monotonic()

    def end(self, in_flight: Mapping[int, str], answering: Set[str]) -> None:
        """Update the silent models at the end of a synchronization.

        Args:
            in_flight: models by the numbers of the calls without an answer.
            answering: the models that answered.
        """
        for model in answering & self.state.silent.keys():
            del self.state.silent[model]
            self._log.notice("the model answers again")
        if not self._wait_seconds or time.monotonic() < self._deadline:
            return  # no wait, or one that an interrupt ended
        self.state.overdue = set(in_flight)
        for model in in_flight.values():
            if model not in answering:
                self.record_silence(model, f"none within {self._wait_seconds:g} seconds", False)

    def record_silence(self, model: str, reason: str, is_refused: bool) -> None:
        """Record that a model does not answer, and report it once until it answers again.

        Args:
            model: its label.
            reason: the reason, for the report.
            is_refused: whether its server could not be reached.
        """
        is_known = model in self.state.silent
        self.state.silent[model] = is_refused
        if not is_known:
            self._log.notice(
                f"no answer from {model}: {reason}\n"
                "  = the run continues without the model and tries again later"
            )
