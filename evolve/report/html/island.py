"""Every figure of a page as JSON: what a machine reads instead of the pictures."""

from __future__ import annotations

import json
import math
from dataclasses import asdict
from typing import Any

from evolve.report.html.figure import build_figure
from evolve.report.page.blocks import Block, Page, Section
from evolve.report.page.charts import Chart, Heatmap


def describe_page(page: Page) -> dict[str, Any]:
    """Describe a page and its blocks as a document of JSON."""
    return {
        "title": page.title,
        "subtitle": page.subtitle,
        "state": page.state,
        "sections": [describe_section(each) for each in page.sections],
    }


def describe_section(section: Section) -> dict[str, Any]:
    """Describe a section and its blocks as a document of JSON."""
    blocks = [_describe_block(each) for each in section.blocks]
    return {"name": section.name, "title": section.title, "blocks": blocks}


def encode_json(document: Any) -> str:
    """Encode a document as JSON that is safe inside a `script` element.

    Args:
        document: the document; numbers that are not finite become null.
    """
    text = json.dumps(
        _replace_infinite(document), allow_nan=False, ensure_ascii=False, separators=(",", ":")
    )
    return text.replace("<", "\\u003c")  # neither `</script>` nor `<!--` remains


def name_kind(block: Block) -> str:
    """Name the kind of a block: `table`, `chart`, `heatmap`, `text`, `code` or `tree`."""
    return type(block).__name__.lower()


def _describe_block(block: Block) -> dict[str, Any]:
    if isinstance(block, (Chart, Heatmap)):
        words = {"name": block.name, "title": block.title, "about": block.about}
        return {"kind": name_kind(block), **words, "figure": build_figure(block)}
    return {"kind": name_kind(block), **asdict(block)}


def _replace_infinite(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _replace_infinite(each) for name, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [_replace_infinite(each) for each in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
