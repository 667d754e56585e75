"""Recorder of a run: passes events to its observer, its journal and its folder."""

from __future__ import annotations

import time
from types import TracebackType
from typing import Any

from evolve.experiment.observer import Observer
from evolve.llm.transport.calls import Call
from evolve.llm.transport.exchange import Exchange
from evolve.llm.transport.usage import ArmCost
from evolve.search.progress import Progress
from evolve.store import Journal, RunFolder


class RunRecorder:
    """Recorder of a run; use it as a context manager, which closes the journal.

    Events before `open` are buffered, since the run folder is created after the experiment and its
    data have been checked. After `open`, methods may be called from several threads.
    """

    def __init__(self, observer: Observer) -> None:
        self.observer = observer
        self._events: list[tuple[str, dict[str, Any]]] = []
        self._folder: RunFolder | None = None
        self._journal: Journal | None = None
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
            self._journal.close()

    def open(self, folder: RunFolder) -> None:
        """Create the journal of a run folder and write the buffered events."""
        self._folder, self._journal = folder, Journal(folder.journal)
        for kind, detail in self._events:
            self._journal.event(kind, **detail)
        self._events.clear()

    @property
    def journal(self) -> Journal:
        """Journal of the run; available after `open`."""
        assert self._journal is not None
        return self._journal

    # -- events

    def event(self, kind: str, **detail: Any) -> None:
        """Record an event."""
        if self._journal is None:
            self._events.append((kind, detail))
        else:
            self._journal.event(kind, **detail)

    def notice(self, text: str) -> None:
        """Record a notice and report it to the observer."""
        self.event("notice", text=text)
        self.observer.notice(text)

    def start_search(self) -> None:
        """Start the clock of the search."""
        self._search_started = time.monotonic()

    @property
    def search_seconds(self) -> float:
        """Seconds since the search started."""
        return time.monotonic() - self._search_started

    def progress(self, progress: Progress) -> None:
        """Record an epoch with its trials, and report it to the observer."""
        best = progress.best.score if progress.best else None
        self.journal.epoch(progress.epoch, progress.trials, evaluated=progress.evaluated, best=best)
        self.observer.progress(progress, self.search_seconds)

    # -- calls to models

    def record_call(self, call: Call) -> None:
        """Record the start of a call."""
        self.journal.calls.record_call(call)

    def record_response(self, number: int, exchanges: tuple[Exchange, ...]) -> None:
        """Record the response of a call."""
        self.journal.calls.record_response(number, exchanges)

    def record_collected(self, number: int, epoch: int) -> None:
        """Record the epoch in which the response of a call was collected."""
        self.journal.calls.record_collected(number, epoch)

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
        self.journal.calls.record_proposal(call, text, digest, status, reason)

    def record_learnings(self, text: str) -> None:
        """Write the learnings to the run folder."""
        assert self._folder is not None
        self._folder.write_text("learnings.md", f"# Learnings\n\n{text}\n")
