"""What a reader does with a page."""

from __future__ import annotations

from playwright.sync_api import Page

from evolve.report.html.render import encode_update
from evolve.report.page.blocks import Page as ReportPage

DESKTOP = {"width": 1280, "height": 900}
PHONE = {"width": 390, "height": 844}


def wait_for_charts(page: Page) -> Page:
    """Scroll to each chart and wait until it is drawn; return to where the page was."""
    page.wait_for_selector("html[data-ready]")
    before = page.evaluate("scrollY")
    for chart in page.locator(".chart").all():
        chart.evaluate("each => each.scrollIntoView({ block: 'center', behavior: 'instant' })")
        chart.locator(".main-svg").first.wait_for()
        page.wait_for_selector("html[data-ready]")
    page.evaluate("top => scrollTo({ top, behavior: 'instant' })", before)
    page.wait_for_selector("html[data-ready]")
    return page


def point_at(page: Page, chart: str, part: str = ".nsewdrag") -> None:
    """Move the pointer to the middle of a part of a chart; wait for its hover text."""
    x, y, width, height = find_box(page, chart, part)
    page.mouse.move(0, 0)
    page.mouse.move(x + width / 2, y + height / 2, steps=3)
    page.wait_for_function(
        "name => document.querySelector(`#${name} .hoverlayer`).textContent", arg=chart
    )


def drag_across(page: Page, chart: str) -> None:
    """Drag the pointer across the middle of a chart."""
    x, y, width, height = find_box(page, chart)
    page.mouse.move(x + width * 0.3, y + height / 2)
    page.mouse.down()
    page.mouse.move(x + width * 0.6, y + height / 2, steps=4)
    page.mouse.up()


def read_range(page: Page, chart: str) -> tuple[object, object]:
    """Read the limits of the horizontal axis of a chart."""
    low, high = page.evaluate("name => document.getElementById(name).layout.xaxis.range", chart)
    return low, high


def find_box(page: Page, chart: str, part: str = ".nsewdrag") -> tuple[float, float, float, float]:
    """Scroll to a part of a chart; return its left, top, width and height in the window."""
    area = page.locator(f"#{chart} {part}").first
    area.scroll_into_view_if_needed()
    box = area.bounding_box()
    assert box is not None
    return box["x"], box["y"], box["width"], box["height"]


def show_update(page: Page, shown: ReportPage) -> None:
    """Give an open page its next state, as the live view does."""
    page.evaluate("text => update(JSON.parse(text))", encode_update(shown))
    wait_for_charts(page)
