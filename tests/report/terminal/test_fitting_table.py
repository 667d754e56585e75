"""Tables on terminals that are too narrow for them: lists with all figures."""

from __future__ import annotations

import io
import re

import pytest
from rich.console import Console
from rich.table import Table

from evolve.report.terminal.fitting_table import blank_table, format_text

HEADINGS = ("total\nreturn", "sharpe", "max_drawdown", "trades")
ROWS = [("AAPL", "1641.6%", "1.02", "-73.0%", "145"), ("B" * 30, "-2.5%", "0.15", "–", "59")]


def build() -> Table:
    table = blank_table("by symbol")
    table.add_column("symbol", overflow="fold")
    for heading in HEADINGS:
        table.add_column(heading, justify="right", no_wrap=True)
    for name, *cells in ROWS:
        table.add_row(format_text(name), *cells)
    return table


def render(width: int) -> list[str]:
    out = io.StringIO()
    Console(file=out, width=width, color_system=None).print(build())
    return [line.rstrip() for line in out.getvalue().splitlines()]


@pytest.mark.parametrize("width", range(20, 120, 4))
def test_every_figure_is_whole_at_every_width(width: int) -> None:
    lines = render(width)
    assert all(len(line) <= width for line in lines)
    text = " ".join(lines)
    for _, *cells in ROWS:
        for cell in cells:
            assert re.search(rf"(?<!\S){re.escape(cell)}(?=[\s,]|$)", text), cell


def test_a_narrow_terminal_gets_a_line_for_each_row_and_a_wide_one_the_table() -> None:
    narrow, wide = render(38), render(80)
    assert narrow[:4] == [
        "",
        "by symbol",
        "AAPL: total return 1641.6%, sharpe",
        "  1.02, max_drawdown -73.0%, trades",
    ]
    assert any("─" * 20 in line for line in wide)
    assert not any("─" in line for line in narrow)


@pytest.mark.parametrize("gap", [1, 2, 3])
@pytest.mark.parametrize("count", [1, 3, 9])
def test_a_table_is_a_list_if_and_only_if_a_cell_would_wrap(count: int, gap: int) -> None:
    name, figure = "crossover", "123456"
    table = blank_table(gap=gap)
    table.add_column("by", overflow="fold")
    for _ in range(count):
        table.add_column("n", no_wrap=True)
    table.add_row(format_text(name), *[figure] * count)
    needed = len(name) + count * (gap + len(figure))
    for width in (needed - 1, needed, needed + 1):
        out = io.StringIO()
        Console(file=out, width=width, color_system=None).print(table)
        assert ("─" in out.getvalue()) == (width >= needed)
        assert out.getvalue().split().count(name) == (width >= needed)


def test_a_row_without_a_name_begins_with_its_figures() -> None:
    table = blank_table()
    for heading in ("", "a long heading", "b"):
        table.add_column(heading, no_wrap=True)
    table.add_row("", "12345", "1")
    table.add_row("name", "", "")
    out = io.StringIO()
    Console(file=out, width=10, color_system=None).print(table)
    assert out.getvalue().split() == ["a", "long", "heading", "12345,", "b", "1", "name"]
