"""Page with every kind of block in a browser: charts, tables, themes and the keyboard."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest
from playwright.sync_api import Page

from evolve.report.html.palette import list_variables
from evolve.report.html.render import render_page
from tests.browser.actions import (
    DESKTOP,
    PHONE,
    drag_across,
    find_box,
    point_at,
    read_range,
    wait_for_charts,
)  # fmt: skip
from tests.browser.conftest import OpenPage
from tests.report.html.colors import blend, contrast
from tests.report.html.sample_page import MARKUP, TRADES, make_page

pytestmark = pytest.mark.browser

MIN_TEXT_CONTRAST = 4.5  # WCAG 2.2, success criterion 1.4.3

TRADES_BLOCK = '[data-block="trades"]'
PLACES = """() => ["a", "th button", "summary", ".scroll", ".csv", ".filter", ".key button"]
  .filter((each) => document.activeElement.matches(each))"""
TEXTS = """all => {
  const paint = (each) => {
    for (let at = each; at; at = at.parentElement) {
      const color = getComputedStyle(at).backgroundColor;
      if (!/, 0\\)$|transparent/.test(color)) return color;
    }
  };
  return all.filter((each) => each.checkVisibility() && each.textContent.trim())
    .map((each) => [each.textContent.trim(), getComputedStyle(each).color, paint(each)]);
}"""


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("page") / "page.html"
    path.write_text(render_page(make_page()), "utf-8")
    return path


@pytest.fixture(scope="module")
def page(open_shared_page: OpenPage, path: Path) -> Page:
    return wait_for_charts(open_shared_page(path, viewport=DESKTOP))


def test_a_pointer_over_a_chart_shows_the_values(page: Page) -> None:
    point_at(page, "equity")
    assert page.locator("#equity .hoverlayer").text_content()


def test_texts_of_charts_are_texts(page: Page) -> None:
    point_at(page, "points", ".points path")
    assert MARKUP.split("\u2028")[0] in (page.locator("#points .hoverlayer").text_content() or "")
    assert "<script>" in (page.locator("#operators .xaxislayer-above").text_content() or "")
    assert page.locator(".chart a[*|href*='a.example'], .chart b").count() == 0
    legend = page.locator(".key", has_text="<script>alert(1)</script>")
    assert legend.count() >= 2


def test_dragging_zooms_and_a_double_click_resets(page: Page) -> None:
    before = read_range(page, "equity")
    drag_across(page, "equity")
    low, high = read_range(page, "equity")
    assert str(before[0]) < str(low) < str(high) < str(before[1])
    x, y, width, height = find_box(page, "equity")
    page.mouse.dblclick(x + width / 2, y + height / 2)
    page.wait_for_function(
        "range => document.getElementById('equity').layout.xaxis.range[0] === range[0]",
        arg=before,
    )


def test_a_legend_hides_and_shows_a_trace(page: Page) -> None:
    button = page.locator('[data-block="equity"] .key button', has_text="buy and hold")
    lines = page.locator("#equity .scatterlayer .trace")
    shown = lines.count()
    button.focus()
    page.keyboard.press("Enter")
    assert button.get_attribute("aria-pressed") == "false"
    assert lines.count() == shown - 1
    page.keyboard.press("Enter")
    assert button.get_attribute("aria-pressed") == "true"
    assert lines.count() == shown


def test_a_click_on_a_heading_sorts(page: Page) -> None:
    heading = page.locator(f"{TRADES_BLOCK} th", has_text="return")
    for order, is_reversed in (("ascending", False), ("descending", True)):
        heading.locator("button").click()
        assert heading.get_attribute("aria-sort") == order
        shown = [float(each.rstrip("%")) for each in read_column(page, 2)]
        assert shown == sorted(shown, reverse=is_reversed)
    profit = page.locator(f"{TRADES_BLOCK} th", has_text="profit")
    profit.locator("button").click()
    profit.locator("button").click()
    assert read_column(page, 3)[-1] == "–"  # no value comes last in either direction


def test_a_filter_shows_the_rows_that_contain_it(page: Page) -> None:
    field = page.locator(f"{TRADES_BLOCK} .filter")
    field.fill("S1")
    assert set(read_column(page, 0)) == {"S1"}
    assert page.locator(f"{TRADES_BLOCK} .shown").text_content() == f"19 of {TRADES} rows"
    field.fill("<script>")
    assert len(read_column(page, 0)) == 1
    field.fill("")
    assert len(read_column(page, 0)) == TRADES


def test_a_download_has_the_values_and_no_formula(page: Page) -> None:
    with page.expect_download() as download:
        page.locator(f"{TRADES_BLOCK} .csv").click()
    assert download.value.suggested_filename == "trades.csv"
    text = download.value.path().read_text("utf-8-sig")
    rows = [*csv.reader(io.StringIO(text, newline=""))]
    assert rows[0] == ["symbol", "entry", "return", "profit", "rule"]
    assert len(rows) == TRADES + 1
    assert rows[8][0] == MARKUP
    assert rows[4][3] == ""
    assert rows[6][4] == "'=1+1"


def test_the_keyboard_reaches_headings_steps_and_tools(page: Page) -> None:
    page.locator("body").click(position={"x": 1, "y": 1})
    reached = set[str]()
    for _ in range(80):
        page.keyboard.press("Tab")
        reached |= set(page.evaluate(PLACES))
    assert reached >= {"a", "th button", "summary", ".scroll", ".csv", ".filter", ".key button"}


def test_a_step_opens_to_its_texts_side_by_side(page: Page) -> None:
    summary = page.locator("#lineage-s3 summary")
    summary.focus()
    page.keyboard.press("Enter")
    diff = page.locator("#lineage-s3 .diff")
    assert diff.is_visible()
    changed = diff.locator(".line", has=page.locator(".removed"))
    before, after = (changed.locator(each).bounding_box() for each in (".removed", ".added"))
    assert before is not None and after is not None
    assert before["y"] == after["y"] and before["x"] < after["x"]
    page.locator("#lineage-s4 summary").click()
    page.locator("#lineage-s4 a").first.click()
    assert page.url.endswith("#lineage-s3")


def test_the_theme_follows_the_system_until_the_reader_picks_one(page: Page) -> None:
    light, dark = list_variables("light"), list_variables("dark")
    assert read_colors(page) == [light["--ground"], light["--strategy"]]
    page.emulate_media(color_scheme="dark")
    wait_for_charts(page)
    assert read_colors(page) == [dark["--ground"], dark["--strategy"]]
    page.get_by_role("button", name="Light theme").click()
    wait_for_charts(page)
    assert read_colors(page) == [light["--ground"], light["--strategy"]]
    page.emulate_media(color_scheme="light")
    page.get_by_role("button", name="Dark theme").click()
    wait_for_charts(page)
    assert read_colors(page) == [dark["--ground"], dark["--strategy"]]
    page.get_by_role("button", name="Light theme").click()
    wait_for_charts(page)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_every_text_is_legible(page: Page, theme: str) -> None:
    page.evaluate("name => { document.documentElement.dataset.theme = name; }", theme)
    texts = page.locator("body *:not(:has(*)):not(svg *):not(script)").evaluate_all(TEXTS)
    assert len(texts) > 100
    low = [
        (text, round(ratio, 2))
        for text, color, ground in texts
        if (ratio := contrast(to_hex(color, theme), to_hex(ground, theme))) < MIN_TEXT_CONTRAST
    ]
    assert low == []


def test_a_phone_has_no_overlapping_labels_and_no_trapped_scroll(
    open_page: OpenPage, path: Path
) -> None:
    page = wait_for_charts(open_page(path, viewport=PHONE, has_touch=True, is_mobile=True))
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    assert page.locator("#equity .shape-label").all_text_contents() == []
    regions = page.locator('[data-block="equity"] .region').all_text_contents()
    assert regions[0] == "train" and "<script>" in regions[1]
    assert page.locator("#equity").evaluate("each => each.layout.dragmode") is False
    touch = page.locator("#equity .nsewdrag").evaluate("each => getComputedStyle(each).touchAction")
    assert touch == "pan-y"
    scrolls = page.locator("[data-block=trades] .scroll").evaluate(
        "each => each.scrollWidth > each.clientWidth"
    )
    assert scrolls


def read_column(page: Page, column: int) -> list[str]:
    """Read the cells of a column of the trades that are shown."""
    return page.locator(f"{TRADES_BLOCK} tbody td:nth-child({column + 1})").all_text_contents()


def read_colors(page: Page) -> list[str]:
    """Read the colours of the ground and of the line of the strategy."""
    found = page.evaluate(
        "() => [getComputedStyle(document.body).backgroundColor,"
        " document.querySelector('#equity .js-line').style.stroke]"
    )
    return [to_hex(each, "light") for each in found]


def to_hex(color: str, theme: str) -> str:
    """Convert a computed colour to `#rrggbb`; a translucent one is over the ground."""
    numbers = color[color.index("(") + 1 : -1].replace("srgb", "").replace("/", " ")
    parts = [float(each) for each in numbers.replace(",", " ").split()]
    scale = 255 if "srgb" in color else 1
    text = "#" + "".join(f"{round(each * scale):02x}" for each in parts[:3])
    ground = list_variables("dark" if theme == "dark" else "light")["--ground"]
    return blend(text, ground, parts[3]) if len(parts) > 3 else text
