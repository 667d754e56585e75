"""Calls of a cluster, their attempts on workers, and their errors."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, InvalidStateError
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from evolve.cluster.remote import Answer, Blob
from evolve.errors import EvolveError

Argument = str | bytes | int | Blob


class ClusterError(EvolveError):
    """Call that no worker of a cluster can complete."""


class WorkerError(Exception):
    """Exception of a function on a worker, with its traceback there."""


@dataclass(eq=False)
class Call:
    """Call of a function, and its future result.

    Attributes:
        function: a function of a module.
        args: its arguments.
        evaluations: number of programs that it evaluates.
        label: the worker of the last call of this label is preferred; empty for none.
        future: its result.
        tried: addresses of the workers that it was given to.
    """

    function: Callable[..., Any]
    args: tuple[Argument, ...]
    evaluations: int
    label: str = ""
    future: Future[Any] = field(default_factory=Future)
    tried: list[str] = field(default_factory=list)

    def complete(self, answer: Answer) -> None:
        """Set the result, or the exception, that a worker returned."""
        if not answer.error:
            self.future.set_result(answer.result)
        elif answer.trace:
            self.future.set_exception(WorkerError(f"{answer.message}\n{answer.trace}"))
        else:
            self.future.set_exception(EvolveError(answer.message, answer.hint))

    def fail(self, message: str, hint: str = "") -> None:
        """Set a `ClusterError`, unless the call is complete."""
        with suppress(InvalidStateError):
            self.future.set_exception(ClusterError(message, hint))


@dataclass(eq=False)
class Attempt:
    """Call on one worker.

    Attributes:
        worker: the worker.
        call: the call; None for the check of the worker.
        started: when it was sent, in seconds.
        outcome: what `distributed` reports.
        is_overdue: whether its deadline passed.
    """

    worker: Worker
    call: Call | None
    started: float
    outcome: Future[Any]
    is_overdue: bool = False


@dataclass(eq=False)
class Worker:
    """Worker of a cluster, which runs one call at a time.

    Attributes:
        address: its address.
        is_accepted: whether its environment is equal.
        attempt: what it runs; None if it is free.
        runner: the future of `distributed` for its function that runs calls; None before the first.
        blobs: hashes of the blobs that earlier calls brought.
    """

    address: str
    is_accepted: bool = False
    attempt: Attempt | None = None
    runner: Any = None
    blobs: set[str] = field(default_factory=set)

    @property
    def is_usable(self) -> bool:
        """True if it may get calls once it is free: it is accepted and not overdue."""
        return self.is_accepted and not (self.attempt is not None and self.attempt.is_overdue)

    @property
    def is_free(self) -> bool:
        """True if it may get a call now."""
        return self.is_accepted and self.attempt is None

    def forget(self) -> None:
        """Clear what it is known to have: another worker may have its address."""
        self.runner = None
        self.blobs.clear()
