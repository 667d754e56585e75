"""Patience with models: which calls a synchronization awaits, and how long.

A call is awaited at one synchronization at most, and no call of a silent model is awaited. A server
that stops to answer therefore costs one wait. Waits decide when an answer is collected, which is
recorded, and nothing more.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Set

from evolve.notices import NoticeLog


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
        self._deadline = 0.0
        self._overdue = set[int]()  # numbers of calls that were awaited in vain
        self._silent = set[str]()  # labels of models

    def begin(self) -> None:
        """Start the wait of a synchronization."""
        self._deadline = time.monotonic() + self._wait_seconds

    def get_deadline(self, number: int, model: str) -> float:
        """Return the time until which to wait for a call of a model."""
        is_awaited = self._always_waits or not (number in self._overdue or model in self._silent)
        return self._deadline if is_awaited else time.monotonic()

    def end(self, in_flight: Mapping[int, str], answering: Set[str]) -> None:
        """Update the silent models at the end of a synchronization.

        Args:
            in_flight: models by the numbers of the calls without an answer.
            answering: the models that answered.
        """
        for _ in self._silent & answering:
            self._log.notice("the model answers again")
        self._silent -= answering
        if not self._wait_seconds or time.monotonic() < self._deadline:
            return  # no wait, or one that an interrupt ended
        self._overdue = set(in_flight)
        for model in in_flight.values():
            if model not in answering:
                self.report_silence(model, f"none within {self._wait_seconds:g} seconds")

    def report_silence(self, model: str, reason: str) -> None:
        """Report that a model does not answer, once until it answers again."""
        if model not in self._silent:
            self._silent.add(model)
            self._log.notice(
                f"no answer from {model}: {reason}\n"
                "  = the run continues without the model and tries again later"
            )
