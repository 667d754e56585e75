"""Sender of calls to single workers, through the executor of a client."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from time import monotonic
from typing import TYPE_CHECKING, Any

from evolve.cluster.calls import Attempt, Call, Worker
from evolve.cluster.environment import describe_environment
from evolve.cluster.remote import Blob, run_call
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
        self._executor = client.get_executor(pure=False)
        self._report = report

    def send(self, worker: Worker, call: Call | None) -> None:
        """Send a call to a free worker; None to have it describe its environment."""
        attempt = Attempt(worker, call, monotonic(), self._start(worker.address, call))
        worker.attempt = attempt
        if call is not None:
            call.tried.append(worker.address)
        attempt.outcome.add_done_callback(lambda _: self._report(attempt))

    def close(self) -> None:
        """Cancel all calls."""
        self._executor.shutdown(wait=False)

    def _start(self, address: str, call: Call | None) -> Future[Any]:
        place = {"workers": [address], "allow_other_workers": False}
        outcome: Future[Any]
        try:
            if call is None:
                outcome = self._executor.submit(describe_environment, **place)
                return outcome
            hashes = [each.hash if isinstance(each, Blob) else "" for each in call.args]
            args = [self.blobs.get(each) if isinstance(each, Blob) else each for each in call.args]
            outcome = self._executor.submit(run_call, call.function, hashes, *args, **place)
        except (OSError, RuntimeError, ValueError) as error:  # the connection is lost
            outcome = Future()
            outcome.set_exception(error)
        return outcome
