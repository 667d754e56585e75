"""Headless Chromium of the system, and a page that fails a test on any error or request."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

ARGUMENTS = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
)  # fmt: skip
OpenPage = Callable[..., Page]


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Chromium; `.ci/run` installs it where it is missing."""
    path = shutil.which("chromium") or shutil.which("chromium-browser")
    if path is None:
        pytest.skip("chromium is not installed")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=list(ARGUMENTS))
        yield browser
        browser.close()


@pytest.fixture
def open_page(browser: Browser) -> Iterator[OpenPage]:
    """Open a file or an address; errors in the console and requests elsewhere fail the test."""
    faults: list[str] = []
    contexts: list[Any] = []

    def open_address(address: str | Path, **options: Any) -> Page:
        url = address.resolve().as_uri() if isinstance(address, Path) else address
        context = browser.new_context(**options)
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda each: faults.append(each.text) if each.type == "error" else None)
        page.on("pageerror", lambda error: faults.append(str(error)))
        origin = url.split("/")[2]
        page.on(
            "request",
            lambda each: (
                None
                if each.url.startswith(("data:", "blob:")) or each.url.split("/")[2] == origin
                else faults.append(f"request of {each.url}")
            ),
        )
        page.goto(url)
        return page

    yield open_address
    for each in contexts:
        each.close()
    assert not faults
