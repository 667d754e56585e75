"""Small tables in HTML, which notebooks show."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

from dsl.printable import make_printable


def render_table(title: str, headings: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Render a table with a caption; all texts are escaped.

    Args:
        title: the caption, in lines.
        headings: one per column.
        rows: texts of the cells; the first column is aligned to the left.
    """
    head = "".join(f"<th>{_escape(each)}</th>" for each in headings)
    body = "".join(
        "<tr>" + "".join(_render_cell(cell, column) for column, cell in enumerate(row)) + "</tr>"
        for row in rows
    )
    caption = "<br>".join(map(_escape, title.split("\n")))
    return (
        f'<table><caption style="text-align:left">{caption}</caption>'
        f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
    )


def _render_cell(text: str, column: int) -> str:
    align = "right" if column else "left"
    return f'<td style="text-align:{align}">{_escape(text)}</td>'


def _escape(text: str) -> str:
    return escape(make_printable(text))
