"""Lanes of a line of descent: every line ends at a step, and none crosses another step."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from evolve.report.html.lanes import Row, place_steps
from evolve.report.page.blocks import Step


@st.composite
def histories(draw: st.DrawFn) -> list[Step]:
    """Draw a line of descent in which every step but the last has a child."""
    count = draw(st.integers(1, 12))
    parents: list[set[int]] = [set() for _ in range(count)]
    for parent in range(count - 1):
        parents[draw(st.integers(parent + 1, count - 1))].add(parent)
        parents[draw(st.integers(parent + 1, count - 1))].add(parent)
    names = [tuple(map(str, sorted(each))) for each in parents]
    return [Step(str(index), "a", "seed", each, "") for index, each in enumerate(names)]


@given(histories())
def test_every_line_leads_from_a_parent_to_its_child(steps: list[Step]) -> None:
    rows = place_steps(steps)
    lane = {step.key: row.lane for step, row in zip(steps, rows, strict=True)}
    position = {step.key: index for index, step in enumerate(steps)}
    for step, row in zip(steps, rows, strict=True):
        assert row.parents == tuple(lane[parent] for parent in step.parents)
        for parent in step.parents:
            assert rows[position[parent]].has_child
            between = rows[position[parent] + 1 : position[step.key]]
            assert all(lane[parent] in each.passing for each in between)


@given(histories())
def test_no_line_passes_through_a_step(steps: list[Step]) -> None:
    assert all(row.lane not in row.passing for row in place_steps(steps))


def test_a_chain_is_one_lane() -> None:
    steps = [Step("a", "x", "seed", (), ""), Step("b", "x", "seed", ("a",), "")]
    assert place_steps(steps) == [Row(0, (), (), True), Row(0, (0,), (), False)]


def test_parents_outside_the_tree_have_no_line() -> None:
    assert place_steps([Step("b", "x", "seed", ("gone",), "")]) == [Row(0, (), (), False)]
