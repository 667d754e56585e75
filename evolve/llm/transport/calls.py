"""Calls to models: begun at one boundary, answered at a later one; live, or from a recording."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from concurrent.futures import CancelledError, Future
from dataclasses import dataclass
from functools import partial
from hashlib import blake2b
from typing import Protocol

from evolve.errors import EvolveError
from evolve.llm.transport.client import Client
from evolve.llm.transport.event_loop import LoopThread
from evolve.llm.transport.exchange import Exchange, Kind
from evolve.llm.transport.request_formats import Constraint
from evolve.llm.transport.server import Message
from evolve.notices import NoticeLog
from evolve.stop import Stop

NOTICEABLE_SECONDS = 2.0
POLL_SECONDS = 0.2  # how often a wait looks whether the run is interrupted


@dataclass(frozen=True)
class Call:
    """What a model is asked.

    Attributes:
        number: in the order of asking, from 1.
        kind: what for; direction: what was asked for, where it is a proposal.
        model: the label of the model.
        messages: without what a level adds to them.
        epoch: when it was asked.
    """

    number: int
    kind: Kind
    model: str
    messages: tuple[Message, ...]
    epoch: int
    task: str = ""
    schema: Mapping[str, object] | None = None

    @property
    def digest(self) -> str:
        """A hash of the question: equal calls have equal digests."""
        asked = json.dumps([self.kind, self.model, self.task, self.messages])
        return blake2b(asked.encode(), digest_size=16).hexdigest()


@dataclass(frozen=True)
class RecordedCall:
    """A call of an earlier run: what was asked, what was answered, and when it was taken in."""

    digest: str
    exchanges: tuple[Exchange, ...]
    collected_epoch: int | None


class CallLog(NoticeLog, Protocol):
    """Records calls and reports what a person should know of them."""

    def record_call(self, call: Call) -> None:
        """Record that a call is made."""

    def record_response(self, number: int, exchanges: tuple[Exchange, ...]) -> None:
        """Record the response of a call; may run on another thread."""

    def record_collected(self, number: int, epoch: int) -> None:
        """Record the epoch in which a response was collected."""

    def waiting(self) -> None:
        """Report that a wait for a model has become noticeable."""


class Calls(Protocol):
    """Carries out calls to models."""

    def submit(self, call: Call) -> None:
        """Make a call; return at once."""

    def collect(self, number: int, epoch: int, deadline: float) -> tuple[Exchange, ...] | None:
        """Return the exchanges of a call, waiting until a deadline; None if there are none yet."""

    def record_parse_result(self, model: str, is_readable: bool) -> None:
        """Record whether an answer of a model could be parsed."""


class LiveCalls:
    """Calls that go to servers."""

    def __init__(
        self,
        loop: LoopThread,
        clients: Mapping[str, Client],
        constraint: Constraint,
        log: CallLog,
        stop: Stop,
    ) -> None:
        """
        Args:
            loop: the event loop that runs them.
            clients: by the label of the model.
            constraint: what a proposal must match.
            log: records the calls; told once if a wait becomes noticeable.
            stop: ends every wait, once it is set.
        """
        self._loop, self._clients, self._constraint = loop, clients, constraint
        self._log, self._stop = log, stop
        self._has_reported_wait = False
        self._in_flight: dict[int, Future[tuple[Exchange, ...]]] = {}

    def submit(self, call: Call) -> None:
        """Send a call to its server."""
        self._log.record_call(call)
        client = self._clients[call.model]
        if call.schema is not None:
            constraint = Constraint("", "", call.schema)
            work = partial(client.read_json, call.kind, call.messages, constraint)
        else:
            work = partial(client.exchange, call.kind, call.messages, self._constraint)
        future = self._loop.submit(work)
        self._in_flight[call.number] = future
        future.add_done_callback(lambda done: self._record(call.number, done))

    def collect(self, number: int, epoch: int, deadline: float) -> tuple[Exchange, ...] | None:
        """Return the exchanges of a call; None if the deadline passes or the run is stopped."""
        future = self._in_flight[number]
        started = time.monotonic()
        while not future.done():
            if not self._has_reported_wait and time.monotonic() - started > NOTICEABLE_SECONDS:
                self._has_reported_wait = True
                self._log.waiting()
            left = deadline - time.monotonic()
            if left <= 0 or self._stop.is_set:
                return None
            _wait(future, min(left, POLL_SECONDS))
        del self._in_flight[number]
        self._log.record_collected(number, epoch)
        return future.result()

    def record_parse_result(self, model: str, is_readable: bool) -> None:
        """Tell the client of a model whether an answer could be parsed."""
        self._loop.call_soon(lambda: self._clients[model].record_parse_result(is_readable))

    def _record(self, number: int, done: Future[tuple[Exchange, ...]]) -> None:
        if not done.cancelled() and done.exception() is None:
            self._log.record_response(number, done.result())


class RecordedCalls:
    """Calls answered from a recording: the same run, without a server."""

    def __init__(self, calls: Mapping[int, RecordedCall], name: str, log: CallLog) -> None:
        """
        Args:
            calls: of the recorded run, by number.
            name: of the recording, for messages.
            log: records the calls again.
        """
        self._calls, self._name, self._log = calls, name, log

    def submit(self, call: Call) -> None:
        """Look up a call.

        Raises:
            EvolveError: if the recorded run asked something else.
        """
        self._log.record_call(call)
        known = self._calls.get(call.number)
        if known is None:
            self._log.notice(f"the recording {self._name} ends before call {call.number}")
            return
        if known.digest != call.digest:
            raise EvolveError(
                f"{self._name} cannot be replayed: call {call.number} asked something else",
                "replay with the experiment, the seed, the data and the versions it was made with",
            )
        self._log.record_response(call.number, known.exchanges)

    def collect(self, number: int, epoch: int, deadline: float) -> tuple[Exchange, ...] | None:
        """Return the exchanges of a call in the epoch in which the recorded run collected them."""
        known = self._calls.get(number)
        if known is None or known.collected_epoch != epoch:
            return None
        self._log.record_collected(number, epoch)
        return known.exchanges

    def record_parse_result(self, model: str, is_readable: bool) -> None:
        """Do nothing: the recording has the request formats that were used."""


def _wait(future: Future[tuple[Exchange, ...]], seconds: float) -> None:
    try:
        future.exception(seconds)
    except (TimeoutError, CancelledError):
        return
