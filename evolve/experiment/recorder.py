"""Recorder of a run: passes events to its observer, its journal and its folder."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing, suppress
from dataclasses import asdict
from types import TracebackType
from typing import Any

from evolve.errors import EvolveError
from evolve.experiment.observer import Observer, isolate
from evolve.llm.transport.calls import Call, RecordedCall
from evolve.llm.transport.exchange import Exchange
from evolve.llm.transport.usage import ArmCost, Cost
from evolve.search.progress import Progress
from evolve.store import JOURNAL_ERRORS, Journal, JournalError, RunFolder
from evolve.store.rows import read_event_rows


class RunRecorder:
    """Recorder of a run; use it as a context manager, which closes the journal.

    Events before `open` are buffered, since the run folder is created after the experiment and its
    data have been checked. After `open`, methods may be called from several threads. A journal
    that cannot be written ends the run: results without their trials and checkpoints would be
    lost. On another thread than that of `open`, the failure waits for the next write of that one.
    An observer or another file that fails ends nothing, and is reported once.
    """

    def __init__(self, observer: Observer) -> None:
        self.observer = isolate(observer, self._report_observer)
        self._events: list[tuple[str, dict[str, Any]]] = []
        self._folder: RunFolder | None = None
        self._journal: Journal | None = None
        self._lock = threading.RLock()
        self._incomplete: dict[str, str] = {}
        self._failure: JournalError | None = None
        self._thread = threading.get_ident()
        self._recorded: set[tuple[str, str]] = set()  # before a resumed run goes on
        self._search_started = 0.0

    def __enter__(self) -> RunRecorder:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._journal is not None:
            with suppress(*JOURNAL_ERRORS):
                self._journal.close()

    def open(self, folder: RunFolder, resumed: Journal | None = None) -> None:
        """Create the journal of a run folder with the buffered events, or continue one.

        A resumed run prepares its search as at its start, and asks its models again what they were
        asked at the checkpoint. Until `go_on`, events that the journal has are not written again:
        a notice with its text, and any other by its kind.

        Args:
            folder: the run folder.
            resumed: its journal, rolled back to the checkpoint from which the run goes on; the
                recorder closes it. None for a new run.

        Raises:
            EvolveError: if the journal cannot be written; nothing is lost yet.
        """
        self._folder, self._thread = folder, threading.get_ident()
        events, self._events = self._events, []
        if resumed is None:
            self._journal = _create_journal(folder, events)
            return
        self._journal = resumed
        for event in read_event_rows(folder.journal):
            self._recorded.add(_identify(event.kind, event.detail))
        for kind, detail in events:
            self.event(kind, **detail)

    @property
    def journal(self) -> Journal:
        """Journal of the run; only after `open`."""
        assert self._journal is not None
        return self._journal

    # -- files

    @property
    def folder(self) -> RunFolder:
        """Folder of the run; only after `open`."""
        assert self._folder is not None
        return self._folder

    @property
    def incomplete(self) -> tuple[str, ...]:
        """Names of the files of the run folder that could not be written."""
        return tuple(self._incomplete)

    def save(self, name: str, write: Callable[[], object]) -> None:
        """Write a file of the run folder; report a failure, and try the next time again.

        Args:
            name: its name.
            write: writes it, and raises EvolveError if it cannot.
        """
        try:
            write()
        except EvolveError as error:
            self._fail(name, error.message)
        else:
            self._incomplete.pop(name, None)

    # -- events

    def event(self, kind: str, **detail: Any) -> None:
        """Record an event."""
        if self._journal is None:
            self._events.append((kind, detail))
        elif _identify(kind, detail) not in self._recorded:
            self._record(lambda journal: journal.event(kind, **detail))

    def notice(self, text: str) -> None:
        """Record a notice and report it to the observer."""
        self.event("notice", text=text)
        self.observer.notice(text)

    def start_search(self, seconds: float = 0.0) -> None:
        """Start the clock of the search.

        Args:
            seconds: time of the search before it was resumed.
        """
        self._search_started = time.monotonic() - seconds

    def go_on(self) -> None:
        """Write all events from now on: what the journal had at the checkpoint was repeated."""
        self._recorded.clear()

    @property
    def search_seconds(self) -> float:
        """Seconds of the search so far."""
        return time.monotonic() - self._search_started

    def progress(self, progress: Progress, checkpoint: Mapping[str, Any]) -> None:
        """Record an epoch with its trials and its checkpoint, and report it to the observer.

        Args:
            progress: state of the search at the end of the epoch.
            checkpoint: the state from which the search can go on, as JSON values.
        """
        best = progress.best.score if progress.best else None
        stats = {name: asdict(counts) for name, counts in sorted(progress.stats.items())}
        seconds = {name: round(spent, 4) for name, spent in sorted(progress.seconds.items())}
        spent = self.search_seconds
        self._record(
            lambda journal: journal.epoch(
                progress.epoch, progress.trials, checkpoint, spent,
                evaluated=progress.evaluated, best=best, stats=stats, seconds=seconds,
            )
        )  # fmt: skip
        self.observer.progress(progress, self.search_seconds)

    # -- calls to models

    def record_call(self, call: Call) -> None:
        """Record the start of a call, in place of a record with its number."""
        self._record(lambda journal: journal.calls.record_call(call))

    def record_response(self, number: int, exchanges: tuple[Exchange, ...]) -> None:
        """Record the response of a call, in place of an earlier one."""
        self._record(lambda journal: journal.calls.record_response(number, exchanges))

    def record_collected(self, number: int, epoch: int) -> None:
        """Record the epoch in which the response of a call was collected."""
        self._record(lambda journal: journal.calls.record_collected(number, epoch))

    def move_calls(self, first: int) -> None:
        """Move the recorded calls from a number on to numbers below 1."""
        self._record(lambda journal: journal.calls.move_calls(first))

    def read_left_cost(self) -> Cost:
        """Return the cost of the calls with numbers below 1."""
        return self.journal.calls.read_left_cost()

    def read_calls(self) -> dict[int, RecordedCall]:
        """Return the calls that are recorded already, by number; some if the run goes on."""
        calls: dict[int, RecordedCall] = {}
        self._record(lambda journal: calls.update(journal.calls.read()))
        return calls

    def report_cost(self, spent: Cost) -> None:
        """Report the cost of all calls so far."""
        self.observer.spending(spent)

    def waiting(self) -> None:
        """Report a noticeable wait for a model."""
        self.observer.waiting()

    def arm_costs(self) -> dict[str, ArmCost]:
        """Return the cost by arm, including repairs."""
        return self.journal.calls.costs()

    # -- proposals

    def record_proposal(self, call: int, text: str, digest: str, status: str, reason: str) -> None:
        """Record one strategy of a response.

        Args:
            call: number of the call.
            text: the strategy as written.
            digest: hash of the program; empty if it was rejected.
            status: `evaluated`, `duplicate`, `rejected` or `no budget`.
            reason: why it was rejected or is infeasible; else empty.
        """
        self._record(
            lambda journal: journal.calls.record_proposal(call, text, digest, status, reason)
        )

    def record_learnings(self, text: str) -> None:
        """Write the learnings to the run folder."""
        folder, name = self._folder, "learnings.md"
        assert folder is not None
        self.save(name, lambda: folder.write_text(name, f"# Learnings\n\n{text}\n"))

    # -- failures

    def _record(self, write: Callable[[Journal], None]) -> None:
        """Write to the journal, unless an earlier write failed: its rest would have a gap.

        Raises:
            JournalError: if this write or an earlier one failed; on the thread of `open` only.
        """
        if self._failure is None:
            try:
                write(self.journal)
            except JournalError as error:
                self._failure = error
        if self._failure is not None and threading.get_ident() == self._thread:
            raise self._failure

    def _fail(self, name: str, reason: str) -> None:
        """Report that a file cannot be written, once until it can."""
        with self._lock:
            is_known = name in self._incomplete
            self._incomplete[name] = reason
        if not is_known:
            self.notice(f"{name} is incomplete: {reason}; the run continues")

    def _report_observer(self, error: Exception) -> None:
        self.event("observer", error=f"{type(error).__name__}: {error}")


def _create_journal(folder: RunFolder, events: Sequence[tuple[str, dict[str, Any]]]) -> Journal:
    try:
        return Journal.create(folder.journal, events)
    except JournalError as error:
        raise JournalError(error.message, "free some space, or choose another --out") from None


def _identify(kind: str, detail: Mapping[str, Any]) -> tuple[str, str]:
    """Return what equal events of the start of a run have in common."""
    return kind, str(detail["text"]) if kind == "notice" else ""


def extend_journal(
    folder: RunFolder, log: Callable[[str], None], write: Callable[[Journal], None]
) -> None:
    """Write to the journal of a finished run; report a failure, since the run is complete.

    Args:
        folder: the run folder.
        log: receives a failure as a notice.
        write: writes to the journal.
    """
    try:
        with closing(Journal(folder.journal)) as journal:
            write(journal)
    except EvolveError as error:
        log(f"{folder.journal} is incomplete: {error.message}")
