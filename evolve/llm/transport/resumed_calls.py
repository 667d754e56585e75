"""Calls of a run that goes on: answered from its own journal first, then by servers.

The process before may have been killed at any instant. It collected calls in the order of their
numbers, so its last decision marks how far it came. Up to that mark a call is collected in the
epoch that is recorded, and no earlier. After it, a recorded response is ready at once.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Protocol

from evolve.llm.transport.calls import Call, CallLog, LiveCalls, RecordedCall
from evolve.llm.transport.exchange import Exchange
from evolve.llm.transport.usage import CallBudget, Cost

Mark = tuple[float, float]  # epoch and number of a call
NO_MARK: Mark = (-math.inf, -math.inf)


class ResumedCallLog(CallLog, Protocol):
    """Log of the calls of a run that may go on."""

    def move_calls(self, first: int) -> None:
        """Move the recorded calls from a number on to numbers below 1."""

    def read_left_cost(self) -> Cost:
        """Return the cost of the calls with numbers below 1."""


class ResumedCalls:
    """Calls that are answered from the journal of their run, then by servers."""

    def __init__(
        self,
        recorded: Mapping[int, RecordedCall],
        live: LiveCalls,
        log: ResumedCallLog,
        budget: CallBudget,
    ) -> None:
        """
        Args:
            recorded: the calls in the journal, by number.
            live: starts the calls without a recorded response.
            log: receives the records.
            budget: includes the cost of calls of a course that the run left.
        """
        self._recorded, self._live, self._log = dict(recorded), live, log
        self._budget = budget
        budget.record_left(log.read_left_cost())
        self._mark = _find_mark(recorded)
        self._answered: dict[int, tuple[Exchange, ...]] = {}  # submitted, but not collected
        for number in sorted(recorded):
            live.adopt(recorded[number].model, recorded[number].exchanges)

    def submit(self, call: Call) -> None:
        """Look up the response of a call, or send the call to its server if there is none."""
        recorded = self._recorded.get(call.number)
        if recorded is not None and recorded.digest != call.digest:
            self._diverge(call.number)
            recorded = None
        elif recorded is not None and recorded.asked_epoch != call.epoch:
            self._mark = NO_MARK
            self._log.record_call(call)
        if recorded is None or not recorded.exchanges:
            self._live.submit(call)
        else:
            self._answered[call.number] = recorded.exchanges

    def collect(self, number: int, epoch: int, deadline: float) -> tuple[Exchange, ...] | None:
        """Return the exchanges of a call; None if the process before did not collect it yet.

        Once the run is stopped, no call is collected: after one whose wait the stop ended, it would
        mark that one as left by this epoch.
        """
        if self._live.is_stopped:
            return None
        recorded = self._recorded.get(number)
        if recorded is not None and (epoch, number) <= self._mark:
            collected_epoch = recorded.collected_epoch
            if collected_epoch is None or collected_epoch > epoch:
                return None
        if number not in self._answered:
            return self._live.collect(number, epoch, deadline)
        self._log.record_collected(number, epoch)
        return self._answered.pop(number)

    def record_parse_result(self, model: str, is_readable: bool, request_format: str) -> None:
        """Record in the client of a model whether an answer in its request format was parsed."""
        self._live.record_parse_result(model, is_readable, request_format)

    def _diverge(self, first: int) -> None:
        """Stop following the recording, from whose calls the run differs from this one on.

        The recorded calls from this number on remain in the journal, since they are paid for.
        """
        self._log.move_calls(first)
        self._budget.record_left(self._log.read_left_cost())
        self._recorded = {number: each for number, each in self._recorded.items() if number < first}
        self._mark = NO_MARK


def _find_mark(recorded: Mapping[int, RecordedCall]) -> Mark:
    """Return the last decision about a collection: the call and the epoch.

    A call other than a repair starts after all collections of its epoch.
    """
    marks = [NO_MARK]
    for number, each in recorded.items():
        if each.collected_epoch is not None:
            marks.append((each.collected_epoch, number))
        if each.kind != "repair":
            marks.append((each.asked_epoch, math.inf))
    return max(marks)
