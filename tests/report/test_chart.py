"""A chart of anything: plain text, no wider than asked for, and never a traceback."""

from __future__ import annotations

import os
import re
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from evolve.report.chart import line_chart

Series = NDArray[np.float64]

NAN = np.nan
STEPS: Series = np.arange(50.0)
SHAPES: dict[str, Series] = {
    "one bar": np.array([5.0]),
    "two bars": np.array([1.0, 2.0]),
    "constant": np.full(50, 7.0),
    "zero": np.zeros(50),
    "below zero": -STEPS - 1,
    "most bars unknown": np.where(STEPS % 9 == 0, STEPS, NAN),
    "one bar known": np.where(STEPS == 20, 3.0, NAN),
    "an infinite bar": np.where(STEPS == 7, np.inf, STEPS),
    "huge": STEPS * 1e300,
    "tiny": STEPS * 1e-300,
    "hardly moving": 1e6 + STEPS * 1e-9,
    "many bars": np.arange(6000.0),
}
UNKNOWN: dict[str, Series] = {
    "no bars": np.empty(0),
    "one unknown bar": np.array([NAN]),
    "all unknown": np.full(50, NAN),
    "all infinite": np.full(50, np.inf),
    "known where no sample is taken": np.where(np.arange(6000) == 7, 2.0, NAN),
}


def days(count: int) -> NDArray[np.datetime64]:
    return np.datetime64("2020-01-01", "ns") + np.arange(count) * np.timedelta64(1, "D")


def drawn(values: Series, width: int = 100, is_log: bool = False, title: str = "t") -> str:
    text = line_chart(days(len(values)), {"a": values}, title, is_log, width)
    assert "\x1b" not in text
    assert max(map(len, text.splitlines()), default=0) <= width
    assert all(line == line.rstrip() for line in text.splitlines())
    return text


@pytest.mark.parametrize("width", [20, 60, 80, 100, 200])
@pytest.mark.parametrize("shape", SHAPES)
def test_shapes_are_drawn_within_the_width(shape: str, width: int) -> None:
    values = SHAPES[shape]
    text = drawn(values, width)
    assert len(text.splitlines()) <= 24
    if bool((values > 0).all()):
        drawn(values, width, is_log=True)


@pytest.mark.parametrize("shape", UNKNOWN)
def test_what_has_nothing_to_draw_is_no_fault(shape: str) -> None:
    drawn(UNKNOWN[shape])


@pytest.mark.parametrize("width", [1, 2, 5, 10])
def test_hardly_any_room_is_no_fault(width: int) -> None:
    drawn(STEPS, width)


@given(
    st.lists(
        st.none() | st.floats(allow_nan=False, min_value=-1e12, max_value=1e12),
        min_size=1, max_size=60,
    )
)  # fmt: skip
def test_random_values_never_raise(values: list[float | None]) -> None:
    made = np.array([NAN if each is None else each for each in values], np.float64)
    if np.isfinite(made).any():
        drawn(made, 60)


@given(st.lists(st.floats(1e-6, 1e12), min_size=1, max_size=60), st.integers(30, 150))
def test_random_equity_on_a_log_scale_never_raises(values: list[float], width: int) -> None:
    drawn(np.array(values), width, is_log=True)


def test_lines_are_named_and_differ() -> None:
    text = line_chart(days(50), {"strategy": STEPS, "buy and hold": STEPS[::-1]}, "equity")
    assert "•• strategy" in text
    assert "xx buy and hold" in text
    assert text.splitlines()[0].strip() == "equity"
    assert "2020-01-01" in text.splitlines()[-1]
    assert "2020-02-19" in text.splitlines()[-1]


def test_every_line_is_drawn_or_reported_as_left_out() -> None:
    """`evolve eval close --data …` of eight symbols with `--plot`."""
    lines = {f"SYM{number}": STEPS + 5 * number for number in range(8)}
    text = line_chart(days(50), lines, "close")
    assert [name for name in lines if name not in text] == []


def test_a_line_without_a_value_beside_one_with_values() -> None:
    text = line_chart(days(50), {"a": STEPS, "b": np.full(50, NAN)}, "t")
    assert "49.0" in text


def test_a_single_bar_that_stands_out_is_drawn() -> None:
    """A condition that holds on one bar of five thousand; the crash of one day."""
    values = np.ones(5000)
    values[2501] = 9.0
    assert "9.0" in drawn(values)


def test_hours_have_their_time_of_day() -> None:
    hours = np.datetime64("2020-01-01T09:30", "ns") + np.arange(50) * np.timedelta64(1, "h")
    axis = line_chart(hours, {"a": STEPS}, "t").splitlines()[-1]
    assert re.search(r"2020-01-0\d \d\d:30", axis)
    assert "T" not in axis


SCRIPT = """
import numpy as np
from evolve.report.chart import line_chart
hours = np.datetime64("2020-01-01T09:30", "ns") + np.arange(50) * np.timedelta64(1, "h")
print(line_chart(hours, {"a": np.arange(50.0)}, "t").splitlines()[-1])
"""


def test_the_same_bars_make_the_same_chart_and_name_both_ends() -> None:
    """Whatever Python's random hash seed is: no set may order the labels."""
    axes = []
    for seed in ("0", "1", "2"):
        environment = {**os.environ, "PYTHONHASHSEED": seed}
        done = subprocess.run(
            [sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=True,
            env=environment,
        )  # fmt: skip
        axes.append(done.stdout)
    assert len(set(axes)) == 1, axes
    assert "2020-01-01 09:30" in axes[0]
    assert "2020-01-03 10:30" in axes[0]


def test_a_second_chart_knows_nothing_of_the_first() -> None:
    line_chart(days(50), {"first": STEPS + 1, "other": STEPS + 2}, "one", is_log=True)
    again = drawn(STEPS, title="two")
    assert "first" not in again
    assert "one" not in again
    assert again == drawn(STEPS, title="two")


def test_a_title_wider_than_the_chart_is_not_lost() -> None:
    """`evolve eval EXPR --plot` has EXPR above it."""
    text = drawn(STEPS, 60, title="close > sma(close, 20) and rsi(close, 14) < 30 or " * 3)
    assert "sma(close" in text
