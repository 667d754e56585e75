"""Streams of updates: one watcher per page, shared by all browsers that show it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass, field

from evolve.dash.cache import PageCache, PageSource

HEARTBEAT_SECONDS = 15.0
RETRY_MILLISECONDS = 3_000
DELIVERY_SECONDS = 2.0  # in which a browser asks for the last update


@dataclass
class Channel:
    """Watched page.

    Attributes:
        cache: the cache of its page.
        source: its source.
        version: version of its last update; empty before the first.
        listeners: number of browsers.
        is_closed: whether the page does not exist any more, or the server ends.
        changed: set at the next change.
        watcher: the task that looks for changes.
    """

    cache: PageCache
    source: PageSource
    version: str = ""
    listeners: int = 0
    is_closed: bool = False
    changed: asyncio.Event = field(default_factory=asyncio.Event)
    watcher: asyncio.Task[None] | None = None

    async def refresh(self) -> None:
        """Build the page if it changed, and wake the listeners."""
        built = await self.cache.get(self.source)
        if built is None:
            self.close()
        elif built.version != self.version:
            self.version = built.version
            self._wake()

    def close(self) -> None:
        """Close the streams of the page."""
        self.is_closed = True
        self._wake()

    def _wake(self) -> None:
        self.changed.set()
        self.changed = asyncio.Event()


class Hub:
    """Watched pages and their listeners.

    Attributes:
        channels: the watched pages by the key of their source; a page without listeners has none.
    """

    def __init__(self, poll_seconds: float = 1.0) -> None:
        """
        Args:
            poll_seconds: pause between two looks for changes of a page.
        """
        self.channels: dict[str, Channel] = {}
        self._poll_seconds = poll_seconds
        self._is_closed = False

    async def stream(
        self, cache: PageCache, source: PageSource, last_version: str
    ) -> AsyncIterator[bytes]:
        """Yield server-sent events: the version of each update, and heartbeats.

        The stream ends when the page does not exist any more.

        Args:
            cache: the cache of the page.
            source: the source of the page.
            last_version: the version that the browser shows; empty if that is unknown.
        """
        channel = self._join(cache, source)
        try:
            yield f"retry: {RETRY_MILLISECONDS}\n\n".encode()
            shown = last_version
            while not channel.is_closed:
                changed = channel.changed
                if channel.version not in ("", shown):
                    shown = channel.version
                    yield f"id: {shown}\ndata: {shown}\n\n".encode()
                    continue
                try:
                    await asyncio.wait_for(changed.wait(), HEARTBEAT_SECONDS)
                except TimeoutError:
                    yield b": \n\n"
        finally:
            self._leave(channel)

    async def finish(self) -> None:
        """Send the last updates, and wait until the browsers have asked for them."""
        if self.channels:
            for channel in list(self.channels.values()):
                with suppress(Exception):
                    await channel.refresh()
            await asyncio.sleep(DELIVERY_SECONDS)

    def close(self) -> None:
        """Close all streams, and accept no further ones."""
        self._is_closed = True
        for channel in self.channels.values():
            channel.close()

    def _join(self, cache: PageCache, source: PageSource) -> Channel:
        channel = self.channels.get(source.key)
        if channel is None or channel.is_closed:
            channel = self.channels[source.key] = Channel(cache, source)
            channel.is_closed = self._is_closed
            channel.watcher = asyncio.create_task(self._watch(channel))
        channel.listeners += 1
        return channel

    def _leave(self, channel: Channel) -> None:
        channel.listeners -= 1
        if channel.listeners == 0:
            channel.close()
            if channel.watcher is not None:
                channel.watcher.cancel()
            if self.channels.get(channel.source.key) is channel:
                del self.channels[channel.source.key]

    async def _watch(self, channel: Channel) -> None:
        while not channel.is_closed:
            with suppress(Exception):  # a build that fails is tried again
                await channel.refresh()
            await asyncio.sleep(self._poll_seconds)
