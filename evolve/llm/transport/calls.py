"""Calls to models, which return at once and are collected later: live, or from a recording."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import CancelledError, Future
from dataclasses import dataclass
from functools import partial
from hashlib import blake2b
from typing import Protocol

from dsl.printable import make_printable
from evolve.errors import EvolveError
from evolve.llm.transport.client import Client
from evolve.llm.transport.event_loop import LoopThread, Work
from evolve.llm.transport.exchange import Exchange, Kind
from evolve.llm.transport.reply import MAX_SHOWN_CHARACTERS
from evolve.llm.transport.request_body import Message
from evolve.llm.transport.request_formats import TEXT, Constraint
from evolve.notices import NoticeLog
from evolve.stop import Stop

NOTICEABLE_SECONDS = 2.0
POLL_SECONDS = 0.2  # between two checks for an interrupt during a wait


@dataclass(frozen=True)
class Call:
    """A call of a model.

    Attributes:
        number: its number in the run, from 1.
        kind: its purpose.
        model: the label of the model.
        messages: the prompt, without the note of a request format.
        epoch: the epoch in which it starts.
        task: the name of the task; empty if the call has none.
        schema: the JSON schema of the answer; None if it has the constraint of the run.
        max_tokens: a limit on the answer below that of the model.
    """

    number: int
    kind: Kind
    model: str
    messages: tuple[Message, ...]
    epoch: int
    task: str = ""
    schema: Mapping[str, object] | None = None
    max_tokens: int | None = None

    @property
    def digest(self) -> str:
        """Hash of the call without its number and epoch."""
        content = json.dumps([self.kind, self.model, self.task, self.messages])
        return blake2b(content.encode(), digest_size=16).hexdigest()


@dataclass(frozen=True)
class RecordedCall:
    """A call of a recorded run.

    Attributes:
        digest: the digest of the call.
        exchanges: its exchanges, in order; empty if it has no response.
        collected_epoch: the epoch in which it was collected; None if it never was.
        kind: its purpose.
        model: the label of the model.
        asked_epoch: the epoch in which it started.
    """

    digest: str
    exchanges: tuple[Exchange, ...]
    collected_epoch: int | None
    kind: Kind
    model: str
    asked_epoch: int

    @property
    def has_failed(self) -> bool:
        """Whether its response is an error."""
        return bool(self.exchanges) and bool(self.exchanges[-1].error)


class CallLog(NoticeLog, Protocol):
    """Log of calls."""

    def record_call(self, call: Call) -> None:
        """Record that a call starts; replace a record with its number."""

    def record_response(self, number: int, exchanges: tuple[Exchange, ...]) -> None:
        """Record the response of a call, in place of an earlier one; may run on another thread."""

    def record_collected(self, number: int, epoch: int) -> None:
        """Record the epoch in which a response was collected."""

    def waiting(self) -> None:
        """Report that a wait for a model has become noticeable."""


class Calls(Protocol):
    """Interface to start calls to models and collect their exchanges."""

    def submit(self, call: Call) -> None:
        """Start a call; return at once."""

    def collect(self, number: int, epoch: int, deadline: float) -> tuple[Exchange, ...] | None:
        """Return the exchanges of a call; None if it does not end before the deadline."""

    def record_parse_result(self, model: str, is_readable: bool, request_format: str) -> None:
        """Record whether an answer of a model in a request format was parsed."""


class LiveCalls:
    """Calls of the servers of models."""

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
            loop: the event loop of the calls.
            clients: by the label of the model.
            constraint: the constraint on proposals.
            log: receives the records, and the first noticeable wait.
            stop: ends every wait when it is set.
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
            work = partial(
                client.exchange, call.kind, call.messages, self._constraint, call.max_tokens
            )
        self._in_flight[call.number] = self._loop.submit(partial(self._run, call, work))

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
        exchanges = future.result()
        self._log.record_collected(number, epoch)
        return exchanges

    def record_parse_result(self, model: str, is_readable: bool, request_format: str) -> None:
        """Record in the client of a model whether an answer in its request format was parsed."""

        def record() -> None:
            client = self._clients[model]
            if client.request_format is not None and client.request_format.name == request_format:
                client.record_parse_result(is_readable)

        self._loop.call_soon(record)

    @property
    def is_stopped(self) -> bool:
        """True once the run is stopped, which ends every wait."""
        return self._stop.is_set

    def adopt(self, model: str, exchanges: Sequence[Exchange]) -> None:
        """Adopt what a recorded response of a model shows of its server."""
        if model in self._clients:
            self._clients[model].adopt(exchanges)

    async def _run(self, call: Call, work: Work[tuple[Exchange, ...]]) -> tuple[Exchange, ...]:
        """Run a call, and record its response before it can be collected.

        An unforeseen error fails the call, not the run. A response that cannot be recorded is
        replaced by a failure: otherwise a replay could not repeat the run.

        Raises:
            Exception: if not even a failure can be recorded, for example on a full disk.
        """
        try:
            exchanges = await work()
        except Exception as error:
            exchanges = (_build_failure(call, error),)
        try:
            self._log.record_response(call.number, exchanges)
        except Exception as error:
            exchanges = (_build_failure(call, error),)
            self._log.record_response(call.number, exchanges)
        return exchanges


class RecordedCalls:
    """Calls answered from a recording, without a server."""

    def __init__(self, calls: Mapping[int, RecordedCall], name: str, log: CallLog) -> None:
        """
        Args:
            calls: the recorded calls, by number.
            name: the name of the recording, for messages.
            log: receives the records again.
        """
        self._calls, self._name, self._log = calls, name, log

    def submit(self, call: Call) -> None:
        """Look up a call.

        Raises:
            EvolveError: if the recorded call has other content.
        """
        self._log.record_call(call)
        recorded = self._calls.get(call.number)
        if recorded is None:
            self._log.notice(f"the recording {self._name} ends before call {call.number}")
            return
        if recorded.digest != call.digest:
            raise EvolveError(
                f"cannot replay {self._name}: call {call.number} differs",
                "use the experiment, seed, data and versions of the recorded run",
            )
        self._log.record_response(call.number, recorded.exchanges)

    def collect(self, number: int, epoch: int, deadline: float) -> tuple[Exchange, ...] | None:
        """Return the exchanges of a call if the recorded run collected them in this epoch."""
        recorded = self._calls.get(number)
        if recorded is None or recorded.collected_epoch != epoch:
            return None
        self._log.record_collected(number, epoch)
        return recorded.exchanges

    def record_parse_result(self, model: str, is_readable: bool, request_format: str) -> None:
        """Do nothing: a recording fixes the request formats."""


def _build_failure(call: Call, error: Exception) -> Exchange:
    """Return the exchange of a call that fails outside its server."""
    reason = make_printable(
        f"internal error: {type(error).__name__}: {error}", MAX_SHOWN_CHARACTERS
    )
    return Exchange(call.kind, call.model, TEXT.name, call.messages, error=reason,
                    may_be_billed=True)  # fmt: skip


def _wait(future: Future[tuple[Exchange, ...]], seconds: float) -> None:
    try:
        future.exception(seconds)
    except (TimeoutError, CancelledError):
        return
