"""Names that wrap: under an indent, and without a lost character."""

from __future__ import annotations

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console
from rich.text import Text

from evolve.report.terminal.fitting_table import blank_table, format_text
from evolve.report.terminal.hanging import INDENT, MIN_TEXT_WIDTH, Hanging
from evolve.report.terminal.run_summary import format_line
from evolve.report.terminal.tables import metrics_table

PATH = "csv:/data/" + "a" * 70 + ".csv"
WORDS = st.lists(st.text("abc/.", min_size=1, max_size=50), min_size=1, max_size=12)


def render(each: object, width: int) -> list[str]:
    out = io.StringIO()
    Console(file=out, width=width, color_system=None).print(each)
    return [line.rstrip() for line in out.getvalue().splitlines()]


@given(WORDS, st.integers(20, 100))
def test_no_line_is_longer_than_the_terminal_and_nothing_is_lost(
    words: list[str], width: int
) -> None:
    lines = render(format_line("data", " ".join(words)), width)
    assert all(len(line) <= width for line in lines)
    assert "".join("".join(lines).split()) == "data" + "".join(words)
    assert lines[0].startswith("data  ")
    assert all(line.startswith(" " * 6) and line[6] != " " for line in lines[1:])


def test_a_text_that_fits_is_one_line() -> None:
    assert render(Hanging("one line"), 8) == ["one line"]
    assert render(format_line("by", "x" * 74), 80) == [f"by    {'x' * 74}"]


def test_a_terminal_without_room_for_an_indent_has_none() -> None:
    lines = render(format_line("data", "abc def ghi jkl"), MIN_TEXT_WIDTH)
    assert lines == ["data", "abc def", "ghi jkl"]


def test_a_leading_space_is_part_of_the_indent() -> None:
    lines = render(Hanging("  part of a rule"), 12)
    assert lines == ["  part", "    of a", "    rule"]


def test_control_characters_are_shown() -> None:
    assert render(Hanging("a\x1b[31mb"), 40) == ["a\\x1b[31mb"]


@pytest.mark.parametrize("name", [PATH, "model with spaces in its name: " + "task " * 12])
def test_a_name_in_a_table_wraps_and_its_figures_do_not(name: str) -> None:
    table = blank_table()
    table.add_column("name", overflow="fold")
    table.add_column("figure", justify="right", no_wrap=True)
    table.add_row(format_text(name), "1,234,567")
    table.add_row(format_text("short"), "8")
    lines = render(table, 60)[2:]
    assert lines[0].endswith("1,234,567")
    assert lines[-1].startswith("short")
    assert all(line.startswith(" " * INDENT) for line in lines[1:-1])
    shown = lines[0].removesuffix("1,234,567") + "".join(lines[1:-1])
    assert "".join(shown.split()) == "".join(name.split())


def test_a_long_heading_wraps_instead_of_the_figures() -> None:
    figures = {"total_return": 1234.5, "sharpe": 1.23}
    table = metrics_table({"a" * 64: figures, "b" * 64: figures}, list(figures))
    lines = render(table, 80)
    assert all(len(line) <= 80 for line in lines)
    assert any(line.split()[-2:] == ["123450.0%"] * 2 for line in lines)


def test_styles_continue_in_the_lines_after_the_first() -> None:
    text = Text.assemble("plain ", ("bold words that wrap", "bold"))
    out = io.StringIO()
    Console(file=out, width=20, force_terminal=True, color_system="standard").print(Hanging(text))
    assert out.getvalue().splitlines()[1].startswith("  \x1b[1m")
