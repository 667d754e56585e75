"""Difference between two sources."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from evolve.report.page.blocks import DiffLine
from evolve.report.page.diff import diff_sources

SOURCES = st.lists(st.sampled_from(["a", "b", "c", "", "}"]), max_size=8).map("\n".join)


@given(SOURCES, SOURCES)
def test_the_lines_joined_are_both_sources(before: str, after: str) -> None:
    lines = diff_sources(before, after)
    assert [each.before for each in lines if each.before is not None] == before.splitlines()
    assert [each.after for each in lines if each.after is not None] == after.splitlines()


@given(SOURCES)
def test_equal_sources_have_equal_lines(source: str) -> None:
    assert all(each.before == each.after for each in diff_sources(source, source))


def test_a_changed_line_is_beside_the_one_that_replaces_it() -> None:
    assert diff_sources("s {\n buy 1\n}", "s {\n buy 2\n stop 3\n}") == (
        DiffLine("s {", "s {"),
        DiffLine(" buy 1", " buy 2"),
        DiffLine(None, " stop 3"),
        DiffLine("}", "}"),
    )
