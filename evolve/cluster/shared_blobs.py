"""Blobs of a run in the memory of the workers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from evolve.cluster.remote import Blob

if TYPE_CHECKING:
    from distributed import Client, Future

LOST = ("lost", "cancelled", "error")


class SharedBlobs:
    """Blobs that were scattered, by hash, with the futures that hold them."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._futures: dict[str, Future[Any]] = {}
        self._scattered = 0

    def scatter(self, blob: Blob, workers: Sequence[str]) -> None:
        """Send a blob to workers; one that joins later fetches it from them."""
        self._scattered += 1  # a key that was lost is not used again
        name = f"evolve-{blob.hash}-{self._scattered}"
        sent = self._client.scatter({name: blob.content}, workers=list(workers), broadcast=True)
        self._futures[blob.hash] = sent[name]

    def find(self, blob: Blob, worker: str, are_usable: bool) -> Future[Any]:
        """Return the future that holds a blob, for a worker that lacks it.

        Args:
            blob: the blob.
            worker: address of the worker.
            are_usable: whether all workers are, so that any of them can send its copy.
        """
        future = self._futures.get(blob.hash)
        if future is None or future.status in LOST or not are_usable:
            self.scatter(blob, [worker])
        return self._futures[blob.hash]
