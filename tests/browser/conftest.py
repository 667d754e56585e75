"""Headless Chromium of the system, and a page that fails a test on any error or request."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Dialog, Page, sync_playwright

from tests.browser.runs import make_hostile_run

ARGUMENTS = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
)  # fmt: skip
MAX_MS = 60_000  # of a step on a busy machine
OpenPage = Callable[..., Page]


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Chromium; `.ci/run` installs it where it is missing."""
    path = shutil.which("chromium") or shutil.which("chromium-browser")
    if path is None and os.environ.get("CI"):
        pytest.fail("chromium is not installed: apt-get install chromium")
    if path is None:
        pytest.skip("chromium is not installed")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=list(ARGUMENTS))
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def hostile_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of a finished run with markup in its texts from outside, and with its report."""
    return make_hostile_run(tmp_path_factory.mktemp("hostile"))


@pytest.fixture
def open_page(browser: Browser) -> Iterator[OpenPage]:
    """Open a file or an address; errors in the console and requests elsewhere fail the test."""
    with watch_pages(browser) as open_address:
        yield open_address


@pytest.fixture(scope="module")
def open_shared_page(browser: Browser) -> Iterator[OpenPage]:
    """Open a page that the tests of a module share; any error fails the last of them."""
    with watch_pages(browser) as open_address:
        yield open_address


@contextmanager
def watch_pages(browser: Browser) -> Iterator[OpenPage]:
    """Yield a function that opens pages; fail if one has an error or makes a request elsewhere."""
    faults: list[str] = []
    contexts: list[Any] = []

    def refuse_dialog(dialog: Dialog) -> None:
        faults.append(f"dialog {dialog.message}")
        dialog.dismiss()

    def open_address(address: str | Path, **options: Any) -> Page:
        url = address.resolve().as_uri() if isinstance(address, Path) else address
        context = browser.new_context(**{"reduced_motion": "reduce", **options})
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(MAX_MS)
        page.on("console", lambda each: faults.append(each.text) if each.type == "error" else None)
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.on("dialog", refuse_dialog)
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
