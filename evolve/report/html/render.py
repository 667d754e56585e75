"""Page as one HTML file, which needs no network."""

from __future__ import annotations

import json
import math
from dataclasses import asdict
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from evolve.report.html.figure import build_figure
from evolve.report.html.palette import PALETTE
from evolve.report.page.blocks import Block, Page
from evolve.report.page.charts import Chart

FOLDER = Path(__file__).parent / "assets"


def render_page(page: Page) -> str:
    """Render a page as one HTML file."""
    return _environment().get_template("page.html").render(
        page=page, palette=PALETTE, island=encode_island(page), plotly=_read_plotly(),
        style=(FOLDER / "page.css").read_text("utf-8"),
        script=(FOLDER / "page.js").read_text("utf-8"),
    )  # fmt: skip


def encode_island(page: Page) -> str:
    """Encode every figure of a page as JSON that is safe inside a `script` element."""
    document = {
        "title": page.title,
        "subtitle": page.subtitle,
        "state": page.state,
        "sections": [
            {
                "name": each.name,
                "title": each.title,
                "blocks": [_describe_block(block) for block in each.blocks],
            }
            for each in page.sections
        ],
    }
    text = json.dumps(_replace_infinite(document), allow_nan=False, separators=(",", ":"))
    return text.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e")


def _describe_block(block: Block) -> dict[str, Any]:
    kind = type(block).__name__.lower()
    if isinstance(block, Chart):
        figure = build_figure(block)
        return {"kind": kind, "name": block.name, "title": block.title, "about": block.about,
                "figure": figure}  # fmt: skip
    return {"kind": kind, **asdict(block)}


def _replace_infinite(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _replace_infinite(each) for name, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [_replace_infinite(each) for each in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(FOLDER), autoescape=True, undefined=StrictUndefined,
        trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip
    environment.filters["kind"] = lambda block: type(block).__name__.lower()
    return environment


@cache
def _read_plotly() -> str:
    from plotly.offline import get_plotlyjs

    return str(get_plotlyjs())
