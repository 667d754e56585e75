"""Dispatcher: a thread that gives calls to free workers, and repeats those of lost workers."""

from __future__ import annotations

import threading
from collections import deque
from contextlib import suppress
from itertools import islice
from queue import Empty, SimpleQueue
from time import monotonic
from typing import TYPE_CHECKING

from evolve.cluster.calls import Attempt, Call, Worker
from evolve.cluster.remote import Blob
from evolve.cluster.roster import Roster
from evolve.cluster.sender import Sender
from evolve.jobs.deadline import Deadlines
from evolve.notices import NoticeLog

if TYPE_CHECKING:
    from distributed import Client

POLL_SECONDS = 0.5
MIN_SECONDS = 120.0  # of a deadline: a worker may compile its kernels in its first call
UNMEASURED_RATE = 20.0  # evaluations per second, before the first call is complete
START_SECONDS = 30.0  # to wait for the first worker
REFUSED_SECONDS = 5.0  # to wait for another worker after all that joined were refused
STRANDED_SECONDS = 60.0  # to wait for a worker after the last was lost
MAX_ATTEMPTS = 3
CLOSED = "the cluster is closed"
MAX_CANDIDATES = 64  # waiting calls among which a worker finds those that it prefers


class Dispatcher:
    """Thread that owns the calls and the workers of a cluster.

    A call is sent to one worker, and to a free one only. So its time begins when it is sent, and
    no call waits behind one that hangs.
    """

    def __init__(self, client: Client, address: str, log: NoticeLog) -> None:
        """Create a dispatcher; `start` starts its thread.

        Args:
            client: the connection.
            address: address of the scheduler, for messages.
            log: receives notices of refused and lost workers.
        """
        self._address, self._log = address, log
        self._events: SimpleQueue[Call | Attempt | None] = SimpleQueue()
        self._sender = Sender(client, self._events.put)
        self._roster = Roster(client, self._sender.check, log)
        self._deadlines = Deadlines(MIN_SECONDS, UNMEASURED_RATE)
        self._calls: set[Call] = set()  # all that are not complete
        self._waiting: deque[Call] = deque()
        self._workers_of_labels: dict[str, str] = {}  # addresses
        self._next_poll = 0.0
        self._refused_since: float | None = None
        self._stranded_since: float | None = None
        self._is_decided = threading.Event()  # a worker was accepted, or all are refused
        self._is_closed = False
        self._thread = threading.Thread(target=self._run, name="cluster", daemon=True)

    @property
    def workers(self) -> tuple[str, ...]:
        """Addresses of the workers that may be used now."""
        return tuple(each.address for each in list(self._roster.workers.values()) if each.is_usable)

    def start(self) -> None:
        """Start the thread; wait for the first worker.

        Raises:
            EvolveError: if there is none of an equal environment.
        """
        self._thread.start()
        self._is_decided.wait(START_SECONDS)
        if not self.workers:
            raise self._roster.explain_absence(self._address)

    def close(self) -> None:
        """End the thread; calls that are not complete fail."""
        self._events.put(None)
        if self._thread.is_alive():
            self._thread.join()
        self._sender.close()

    def submit(self, call: Call) -> None:
        """Run a call as soon as a worker is free."""
        self._calls.add(call)
        call.future.add_done_callback(lambda _: self._calls.discard(call))
        self._events.put(call)
        if self._is_closed:  # nobody reads the queue
            call.fail(CLOSED)

    def scatter(self, blob: Blob) -> None:
        """Send a blob to all workers; if one is lost meanwhile, with the first call instead."""
        with suppress(Exception):
            self._sender.blobs.scatter(blob, self.workers)

    def _run(self) -> None:
        try:
            while self._handle_events():
                if monotonic() >= self._next_poll:
                    self._poll()
                    self._next_poll = monotonic() + POLL_SECONDS
                self._dispatch()
        finally:
            self._is_closed = True
            self._is_decided.set()
            self._fail_all(CLOSED)

    def _handle_events(self) -> bool:
        """Wait for events and handle them; return False after the last."""
        with suppress(Empty):
            event = self._events.get(timeout=POLL_SECONDS)
            while True:
                if event is None:
                    return False
                if isinstance(event, Call):
                    self._waiting.append(event)
                else:
                    self._end(event)
                event = self._events.get_nowait()
        return True

    def _end(self, attempt: Attempt) -> None:
        """Handle the end of an attempt, unless its worker is lost."""
        worker, call = attempt.worker, attempt.call
        if worker.attempt is not attempt:
            return
        worker.attempt = None
        if call is None:
            self._roster.admit(worker, attempt)
            self._refused_since = None if self._roster.workers else monotonic()
            if worker.is_accepted:
                self._is_decided.set()
        elif call.future.done():
            return
        elif attempt.outcome.cancelled():
            worker.forget()
            self._repeat(call, f"the worker {worker.address} lost a task")
        elif error := attempt.outcome.exception():
            worker.forget()
            reason = str(error) or type(error).__name__
            self._repeat(call, f"the worker {worker.address} failed: {reason}")
        else:
            answer = attempt.outcome.result()
            if answer.lacks:  # it was replaced under its address, or removed the oldest
                worker.forget()
                call.tried.remove(worker.address)
                self._waiting.appendleft(call)
                return
            self._deadlines.record(call.evaluations, answer.seconds)
            if call.label:
                self._workers_of_labels[call.label] = worker.address
            call.complete(answer)

    def _poll(self) -> None:
        """Find the workers that joined, were lost, or are overdue."""
        for worker in self._roster.update():
            attempt, worker.attempt = worker.attempt, None
            if attempt is not None:
                attempt.outcome.cancel()
                if attempt.call is not None and not attempt.is_overdue:
                    self._repeat(attempt.call, f"the worker {worker.address} is lost")
        if self._roster.workers:
            self._refused_since = None
        since = self._refused_since
        if since is not None and monotonic() - since > REFUSED_SECONDS:
            self._is_decided.set()
        for worker in self._roster.usable:
            self._check_deadline(worker)
        if self._roster.usable:
            self._stranded_since = None
        elif self._stranded_since is None:
            self._stranded_since = monotonic()
        elif monotonic() - self._stranded_since > STRANDED_SECONDS:
            self._fail_all(f"the cluster at {self._address} has no worker left")

    def _check_deadline(self, worker: Worker) -> None:
        attempt = worker.attempt
        if attempt is None or attempt.call is None:
            return
        seconds = self._deadlines.compute_seconds(attempt.call.evaluations)
        if monotonic() - attempt.started > seconds:
            attempt.is_overdue = True
            self._repeat(
                attempt.call,
                f"the worker {worker.address} has not completed a task in {seconds:,.0f} seconds",
            )

    def _repeat(self, call: Call, reason: str) -> None:
        """Run a call again, before others, unless it is complete or was repeated too often."""
        if call.future.done():
            return
        if len(call.tried) >= MAX_ATTEMPTS:
            names = ", ".join(call.tried)
            call.fail(f"{reason}; the task was given to {names}", "see the logs of these workers")
            return
        self._next_poll = 0.0  # other workers may be lost, too
        self._log.notice(f"{reason}; the task runs again")
        self._waiting.appendleft(call)

    def _dispatch(self) -> None:
        """Give waiting calls to the free workers."""
        for worker in list(self._roster.workers.values()):
            if worker.is_free and self._waiting:
                call = self._choose_call(worker)
                if call is not None:
                    self._waiting.remove(call)
                    self._send(worker, call)

    def _choose_call(self, worker: Worker) -> Call | None:
        """Choose a call whose label prefers the worker, else the first that it may run."""
        calls = [
            each for each in islice(self._waiting, MAX_CANDIDATES) if self._may_run(worker, each)
        ]
        for each in calls:
            if self._workers_of_labels.get(each.label) == worker.address:
                return each
        return next((each for each in calls if not self._is_preferred_elsewhere(each)), None)

    def _may_run(self, worker: Worker, call: Call) -> bool:
        """Return whether a worker is new to a call, or no usable worker is."""
        addresses = {each.address for each in self._roster.usable}
        return worker.address not in call.tried or addresses <= set(call.tried)

    def _is_preferred_elsewhere(self, call: Call) -> bool:
        """Return whether another free worker is going to choose a call for its label."""
        other = self._roster.workers.get(self._workers_of_labels.get(call.label, ""))
        return other is not None and other.is_free and self._may_run(other, call)

    def _send(self, worker: Worker, call: Call) -> None:
        is_new = not call.future.running()
        if is_new and not call.future.set_running_or_notify_cancel():
            return  # the caller cancelled it
        are_usable = len(self._roster.usable) == len(self._roster.workers)
        self._sender.send(worker, call, are_usable)

    def _fail_all(self, message: str) -> None:
        self._waiting.clear()
        for call in list(self._calls):
            call.fail(message)
