"""Calls to models: begun at one boundary, answered at a later one; live, or from a recording."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from concurrent.futures import CancelledError, Future
from dataclasses import dataclass
from functools import partial
from hashlib import blake2b
from typing import Protocol

from evolve.errors import EvolveError
from evolve.llm.transport.client import Client
from evolve.llm.transport.event_loop import Desk
from evolve.llm.transport.exchange import Exchange, Kind
from evolve.llm.transport.request_formats import Constraint
from evolve.llm.transport.server import Message

FELT_SECONDS = 2.0
LOOK_SECONDS = 0.2  # how often a wait looks whether the run is interrupted


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
    direction: str = ""

    @property
    def digest(self) -> str:
        """Of what is asked: two runs that ask the same have the same."""
        asked = json.dumps([self.kind, self.model, self.direction, self.messages])
        return blake2b(asked.encode(), digest_size=16).hexdigest()


@dataclass(frozen=True)
class Recorded:
    """A call of an earlier run: what was asked, what was answered, and when it was taken in."""

    digest: str
    exchanges: tuple[Exchange, ...]
    taken_epoch: int | None


class Secretary(Protocol):
    """Keeps what was asked and answered."""

    def keep_call(self, call: Call) -> None:
        """A call is made."""

    def keep_answer(self, number: int, exchanges: tuple[Exchange, ...]) -> None:
        """It is answered; may come from another thread."""

    def keep_taken(self, number: int, epoch: int) -> None:
        """Its answer is taken in."""


class Correspondence(Protocol):
    """Who carries calls out."""

    def begin(self, call: Call) -> None:
        """Make a call; comes back at once."""

    def collect(self, number: int, epoch: int, deadline: float) -> tuple[Exchange, ...] | None:
        """The exchanges of a call, waited for until a moment; None if there are none yet."""

    def judge(self, model: str, is_readable: bool) -> None:
        """Whether an answer of a model could be read."""


class Live:
    """Calls that go to servers."""

    def __init__(
        self,
        desk: Desk,
        clients: Mapping[str, Client],
        constraint: Constraint,
        merger: Constraint,
        secretary: Secretary,
        is_interrupted: Callable[[], bool],
        waiting: Callable[[], None],
    ) -> None:
        """
        Args:
            desk: where they are made.
            clients: by the label of the model.
            constraint: what a proposal is held to; merger: what a summary is.
            secretary: keeps them.
            is_interrupted: whether to wait no more.
            waiting: told when a wait begins to be felt, once.
        """
        self._desk, self._clients, self._secretary = desk, clients, secretary
        self._constraint, self._merger = constraint, merger
        self._is_interrupted, self._waiting = is_interrupted, waiting
        self._has_said_so = False
        self._open: dict[int, Future[tuple[Exchange, ...]]] = {}

    def begin(self, call: Call) -> None:
        """Send it."""
        self._secretary.keep_call(call)
        client = self._clients[call.model]
        if call.kind == "compact":
            work = partial(client.read_json, call.kind, call.messages, self._merger)
        else:
            work = partial(client.exchange, call.kind, call.messages, self._constraint)
        self._open[call.number] = self._desk.begin(work)
        self._open[call.number].add_done_callback(lambda done: self._keep(call.number, done))

    def collect(self, number: int, epoch: int, deadline: float) -> tuple[Exchange, ...] | None:
        """The exchanges of a call."""
        future = self._open[number]
        began = time.monotonic()
        while not future.done():
            if not self._has_said_so and time.monotonic() - began > FELT_SECONDS:
                self._has_said_so = True
                self._waiting()
            left = deadline - time.monotonic()
            if left <= 0 or self._is_interrupted():
                return None
            _wait(future, min(left, LOOK_SECONDS))
        del self._open[number]
        self._secretary.keep_taken(number, epoch)
        return future.result()

    def judge(self, model: str, is_readable: bool) -> None:
        """Whether an answer of a model could be read."""
        self._desk.call(lambda: self._clients[model].judge(is_readable))

    def _keep(self, number: int, done: Future[tuple[Exchange, ...]]) -> None:
        if not done.cancelled() and done.exception() is None:
            self._secretary.keep_answer(number, done.result())


class Replay:
    """Calls answered from a recording: the same run, without a server."""

    def __init__(
        self, calls: Mapping[int, Recorded], secretary: Secretary, name: str,
        notify: Callable[[str], None],
    ) -> None:  # fmt: skip
        """
        Args:
            calls: of the recorded run, by number.
            secretary: keeps them again.
            name: of the recording, for messages.
            notify: told when the recording ends.
        """
        self._calls, self._secretary = calls, secretary
        self._name, self._notify = name, notify

    def begin(self, call: Call) -> None:
        """Look it up; raises EvolveError if the recorded run asked something else."""
        self._secretary.keep_call(call)
        known = self._calls.get(call.number)
        if known is None:
            self._notify(f"the recording {self._name} ends before call {call.number}")
            return
        if known.digest != call.digest:
            raise EvolveError(
                f"{self._name} cannot be replayed: call {call.number} asked something else",
                "replay with the experiment, the seed, the data and the versions it was made with",
            )
        self._secretary.keep_answer(call.number, known.exchanges)

    def collect(self, number: int, epoch: int, deadline: float) -> tuple[Exchange, ...] | None:
        """The exchanges of a call, at the epoch at which they were taken in then."""
        known = self._calls.get(number)
        if known is None or known.taken_epoch != epoch:
            return None
        self._secretary.keep_taken(number, epoch)
        return known.exchanges

    def judge(self, model: str, is_readable: bool) -> None:
        """Nothing to change: how it was asked is recorded."""


def _wait(future: Future[tuple[Exchange, ...]], seconds: float) -> None:
    try:
        future.exception(seconds)
    except (TimeoutError, CancelledError):
        return
