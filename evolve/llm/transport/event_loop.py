"""The thread that runs model calls while the search continues."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from contextlib import suppress
from typing import Any, TypeVar

Result = TypeVar("Result")
Work = Callable[[], Coroutine[Any, Any, Result]]
CLOSING_SECONDS = 5.0


class LoopThread:
    """An event loop on a dedicated thread, with a limit on concurrent work.

    Close it after use, for example with `contextlib.closing`.
    """

    def __init__(self, concurrency: int) -> None:
        """
        Args:
            concurrency: the maximum number of coroutines of `submit` that run at a time.
        """
        self._loop = asyncio.new_event_loop()
        self._slots = asyncio.Semaphore(concurrency)
        self._closers: list[Work[None]] = []
        self._thread = threading.Thread(target=self._loop.run_forever, name="models", daemon=True)
        self._thread.start()

    def submit(self, work: Work[Result]) -> Future[Result]:
        """Submit work for the next free slot; return its future at once."""
        return asyncio.run_coroutine_threadsafe(self._run_limited(work), self._loop)

    def call_soon(self, function: Callable[[], None]) -> None:
        """Call a function on the thread of the loop; an error of it is ignored."""
        self._loop.call_soon_threadsafe(_call_quietly, function)

    def close_later(self, closer: Work[None]) -> None:
        """Register a coroutine that runs when the loop closes."""
        self._closers.append(closer)

    def close(self) -> None:
        """Stop the work in flight, run the registered closers and stop the thread."""
        shutdown = asyncio.run_coroutine_threadsafe(self._shut_down(), self._loop)
        with suppress(TimeoutError):  # a connection that hangs is left to the daemon thread
            shutdown.result(CLOSING_SECONDS)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(CLOSING_SECONDS)
        if not self._thread.is_alive():
            self._loop.close()

    async def _run_limited(self, work: Work[Result]) -> Result:
        async with self._slots:
            return await work()

    async def _shut_down(self) -> None:
        current = asyncio.current_task()
        others = [task for task in asyncio.all_tasks() if task is not current]
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)
        # A connection that fails to close must not hide the result of the run.
        await asyncio.gather(*[closer() for closer in self._closers], return_exceptions=True)


def _call_quietly(function: Callable[[], None]) -> None:
    # The loop would print a traceback over the progress of the run.
    with suppress(Exception):
        function()
