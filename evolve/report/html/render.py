"""Page as one HTML file, which needs no network."""

from __future__ import annotations

import json
import re
from base64 import b64encode
from dataclasses import asdict, dataclass
from functools import cache
from hashlib import blake2b, sha256
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from evolve.report.html.cells import format_cell, list_numeric, list_short, list_wide
from evolve.report.html.data_table import tabulate_chart
from evolve.report.html.island import describe_page, describe_section, encode_json, name_kind
from evolve.report.html.lanes import place_steps
from evolve.report.html.palette import list_variables
from evolve.report.page.blocks import Page, Section

FOLDER = Path(__file__).parent / "assets"
BREAK = re.compile(r"([(.,])(?=[^\W\d])")
CODE = re.compile("`([^`\n]+)`")
STYLES = ("page.css", "blocks.css", "print.css")
SCRIPTS = ("theme.js", "zoom.js", "charts.js", "legend.js", "tables.js", "live.js", "page.js")
"""Files of each kind in the order in which the page has them."""


@dataclass(frozen=True)
class RenderedSection:
    """Section of a page as HTML.

    Attributes:
        name: its unique name.
        title: its heading.
        html: its heading and blocks, without the `section` element around them.
        digest: a hash of its contents, which changes with any of them.
    """

    name: str
    title: str
    html: str
    digest: str


def render_page(page: Page, stream: str = "") -> str:
    """Render a page as one HTML file.

    Args:
        page: the page.
        stream: address below which a server has `/events` and `/page.json` of a page that grows;
            empty for a page that does not change.
    """
    plotly, script = _read_plotly(), _read_assets(SCRIPTS)
    return _environment().get_template("page.html").render(
        page=page, sections=render_sections(page), stream=stream, island=encode_island(page),
        plotly=plotly, script=script, style=_read_assets(STYLES),
        light=list_variables("light"), dark=list_variables("dark"),
        hashes=[_hash_script(plotly), _hash_script(script)],
    )  # fmt: skip


def render_sections(page: Page) -> list[RenderedSection]:
    """Render the sections of a page, in reading order."""
    return [_render_section(each) for each in page.sections]


def encode_island(page: Page) -> str:
    """Encode every figure of a page as JSON that is safe inside a `script` element."""
    return encode_json(describe_page(page))


def encode_update(page: Page) -> str:
    """Encode a page as JSON with which an open page replaces the sections that changed.

    Returns:
        An object with `title`, `subtitle`, `state`, `sections` (`name`, `title`, `html`, `digest`)
        and `island`, the document of `encode_island`.
    """
    sections = json.dumps([asdict(each) for each in render_sections(page)])
    head = {"title": page.title, "subtitle": page.subtitle, "state": page.state}
    return f'{json.dumps(head)[:-1]}, "sections": {sections}, "island": {encode_island(page)}}}'


def _render_section(section: Section) -> RenderedSection:
    html = _environment().get_template("section.html").render(section=section)
    content = html + encode_json(describe_section(section))
    digest = blake2b(content.encode(), digest_size=8).hexdigest()
    return RenderedSection(section.name, section.title, html, digest)


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(FOLDER), autoescape=True, undefined=StrictUndefined,
        trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip
    environment.filters |= {
        "kind": name_kind, "tabulate": tabulate_chart, "place": place_steps,
        "cell": format_cell, "list_numeric": list_numeric, "list_wide": list_wide,
        "list_short": list_short, "words": mark_code, "breakable": permit_breaks,
    }  # fmt: skip
    return environment


def mark_code(text: str) -> Markup:
    """Escape a text, and mark what is between backticks as code."""
    return Markup(CODE.sub(r"<code>\1</code>", str(escape(text))))


def permit_breaks(code: str) -> Markup:
    """Escape code, and permit a new line after its brackets, dots and commas."""
    return Markup(BREAK.sub(r"\1<wbr>", str(escape(code))))


@cache
def _read_assets(names: tuple[str, ...]) -> str:
    return "\n".join((FOLDER / each).read_text("utf-8") for each in names)


@cache
def _read_plotly() -> str:
    from plotly.offline import get_plotlyjs

    return str(get_plotlyjs())


@cache
def _hash_script(text: str) -> str:
    """Hash an inline script as in a Content-Security-Policy, which then runs no other script."""
    return "sha256-" + b64encode(sha256(text.encode()).digest()).decode()
