"""Pages are built once per change, and seldom while their run goes on."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from dataclasses import dataclass
from typing import Any

import pytest

from evolve.dash.cache import MAX_LOAD, MAX_PAGES, MIN_INTERVAL_SECONDS, BuiltPage, PageCache
from evolve.dash.stamp import Stamp
from evolve.report.page.blocks import Page


class Clock:
    """Clock that a test moves."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


@dataclass
class Source:
    """Source of a page whose build takes some seconds of a clock."""

    clock: Clock
    key: str = "run"
    content: int = 0
    is_live: bool = False
    seconds: float = 0.0
    is_there: bool = True

    def read_stamp(self) -> Stamp | None:
        return Stamp(self.content, self.is_live) if self.is_there else None

    def build(self) -> Page:
        self.clock.now += self.seconds
        return Page(f"{self.key} {self.content}", "")


def run(work: Coroutine[Any, Any, None]) -> None:
    asyncio.run(work)


@pytest.fixture
def clock() -> Clock:
    return Clock()


async def read_title(cache: PageCache, source: Source) -> str:
    built = await cache.get(source)
    assert built is not None
    return built.page.title


def test_an_unchanged_page_is_built_once(clock: Clock) -> None:
    async def check() -> None:
        cache, source = PageCache(clock), Source(clock)
        for _ in range(3):
            assert await read_title(cache, source) == "run 0"
        assert cache.builds == 1
        source.content = 1
        assert await read_title(cache, source) == "run 1"
        assert cache.builds == 2
        cache.close()

    run(check())


def test_requests_at_one_time_share_a_build(clock: Clock) -> None:
    async def check() -> None:
        cache, source = PageCache(clock), Source(clock)
        pages = await asyncio.gather(*[cache.get(source) for _ in range(20)])
        assert cache.builds == 1
        assert len({id(each) for each in pages}) == 1
        cache.close()

    run(check())


def test_a_page_of_a_run_that_goes_on_is_built_seldom(clock: Clock) -> None:
    async def check() -> None:
        cache, source = PageCache(clock), Source(clock, is_live=True, seconds=1.0)
        await cache.get(source)
        clock.now = 100.0
        for source.content in range(1, 1001):
            clock.now += 0.1
            await cache.get(source)
        share = (cache.builds - 1) * source.seconds / (clock.now - 100.0)
        assert 0.8 * MAX_LOAD < share <= MAX_LOAD + 1e-9
        cache.close()

    run(check())


def test_a_quick_build_is_repeated_after_the_interval(clock: Clock) -> None:
    async def check() -> None:
        cache, source = PageCache(clock), Source(clock, is_live=True)
        await cache.get(source)
        source.content, clock.now = 1, MIN_INTERVAL_SECONDS - 0.1
        assert await read_title(cache, source) == "run 0"
        clock.now = MIN_INTERVAL_SECONDS
        assert await read_title(cache, source) == "run 1"
        cache.close()

    run(check())


def test_the_end_of_a_run_is_shown_at_once(clock: Clock) -> None:
    async def check() -> None:
        cache, source = PageCache(clock), Source(clock, is_live=True, seconds=5.0)
        await cache.get(source)
        source.content, source.is_live = 1, False
        assert await read_title(cache, source) == "run 1"
        cache.close()

    run(check())


def test_all_live_runs_share_the_load(clock: Clock) -> None:
    async def check() -> None:
        cache = PageCache(clock)
        sources = [Source(clock, f"run {number}", 0, True, 1.0) for number in range(5)]
        for each in sources:
            await cache.get(each)
        begun = clock.now
        for content in range(1, 401):
            clock.now += 0.25
            for each in sources:
                each.content = content
                await cache.get(each)
        assert (cache.builds - 5) / (clock.now - begun) <= MAX_LOAD + 1e-9
        cache.close()

    run(check())


def test_the_cache_is_bounded_and_drops_the_oldest(clock: Clock) -> None:
    async def check() -> None:
        cache = PageCache(clock)
        sources = [Source(clock, f"run {number}") for number in range(MAX_PAGES + 1)]
        for each in sources:
            await cache.get(each)
        await cache.get(sources[-1])
        assert cache.builds == MAX_PAGES + 1
        await cache.get(sources[0])
        assert cache.builds == MAX_PAGES + 2
        assert len(cache) == MAX_PAGES
        cache.close()

    run(check())


def test_a_page_that_is_gone_is_dropped(clock: Clock) -> None:
    async def check() -> None:
        cache, source = PageCache(clock), Source(clock)
        await cache.get(source)
        source.is_there = False
        assert await cache.get(source) is None
        assert len(cache) == 0
        cache.close()

    run(check())


def test_equal_pages_have_equal_versions(clock: Clock) -> None:
    async def check() -> None:
        cache, source = PageCache(clock), Source(clock)
        pages: list[BuiltPage | None] = []
        for source.content in (0, 1, 0):
            pages.append(await cache.get(source))
        first, second, third = (each.version for each in pages if each is not None)
        assert first == third != second
        cache.close()

    run(check())
