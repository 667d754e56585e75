"""Sender of calls to single workers, through the executor of a client.

Neither the scheduler nor a worker unpickles a reference to the tool, which would end a worker that
lacks it. A worker finds the functions by their names.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from pkgutil import resolve_name
from time import monotonic
from typing import TYPE_CHECKING, Any

from evolve.cluster.calls import Attempt, Call, Worker
from evolve.cluster.environment import describe_environment
from evolve.cluster.remote import Blob, name_function, run_call
from evolve.cluster.shared_blobs import SharedBlobs

if TYPE_CHECKING:
    from distributed import Client


class Sender:
    """Sender of calls.

    Attributes:
        blobs: the blobs that the calls refer to.
    """

    def __init__(self, client: Client, report: Callable[[Attempt], None]) -> None:
        """Create a sender.

        Args:
            client: the connection.
            report: receives each attempt that ended, in another thread.
        """
        self.blobs = SharedBlobs(client)
        self._client, self._executor = client, client.get_executor(pure=False)
        self._report = report

    def check(self, worker: Worker) -> None:
        """Ask a worker for its environment."""

        def start() -> Future[Any]:
            from dask.utils import apply

            find = self._find(describe_environment, worker)
            outcome: Future[Any] = self._executor.submit(apply, find, [], **_pin(worker))
            return outcome

        self._begin(worker, None, start)

    def send(self, worker: Worker, call: Call, are_usable: bool) -> None:
        """Send a call to a free worker, with the blobs that it lacks.

        Args:
            worker: the worker.
            call: the call.
            are_usable: whether all workers are, so that any of them can send its copy of a blob.
        """

        def start() -> Future[Any]:
            if worker.runner is None:
                worker.runner = self._find(run_call, worker)
            blobs = [each for each in call.args if isinstance(each, Blob)]
            lacking = {each.hash for each in blobs} - worker.blobs
            sent = {
                each.hash: self.blobs.find(each, worker.address, are_usable)
                for each in blobs
                if each.hash in lacking
            }
            hashes = [each.hash if isinstance(each, Blob) else "" for each in call.args]
            args = [sent.get(each.hash) if isinstance(each, Blob) else each for each in call.args]
            worker.blobs |= lacking
            name = name_function(call.function)
            outcome: Future[Any] = self._executor.submit(
                operator.call, worker.runner, name, hashes, *args, **_pin(worker)
            )
            return outcome

        call.tried.append(worker.address)
        self._begin(worker, call, start)

    def close(self) -> None:
        """Stop all calls; a client that gave up its scheduler has none."""
        with suppress(Exception):  # of `distributed`, which has several for a lost connection
            self._executor.shutdown(wait=False)

    def _begin(self, worker: Worker, call: Call | None, start: Callable[[], Future[Any]]) -> None:
        """Begin an attempt, which fails if the worker or the connection is lost."""
        try:
            outcome = start()
        except Exception as error:  # of any module of the scheduler, which reports its own
            outcome = Future()
            outcome.set_exception(error)
        attempt = Attempt(worker, call, monotonic(), outcome)
        worker.attempt = attempt
        outcome.add_done_callback(lambda _: self._report(attempt))

    def _find(self, function: Callable[..., Any], worker: Worker) -> Any:
        """Return the future function of a worker."""
        name = name_function(function)
        return self._client.submit(resolve_name, name, pure=False, **_pin(worker))


def _pin(worker: Worker) -> dict[str, Any]:
    return {"workers": [worker.address], "allow_other_workers": False}
