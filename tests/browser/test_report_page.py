"""Report of a real run in a browser: every section has its data, and no text is markup."""

from __future__ import annotations

import csv
import json
import re
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page

from evolve.experiment.run_view import read_view
from evolve.report.page.build import SECTIONS, build_page
from evolve.report.page.charts import Chart, Heatmap
from tests.browser.actions import PHONE, wait_for_charts
from tests.browser.conftest import OpenPage
from tests.browser.runs import ABOUT, SYMBOLS

pytestmark = pytest.mark.browser

DRAWN = """each => ({
  name: each.id,
  width: each.querySelector(".main-svg")?.getBoundingClientRect().width || 0,
  points: each.querySelectorAll(".points path, .point, .js-line, .js-fill, .hm image").length,
  text: each.closest("figure").querySelector("figcaption").textContent.trim(),
  label: each.getAttribute("aria-label"),
})"""


@pytest.fixture(scope="module")
def report(open_shared_page: OpenPage, hostile_run: Path) -> Page:
    return wait_for_charts(open_shared_page(hostile_run / "report.html"))


@pytest.fixture(scope="module")
def island(report: Page) -> dict[str, Any]:
    text = report.locator("#page-data").text_content()
    document: dict[str, Any] = json.loads(text or "")
    return document


def test_every_section_of_the_run_is_shown_with_data(report: Page, hostile_run: Path) -> None:
    page = build_page(read_view(hostile_run))
    names = report.locator("main > section").evaluate_all("all => all.map(each => each.id)")
    assert names == [each.name for each in page.sections]
    assert set(names) <= set(SECTIONS)
    for section in page.sections:
        shown = report.locator(f"section#{section.name}")
        assert shown.locator("h2").text_content() == section.title
        assert len((shown.text_content() or "").strip()) > len(section.title) + 10
        assert shown.locator("[data-block]").count() == sum(
            hasattr(each, "name") for each in section.blocks
        )
    links = report.locator("#toc a").all_text_contents()
    assert links == [each.title for each in page.sections]


def test_every_chart_is_drawn_with_points_and_has_a_text(report: Page, hostile_run: Path) -> None:
    page = build_page(read_view(hostile_run))
    charts = [
        block for section in page.sections for block in section.blocks
        if isinstance(block, (Chart, Heatmap))
    ]  # fmt: skip
    drawn = report.locator(".chart").evaluate_all(f"all => all.map({DRAWN})")
    assert [each["name"] for each in drawn] == [each.name for each in charts]
    for each, chart in zip(drawn, charts, strict=True):
        assert each["width"] > 300 and each["points"] > 0, each
        assert each["text"] == " ".join(chart.about.split()) or each["text"] == chart.about.strip()
        assert each["label"].startswith(chart.title)


def test_every_axis_has_a_title(report: Page, island: dict[str, Any]) -> None:
    for section in island["sections"]:
        for block in section["blocks"]:
            if block["kind"] == "chart":
                layout = block["figure"]["layout"]
                assert layout["xaxis"]["title"]["text"] and layout["yaxis"]["title"]["text"], block


def test_no_table_is_empty(report: Page) -> None:
    rows = report.locator("table").evaluate_all(
        "all => all.map(each => each.tBodies[0].rows.length)"
    )
    assert all(each > 0 for each in rows)


def test_headings_are_in_order(report: Page) -> None:
    levels = report.locator("h1, h2, h3, h4").evaluate_all(
        "all => all.map(each => Number(each.localName[1]))"
    )
    assert levels[0] == 1 and levels.count(1) == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))


def test_texts_of_the_run_are_texts(report: Page, island: dict[str, Any]) -> None:
    assert report.locator("main script, main img, main b").count() == 0
    text = json.dumps(island)
    for each in (SYMBOLS[0], ABOUT, "alert(3)", "alert(4)"):
        shown = each in (report.locator("main").text_content() or "")
        assert shown == (each in text), each


def test_names_are_unique(report: Page) -> None:
    names = report.locator("[id]").evaluate_all(
        "all => all.filter(each => !each.closest('svg, .plotly')).map(each => each.id)"
    )
    assert len(names) == len(set(names))


def test_a_phone_scrolls_the_page_in_one_direction(open_page: OpenPage, hostile_run: Path) -> None:
    page = open_page(hostile_run / "report.html", viewport=PHONE, has_touch=True, is_mobile=True)
    wait_for_charts(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    assert page.locator(".contents details").get_attribute("open") is None
    modes = page.locator(".chart").evaluate_all("all => all.map(each => each.layout.dragmode)")
    assert set(modes) <= {False}


def test_a_printed_report_is_light_and_has_every_chart(
    open_page: OpenPage, hostile_run: Path
) -> None:
    page = wait_for_charts(open_page(hostile_run / "report.html", color_scheme="dark"))
    charts = page.locator(".chart").count()
    page.emulate_media(media="print")
    page.wait_for_function("() => document.documentElement.dataset.theme === 'light'")
    widths = page.locator(".chart .main-svg:first-of-type").evaluate_all(
        "all => all.map(each => each.getBoundingClientRect().width)"
    )
    assert len(widths) >= charts and max(widths, default=0) <= 700
    assert page.locator(".contents").is_hidden()
    paper = page.pdf(format="A4", print_background=True)
    assert len(re.findall(rb"/Type\s*/Page\b", paper)) >= 1
    page.emulate_media(media="screen")
    page.wait_for_function("() => !document.documentElement.dataset.theme")


def test_the_rows_of_the_trades_are_downloaded(report: Page, island: dict[str, Any]) -> None:
    tables = [
        block for section in island["sections"] for block in section["blocks"]
        if block["kind"] == "table" and block["is_long"]
    ]  # fmt: skip
    for table in tables:
        with report.expect_download() as download:
            report.locator(f'[data-block="{table["name"]}"] .csv').click()
        rows = [*csv.reader(download.value.path().read_text("utf-8-sig").splitlines())]
        assert rows[0] == [each["heading"] for each in table["columns"]]
        assert len(rows) == len(table["rows"]) + 1
