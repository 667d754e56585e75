"""Page that grows: what changed is replaced, and what the reader set up remains."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Literal

import pytest

from evolve.report.html.render import encode_update, render_page
from evolve.report.page.blocks import Page
from tests.browser.actions import (
    DESKTOP,
    drag_across,
    read_range,
    show_update,
    wait_for_charts,
)  # fmt: skip
from tests.browser.conftest import OpenPage
from tests.report.html.sample_page import TRADES, make_page

pytestmark = pytest.mark.browser

UPDATES = 6


class Server:
    """Loopback server of a page that grows.

    Attributes:
        page: the page that it serves now.
        url: its address.
    """

    def __init__(self) -> None:
        self.page = make_growing(0)
        self.is_open = True
        self._changed = threading.Condition()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._build_handler())
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}/"
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def show(self, page: Page) -> None:
        """Serve a page, and send an event."""
        with self._changed:
            self.page = page
            self._changed.notify_all()

    def set_open(self, is_open: bool) -> None:
        """End all streams and refuse new ones, or accept them again."""
        with self._changed:
            self.is_open = is_open
            self._changed.notify_all()

    def close(self) -> None:
        self.set_open(False)
        self._server.shutdown()
        self._server.server_close()

    def _build_handler(self) -> type[BaseHTTPRequestHandler]:
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                if self.path == "/run/events":
                    self._stream()
                elif self.path == "/run/page.json":
                    self._send(encode_update(server.page), "application/json")
                else:
                    self._send(render_page(server.page, "/run"), "text/html; charset=utf-8")

            def _send(self, text: str, kind: str) -> None:
                self.send_response(200)
                self.send_header("content-type", kind)
                self.send_header("content-length", str(len(text.encode())))
                self.end_headers()
                self.wfile.write(text.encode())

            def _stream(self) -> None:
                self.send_response(200)
                self.send_header("content-type", "text/event-stream")
                self.end_headers()
                while server.is_open:
                    self.wfile.write(b"data: changed\n\n")
                    self.wfile.flush()
                    with server._changed:
                        server._changed.wait(5)

            def log_message(self, format: str, *args: object) -> None:
                """Log nothing."""

        return Handler


@pytest.fixture
def server() -> Iterator[Server]:
    server = Server()
    yield server
    server.close()


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("page") / "page.html"
    path.write_text(render_page(make_page("m")), "utf-8")
    return path


def make_growing(step: int, state: Literal["running", "finished"] = "running") -> Page:
    """Make a page whose last section has more trades at each step."""
    return replace(make_page("m", TRADES + step), state=state, subtitle=f"step {step}")


def test_an_update_leaves_what_the_reader_set_up(open_page: OpenPage, server: Server) -> None:
    page = wait_for_charts(open_page(server.url, viewport={"width": 1000, "height": 700}))
    page.wait_for_selector("#connection", state="hidden")
    trades = page.locator('[data-block="trades"]')
    trades.locator("th button").nth(2).click()
    trades.locator(".filter").fill("S1")
    page.locator("#lineage-s3 summary").click()
    trades.locator(".filter").focus()
    box = trades.locator(":scope > .scroll")
    box.evaluate("each => { each.scrollTop = 40; }")
    page.evaluate("document.getElementById('charts').kept = true")
    top = trades.bounding_box()
    server.show(make_growing(9))
    page.wait_for_function("() => document.getElementById('subtitle').textContent === 'step 9'")
    assert page.evaluate("document.getElementById('charts').kept"), "an equal section is untouched"
    shown = trades.locator("tbody td:nth-child(1)").all_text_contents()
    assert len(shown) > 19 and set(shown) == {"S1"}
    assert trades.locator("th").nth(2).get_attribute("aria-sort") == "ascending"
    assert page.evaluate("document.activeElement.matches('.filter')")
    assert (
        page.evaluate("document.querySelector('[data-block=\"trades\"] .scroll').scrollTop") == 40
    )
    assert page.locator("#lineage-s3 details").get_attribute("open") is not None
    assert page.locator("#lineage-s4 details").get_attribute("open") is None
    assert trades.bounding_box() == top


def test_an_update_leaves_the_zoom_of_a_chart(open_page: OpenPage, path: Path) -> None:
    page = wait_for_charts(open_page(path, viewport=DESKTOP))
    whole = read_range(page, "nulls")
    drag_across(page, "nulls")
    zoomed = read_range(page, "nulls")
    assert zoomed != whole
    show_update(page, make_page("n"))
    assert read_range(page, "nulls") == zoomed
    assert "band n" in (page.locator('[data-block="nulls"] .key').text_content() or "")


def test_sections_come_and_go(open_page: OpenPage, path: Path) -> None:
    page = wait_for_charts(open_page(path, viewport=DESKTOP))
    full = make_page("m")
    show_update(page, replace(full, sections=full.sections[2:]))
    assert page.locator("main > section").count() == 1
    assert page.locator(".chart").count() == 0
    show_update(page, replace(full, state="stopped"))
    names = page.locator("main > section").evaluate_all("all => all.map(each => each.id)")
    assert names == [each.name for each in full.sections]
    assert page.locator("#toc a").all_text_contents() == [each.title for each in full.sections]
    assert page.locator(".chart .main-svg").count() >= 5
    assert page.locator("#state").text_content() == "stopped"


def test_many_updates_leave_no_elements_behind(open_page: OpenPage, path: Path) -> None:
    page = wait_for_charts(open_page(path, viewport=DESKTOP))
    full = make_page("m")
    without = replace(full, sections=full.sections[:1])

    def count() -> tuple[int, int]:
        return (
            page.evaluate("document.querySelectorAll('*').length"),
            page.evaluate("[hiddenTraces, tableStates, blocks].reduce((n, e) => n + e.size, 0)"),
        )

    show_update(page, without)
    show_update(page, full)
    first = count()
    for _ in range(UPDATES):
        show_update(page, without)
        show_update(page, full)
    assert count() == first


def test_a_lost_stream_is_shown_and_found_again(open_page: OpenPage, server: Server) -> None:
    page = wait_for_charts(open_page(server.url))
    page.wait_for_selector("#connection", state="hidden")
    server.set_open(False)
    page.wait_for_selector("#connection", state="visible")
    server.page = make_growing(3, "finished")
    server.set_open(True)
    page.wait_for_selector("#connection", state="hidden")
    page.wait_for_function("() => document.getElementById('state').textContent === 'finished'")
    assert page.locator("#subtitle").text_content() == "step 3"
