"""Layout of a page in a browser: lazy charts, small charts, tables, zoom and paper."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Page

from evolve.report.html.render import render_page
from evolve.report.page.blocks import Column, Section, Table
from evolve.report.page.blocks import Page as ReportPage
from evolve.report.page.charts import Axis, Chart, Region, Trace
from tests.browser.actions import DESKTOP, PHONE, drag_across, wait_for_charts
from tests.browser.conftest import OpenPage

pytestmark = pytest.mark.browser

ROWS = 40
DAYS = tuple(f"2020-01-{day:02}" for day in range(1, 32))
PRICES = tuple(100.0 + (900.0 if day == 1 else day % 5) for day in range(1, 32))
WORDS = ("executable", "bars held in each fold, as required", "5.0%", "at least", "finished")
DRAWN = "all => all.filter(each => each.querySelector('.main-svg')).map(each => each.id)"
BROKEN = """cells => cells.filter((cell) => {
  const inner = cell.querySelector("button, code") || cell;
  const texts = [...inner.childNodes].filter((each) => each.nodeType === 3);
  const words = (node) => [...node.textContent.matchAll(/[\\w%]+/g)];
  return texts.some((node) => words(node).some(({ 0: word, index }) => {
    const range = document.createRange();
    range.setStart(node, index);
    range.setEnd(node, index + word.length);
    return range.getClientRects().length > 1;
  }));
}).map((cell) => cell.textContent)"""


def make_page() -> ReportPage:
    """Make a page with charts far below the window, and tables of many and of wide rows."""
    small = tuple(
        Chart(f"small-{number}", "Small", "About.", Axis("x"), Axis("y"),
              (Trace("t", (1, 2), (1, 2)),), is_small=True)
        for number in range(3)
    )  # fmt: skip
    price = Chart(
        "price", "Price", "About.", Axis("time", "time", "time"), Axis("price", "log", "price"),
        (Trace("close", DAYS, PRICES),),
        regions=(Region("train", DAYS[0], DAYS[27], "train"),
                 Region("validation", DAYS[27], DAYS[-1], "validation")),
    )  # fmt: skip
    columns = (*[Column(each) for each in ("gate", "figure", "value", "needed", "state")],
               Column("rules", "code"))  # fmt: skip
    rule = "buy when crossover(ema(close, 12), ema(close, 26)) sell when rsi(close, 3) > 70"
    tables = (
        Table("short", "Short", columns[::-1], ((rule, *WORDS),) * ROWS),
        Table("long", "Long", columns, ((*WORDS, rule),) * ROWS, is_long=True),
    )
    last = Chart("last", "Last", "About.", Axis("x"), Axis("y"), (Trace("t", (1, 2), (1, 2)),))
    return ReportPage(
        "Layout", "of a page", "",
        (Section("top", "Top", (price, *small)), Section("tables", "Tables", (*tables, last))),
    )  # fmt: skip


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("layout") / "page.html"
    path.write_text(render_page(make_page()), "utf-8")
    return path


@pytest.fixture(scope="module")
def page(open_shared_page: OpenPage, path: Path) -> Page:
    page = open_shared_page(path, viewport=DESKTOP)
    page.wait_for_selector("html[data-ready]")
    return page


def test_charts_are_drawn_when_the_reader_comes_near(page: Page) -> None:
    drawn = page.locator(".chart").evaluate_all(DRAWN)
    assert "price" in drawn and "last" not in drawn
    legend = page.locator('[data-block="last"] .key button')
    assert legend.count() == 1, "the legend has its place before the picture comes"
    height = page.evaluate("document.documentElement.scrollHeight")
    wait_for_charts(page)
    assert "last" in page.locator(".chart").evaluate_all(DRAWN)
    assert page.evaluate("document.documentElement.scrollHeight") == height


def test_small_charts_share_a_row(page: Page) -> None:
    boxes = [page.locator(f"#small-{number}").bounding_box() for number in range(3)]
    tops = {each["y"] for each in boxes if each}
    lefts = {each["x"] for each in boxes if each}
    assert len(tops) == 1 and len(lefts) == 3


def test_only_a_long_table_scrolls_in_its_box(page: Page) -> None:
    heights = "each => [each.scrollHeight, each.clientHeight]"
    whole, box = page.locator('[data-block="short"] .scroll').evaluate(heights)
    assert whole == box
    whole, box = page.locator('[data-block="long"] .scroll').evaluate(heights)
    assert whole > box


def test_a_zoom_in_time_fits_the_values(page: Page) -> None:
    wait_for_charts(page)
    before = page.evaluate("document.getElementById('price').layout.yaxis.range")
    drag_across(page, "price")
    page.wait_for_function(
        "high => document.getElementById('price').layout.yaxis.range[1] < high", arg=before[1]
    )
    low, high = page.evaluate("document.getElementById('price').layout.yaxis.range")
    assert 1.99 < low < 2.0 < high < 2.03  # logarithms of 100 to 104
    page.evaluate("redrawCharts()")
    wait_for_charts(page)
    assert page.evaluate("document.getElementById('price').layout.yaxis.range") == [low, high]


@pytest.mark.parametrize("viewport", [DESKTOP, {"width": 820, "height": 900}, PHONE])
def test_no_cell_breaks_inside_a_word(
    open_page: OpenPage, path: Path, viewport: dict[str, int]
) -> None:
    page = open_page(path, viewport=viewport)
    page.wait_for_selector("html[data-ready]")
    cells = page.locator("td, th")
    assert cells.count() > 5 * ROWS
    assert cells.evaluate_all(BROKEN) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= viewport["width"]


def test_a_narrow_chart_names_its_regions_in_the_legend(open_page: OpenPage, path: Path) -> None:
    wide = wait_for_charts(open_page(path, viewport=DESKTOP))
    assert wide.locator("#price .shape-label").count() == 2
    narrow = wait_for_charts(open_page(path, viewport=PHONE))
    assert narrow.locator("#price .shape-label").count() == 0
    names = narrow.locator('[data-block="price"] .region').all_text_contents()
    assert names == ["train", "validation"]


def test_paper_has_all_charts_and_rows_although_the_reader_never_came_to_them(
    open_page: OpenPage, path: Path
) -> None:
    page = open_page(path, viewport=DESKTOP)
    page.wait_for_selector("html[data-ready]")
    assert "last" not in page.locator(".chart").evaluate_all(DRAWN)
    page.emulate_media(media="print")
    page.locator("#last .main-svg").first.wait_for()
    boxes = page.locator(".block > .scroll").evaluate_all(
        "all => all.map(each => each.scrollHeight - each.clientHeight)"
    )
    assert boxes == [0, 0]
