"""Cache of built pages: one build at a time, in a worker thread, and seldom during a run."""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Protocol, TypeVar

from evolve.dash.stamp import Stamp
from evolve.report.html.render import encode_update, render_page
from evolve.report.page.blocks import Page

Value = TypeVar("Value")
MAX_PAGES = 16
MIN_INTERVAL_SECONDS = 2.0  # between two builds of the page of a run that goes on
MAX_LOAD = 0.2  # share of the time that builds for runs that go on may take


class PageSource(Protocol):
    """Source of a page that changes; a worker thread calls its methods, one at a time."""

    @property
    def key(self) -> str:
        """Key of the source."""

    def read_stamp(self) -> Stamp | None:
        """Return the signature of the page by cheap checks; None if it does not exist any more."""

    def build(self) -> Page:
        """Build the page.

        Raises:
            FileNotFoundError: if it does not exist any more.
        """


@dataclass(frozen=True)
class BuiltPage:
    """Page at one moment.

    Attributes:
        stamp: the signature of its source before the build.
        page: the page.
        update: its content as JSON, for a browser that shows an earlier state.
        version: digest of the update.
        built_at: time of the end of the build in seconds.
    """

    stamp: Stamp
    page: Page
    update: bytes
    version: str
    built_at: float


class PageCache:
    """Cache of the last built pages.

    A page is built again after its signature changed. While its run goes on, it may be older: it is
    built at most every `MIN_INTERVAL_SECONDS`, and all such builds take at most `MAX_LOAD` of the
    time, so that they leave the cores to the run.

    Attributes:
        builds: number of builds so far.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """
        Args:
            clock: returns seconds.
        """
        self.builds = 0
        self._clock = clock
        self._pages: OrderedDict[str, BuiltPage] = OrderedDict()
        self._next_live_build = -float("inf")
        self._lock = asyncio.Lock()
        self._worker = ThreadPoolExecutor(1, "evolve-dash")

    def __len__(self) -> int:
        return len(self._pages)

    async def get(self, source: PageSource) -> BuiltPage | None:
        """Return the page of a source, built if it is due; None if it does not exist any more."""
        async with self._lock:
            stamp = await self._run(source.read_stamp)
            known = self._pages.pop(source.key, None)
            if stamp is None:
                return None
            if known is None or (known.stamp != stamp and self._is_due(known, stamp)):
                try:
                    known = await self._run(lambda: self._build(source, stamp))
                except FileNotFoundError:
                    return None
            self._pages[source.key] = known
            while len(self._pages) > MAX_PAGES:
                self._pages.popitem(last=False)
            return known

    async def render(self, built: BuiltPage, stream: str) -> bytes:
        """Render a page as HTML.

        Args:
            built: the page.
            stream: the address below which its updates are.
        """
        return await self._run(lambda: render_page(built.page, stream=stream).encode())

    def close(self) -> None:
        """Drop the builds that have not begun."""
        self._worker.shutdown(wait=False, cancel_futures=True)

    def _is_due(self, known: BuiltPage, stamp: Stamp) -> bool:
        if not stamp.is_live:
            return True
        now = self._clock()
        return now >= max(known.built_at + MIN_INTERVAL_SECONDS, self._next_live_build)

    def _build(self, source: PageSource, stamp: Stamp) -> BuiltPage:
        started = self._clock()
        page = source.build()
        update = encode_update(page).encode()
        ended = self._clock()
        self.builds += 1
        if stamp.is_live:
            self._next_live_build = ended + (ended - started) * (1 / MAX_LOAD - 1)
        version = hashlib.blake2b(update, digest_size=8).hexdigest()
        return BuiltPage(stamp, page, update, version, ended)

    async def _run(self, work: Callable[[], Value]) -> Value:
        return await asyncio.get_running_loop().run_in_executor(self._worker, work)
