"""The thread on which models are asked while the search goes on."""

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
    """An event loop on a thread of its own, where so many requests are under way at once.

    Close it, as with `contextlib.closing`.
    """

    def __init__(self, concurrency: int) -> None:
        """
        Args:
            concurrency: how many pieces of work go on at a time.
        """
        self._loop = asyncio.new_event_loop()
        self._places = asyncio.Semaphore(concurrency)
        self._closed_with: list[Work[None]] = []
        self._thread = threading.Thread(target=self._loop.run_forever, name="models", daemon=True)
        self._thread.start()

    def submit(self, work: Work[Result]) -> Future[Result]:
        """Do some work as soon as there is a place; comes back at once."""
        return asyncio.run_coroutine_threadsafe(self._run_limited(work), self._loop)

    def call_soon(self, function: Callable[[], None]) -> None:
        """Call something on the thread, between pieces of work."""
        self._loop.call_soon_threadsafe(function)

    def close_later(self, closing: Work[None]) -> None:
        """Close something with the desk, once nothing is under way."""
        self._closed_with.append(closing)

    def close(self) -> None:
        """Give up what is under way, and let go of what was opened for it."""
        putting_away = asyncio.run_coroutine_threadsafe(self._shut_down(), self._loop)
        with suppress(TimeoutError):  # a server that does not let go is left to the daemon thread
            putting_away.result(CLOSING_SECONDS)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(CLOSING_SECONDS)
        if not self._thread.is_alive():
            self._loop.close()

    async def _run_limited(self, work: Work[Result]) -> Result:
        async with self._places:
            return await work()

    async def _shut_down(self) -> None:
        own = asyncio.current_task()
        others = [task for task in asyncio.all_tasks() if task is not own]
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)
        for closing in self._closed_with:
            await closing()
