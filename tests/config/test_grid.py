"""Grids of runs: lists and ranges of values, and their errors."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evolve.config.document import read_document
from evolve.config.grid import MAX_POINTS, parse_grid
from evolve.errors import EvolveError

VALUES = st.one_of(
    st.integers(-99, 99).map(str),
    st.from_regex(r"[a-z][a-z0-9_:?&=]{0,8}", fullmatch=True),
    st.sampled_from(["[1,2]", "{a: 1, b: 2}", "'a, b'", '"a, b"', "f(x, 1) < 2", "0.5", "null"]),
)
AXES = st.lists(st.lists(VALUES, min_size=1, max_size=4, unique=True), min_size=1, max_size=4)


@given(AXES)
def test_the_grid_is_the_product_in_the_order_that_is_given(axes: list[list[str]]) -> None:
    grid = parse_grid([f"s{i}.x={','.join(values)}" for i, values in enumerate(axes)])
    points = list(grid.iterate_points())
    assert len(points) == len(set(points)) == len(grid) == math.prod(map(len, axes))
    for index, values in enumerate(axes):
        stride = math.prod(map(len, axes[index + 1 :]))
        expected = [values[n // stride % len(values)] for n in range(len(points))]
        assert [each[index] for each in points] == [f"s{index}.x={value}" for value in expected]
    assert [each.setting for each in grid.varied] == [
        f"s{i}.x" for i, values in enumerate(axes) if len(values) > 1
    ]


@given(st.integers(-50, 50), st.integers(0, 60), st.integers(1, 9))
def test_a_range_has_its_ends_and_its_step(first: int, length: int, step: int) -> None:
    last = first + length
    (axis,) = parse_grid([f"seed={first}..{last}..{step}"]).axes
    assert list(map(int, axis.values)) == list(range(first, last + 1, step))
    assert parse_grid([f"seed={first}..{last}"]).axes[0].values[-1] == str(last)


@given(st.text(alphabet="ab1.,-[](){}'\" ", max_size=14))
def test_any_values_are_a_grid_of_unique_values_or_an_error(text: str) -> None:
    try:
        (axis,) = parse_grid([f"a={text}"]).axes
    except EvolveError as error:
        assert "--set" in str(error) or "at most" in str(error)
        return
    assert len(set(axis.values)) == len(axis.values) >= 1
    assert all(each for each in axis.values) or len(axis.values) == 1


def test_ranges_and_values_mix_and_a_path_with_dots_is_a_value() -> None:
    (seeds, paths) = parse_grid(["seed=1..3,10", "start_from=../a.evo,b..c.evo"]).axes
    assert seeds.values == ("1", "2", "3", "10")
    assert paths.values == ("../a.evo", "b..c.evo")
    assert parse_grid(["budget.minutes="]).axes[0].values == ("",)
    assert len(parse_grid([])) == 1


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (["seed=5..1"], "empty range `5..1`\n  = write 1..5"),
        (["seed=1..9..0"], "expected a step of at least 1, found `0`"),
        (["x=0.1..0.5"], "expected whole numbers in a range, found `0.1..0.5`"),
        (["seed=1,,2"], "empty value"),
        (["seed=1,"], "empty value"),
        (["seed=1,2,1"], "duplicate value `1`"),
        (["seed=1..3,2"], "duplicate value `2`"),
        (["seed=1", "seed=2"], "duplicate `seed`"),
        (["seed"], "expected NAME=VALUE"),
        (["a=[1,2"], "expected a closing `]`"),
        (["a='1,2"], "expected a closing `'`"),
        (["seed=1..10001"], f"expected at most {MAX_POINTS:,} runs, found 10,001"),
        (["seed=1..1000000000000"], "expected at most"),
        (["seed=1..101", "search.population=1..100"], "found 10,100"),
    ],
)
def test_an_invalid_grid_is_refused(settings: list[str], message: str) -> None:
    with pytest.raises(EvolveError) as caught:
        parse_grid(settings)
    assert message in f"{caught.value.message}\n  = {caught.value.hint}"


@given(VALUES)
def test_a_value_is_one_of_yaml(value: str) -> None:
    (axis,) = parse_grid([f"a={value}"]).axes
    assert read_document(axis.values[0], "x").data == read_document(value, "x").data
