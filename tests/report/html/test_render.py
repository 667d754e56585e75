"""Page as HTML: every block is shown, every figure is in the island, no text is markup."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from typing import Any

import pytest

from evolve.report.html.island import encode_json
from evolve.report.html.render import (
    encode_island,
    encode_update,
    mark_code,
    permit_breaks,
    render_page,
    render_sections,
)  # fmt: skip
from evolve.report.page.blocks import Page, Section, Text
from evolve.report.page.charts import Chart, Heatmap
from tests.report.html.sample_page import MARKUP, TRADES, make_page

MAX_MB = 8


class Elements(HTMLParser):
    """Tags, attributes and texts of a page."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str]] = []
        self.text = ""
        self.scripts: list[str] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(name, value or "") for name, value in attrs]

    def handle_data(self, data: str) -> None:
        if self.cdata_elem == "script":
            self.scripts.append(data)
        elif self.cdata_elem is None:
            self.text += data


@pytest.fixture(scope="module")
def html() -> str:
    return render_page(make_page())


def test_the_page_is_one_small_file_without_addresses_elsewhere(html: str) -> None:
    elements = Elements(html)
    assert len(html.encode()) < MAX_MB * 1e6
    assert elements.tags.count("script") == 3
    assert not [each for each in elements.attributes if each[0] == "src"]
    links = [value for name, value in elements.attributes if name == "href"]
    assert links and all(each.startswith(("#", "data:,")) for each in links)
    assert html.count("plotly.js v") == 1


def test_only_the_scripts_of_the_page_may_run(html: str) -> None:
    policy = re.search(r'http-equiv="Content-Security-Policy" content="([^"]*)"', html)
    assert policy is not None
    assert policy.group(1).count("'sha256-") == 2
    assert "unsafe-eval" not in policy.group(1)
    assert "connect-src 'none'" in policy.group(1)


def test_texts_from_outside_are_texts(html: str) -> None:
    elements = Elements(html)
    assert "b" not in elements.tags
    assert elements.text.count("<script>alert(1)</script>") >= 15
    assert "a.example" not in [value for name, value in elements.attributes if name == "href"]


def test_every_block_is_shown_with_its_text(html: str) -> None:
    elements = Elements(html)
    names = {value for name, value in elements.attributes if name == "data-block"}
    blocks = [block for section in make_page().sections for block in section.blocks]
    assert names == {each.name for each in blocks if not isinstance(each, Text)}
    assert [each for each in elements.tags if each in ("h1", "h2")] == ["h1", "h2", "h2", "h2"]
    charts = [each for each in blocks if isinstance(each, (Chart, Heatmap))]
    assert elements.tags.count("figcaption") == len(charts) == 5
    assert all(each.about in elements.text for each in charts)
    assert "PASS" in elements.text and "removed:" in elements.text and "-30.0%" in elements.text


def test_the_island_has_each_figure_once() -> None:
    text = encode_island(make_page())
    assert "<" not in text
    blocks = {block.get("name"): block for block in iterate_blocks(json.loads(text))}
    assert len(blocks["trades"]["rows"]) == TRADES
    assert blocks["trades"]["rows"][7][0] == MARKUP
    assert blocks["trades"]["rows"][3][3] is None
    assert blocks["gates"]["rows"][1][1] is None  # not a number
    assert blocks["equity"]["figure"]["data"][0]["y"][0] == 10_000
    assert text.count("10000.0,10100.0") == 1


def test_numbers_that_are_not_finite_are_null() -> None:
    assert encode_json([float("inf"), {"a": float("nan")}, (1.5,)]) == '[null,{"a":null},[1.5]]'


def test_an_update_has_the_sections_and_the_island() -> None:
    page = make_page()
    update = json.loads(encode_update(page))
    assert list(update) == ["title", "subtitle", "state", "sections", "island"]
    assert update["title"] == page.title
    assert update["island"] == json.loads(encode_island(page))
    assert [each["html"] for each in update["sections"]] == [
        each.html for each in render_sections(page)
    ]
    assert render_page(page).count(update["sections"][1]["html"]) == 1


def test_a_digest_changes_with_its_section_alone() -> None:
    page = make_page()
    grown = make_page(trades=TRADES + 1)
    pairs = zip(render_sections(page), render_sections(grown), strict=True)
    assert [before.digest == after.digest for before, after in pairs] == [True, True, False]
    assert [each.digest for each in render_sections(make_page())] == [
        each.digest for each in render_sections(page)
    ]


def test_a_digest_changes_with_a_figure_that_is_only_in_a_picture() -> None:
    page = make_page()
    equity = page.sections[1].blocks[0]
    assert isinstance(equity, Chart)
    moved = replace(equity, y=replace(equity.y, kind="linear"))
    section = replace(page.sections[1], blocks=(moved, *page.sections[1].blocks[1:]))
    before, after = (render_sections(Page("t", "s", "", (each,)))[0]
                     for each in (page.sections[1], section))  # fmt: skip
    assert before.html == after.html
    assert before.digest != after.digest


def test_a_page_of_a_server_names_its_stream() -> None:
    page = Page("t", "s", "running", (Section("a", "A", (Text("x"),)),))
    assert 'data-stream="/runs/a&#34;b"' in render_page(page, '/runs/a"b')
    assert "connect-src 'self'" in render_page(page, "/runs/a")
    assert "<body data-stream" not in render_page(page)


def test_a_page_without_a_run_has_no_state() -> None:
    html = render_page(Page("t", "s", "", (Section("a", "A", (Text("x"),)),)))
    assert re.search(r'id="state"[^>]* hidden>', html)


def iterate_blocks(document: Any) -> list[Any]:
    return [block for section in document["sections"] for block in section["blocks"]]


def test_what_is_between_backticks_is_code_and_the_rest_is_text() -> None:
    assert mark_code("a `b` <i> `<c>`") == ("a <code>b</code> &lt;i&gt; <code>&lt;c&gt;</code>")
    assert mark_code("one ` only") == "one ` only"


def test_a_line_of_code_breaks_after_its_brackets() -> None:
    assert permit_breaks("sma(ema(close, 3), 0.5) < a") == (
        "sma(<wbr>ema(<wbr>close, 3), 0.5) &lt; a"
    )
