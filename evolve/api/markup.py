"""Small tables in HTML, which notebooks show."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

from dsl.printable import make_printable


def render_table(title: str, headings: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Render a table with a caption; all texts are escaped.

    Args:
        title: the caption.
        headings: one per column; none for a table of texts, which are aligned to the left.
        rows: texts of the cells.
    """
    align = "right" if headings else "left"
    head = "".join(f"<th>{_escape(each)}</th>" for each in headings)
    body = "".join(
        f'<tr><td style="text-align:left">{_escape(first)}</td>'
        + "".join(f'<td style="text-align:{align}">{_escape(each)}</td>' for each in others)
        + "</tr>"
        for first, *others in rows
    )
    return (
        f'<table><caption style="text-align:left;white-space:nowrap">{_escape(title)}</caption>'
        f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
    )


def _escape(text: str) -> str:
    return escape(make_printable(text))
