"""Cluster: pure functions on workers of equal environments, with one result for any death."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from contextlib import ExitStack
from typing import Any

from evolve.cluster.calls import Argument, Call
from evolve.cluster.connection import connect
from evolve.cluster.dispatcher import Dispatcher
from evolve.cluster.remote import Blob, name_function
from evolve.notices import NoticeLog


class Cluster:
    """Workers of a scheduler; use it as a context manager.

    A worker runs one call at a time, in its own process, and a call goes to whichever is free. A
    call whose worker dies, or that takes far longer than others, runs again on another worker; the
    first result counts. Workers that join later are used, too. A worker of another environment is
    refused by name.
    """

    def __init__(self, address: str, log: NoticeLog) -> None:
        """Describe a cluster; entering it connects.

        Args:
            address: `tcp://HOST:PORT`, `tls://HOST:PORT`, or the path of a scheduler file.
            log: receives notices of refused and lost workers.
        """
        self.address, self._log = address, log
        self._stack = ExitStack()
        self._dispatcher: Dispatcher | None = None
        self._blobs: dict[str, Blob] = {}

    def __enter__(self) -> Cluster:
        """Connect, and wait for the first worker that may be used.

        Raises:
            EvolveError: if `distributed` is not installed, no scheduler answers, or there is no
                worker of an equal environment.
        """
        with ExitStack() as stack:
            client = stack.enter_context(connect(self.address))
            dispatcher = Dispatcher(client, self.address, self._log)
            stack.callback(dispatcher.close)
            dispatcher.start()
            self._stack = stack.pop_all()
        self._dispatcher = dispatcher
        return self

    def __exit__(self, *_: object) -> None:
        self._dispatcher = None
        self._stack.close()

    @property
    def workers(self) -> tuple[str, ...]:
        """Addresses of the workers that may be used now; each runs one call at a time."""
        return self._connected.workers

    def share(self, content: bytes) -> Blob:
        """Send bytes to all workers, once; return a blob to pass to `submit`."""
        blob = Blob.of(content)
        if blob.hash not in self._blobs:
            self._blobs[blob.hash] = blob
            self._connected.scatter(blob)
        return self._blobs[blob.hash]

    def submit(
        self,
        function: Callable[..., Any],
        *args: Argument,
        evaluations: int,
        label: str = "",
    ) -> Future[Any]:
        """Run a pure function on a worker.

        Args:
            function: a function of a module that workers can import. Its result is plain data.
            args: plain arguments; a worker receives an equal `Blob` for a blob.
            evaluations: number of programs that it evaluates, which sets its deadline.
            label: the worker of the last call of this label is preferred; empty for none.

        Returns:
            The future result. It raises an EvolveError of the function; a `WorkerError` for its
            other exceptions; a `ClusterError` if no worker can complete the call.

        Raises:
            TypeError: for a function or an argument that cannot travel.
        """
        name_function(function)
        for each in args:
            if not isinstance(each, str | bytes | int | Blob):
                raise TypeError(f"expected text, bytes, int or Blob, found {type(each).__name__}")
        call = Call(function, args, evaluations, label)
        self._connected.submit(call)
        return call.future

    @property
    def _connected(self) -> Dispatcher:
        assert self._dispatcher is not None, "use the cluster as a context manager"
        return self._dispatcher
