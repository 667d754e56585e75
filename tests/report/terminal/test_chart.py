"""Charts are plain text, within their width, for values of any shape."""

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

from evolve.report.terminal.chart import line_chart

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
NOT_FINITE: dict[str, Series] = {
    "no bars": np.empty(0),
    "one unknown bar": np.array([NAN]),
    "all unknown": np.full(50, NAN),
    "all infinite": np.full(50, np.inf),
    "one known bar of many": np.where(np.arange(6000) == 7, 2.0, NAN),
}


def days(count: int) -> NDArray[np.datetime64]:
    return np.datetime64("2020-01-01", "ns") + np.arange(count) * np.timedelta64(1, "D")


def draw(values: Series, width: int = 100, is_log: bool = False, title: str = "t") -> str:
    text = line_chart(days(len(values)), {"a": values}, title, is_log, width)
    assert "\x1b" not in text
    assert max(map(len, text.splitlines()), default=0) <= width
    assert all(line == line.rstrip() for line in text.splitlines())
    return text


@pytest.mark.parametrize("width", [20, 60, 80, 100, 200])
@pytest.mark.parametrize("shape", SHAPES)
def test_series_are_drawn_within_the_width(shape: str, width: int) -> None:
    values = SHAPES[shape]
    text = draw(values, width)
    assert len(text.splitlines()) <= 24
    if bool((values > 0).all()):
        draw(values, width, is_log=True)


@pytest.mark.parametrize("shape", NOT_FINITE)
def test_a_series_with_hardly_any_value_is_no_error(shape: str) -> None:
    draw(NOT_FINITE[shape])


@pytest.mark.parametrize("width", [1, 2, 5, 10])
def test_a_very_small_width_is_no_error(width: int) -> None:
    draw(STEPS, width)


@given(
    st.lists(
        st.none() | st.floats(allow_nan=False, min_value=-1e12, max_value=1e12),
        min_size=1, max_size=60,
    )
)  # fmt: skip
def test_random_values_never_raise(values: list[float | None]) -> None:
    series = np.array([NAN if each is None else each for each in values], np.float64)
    if np.isfinite(series).any():
        draw(series, 60)


@given(st.lists(st.floats(1e-6, 1e12), min_size=1, max_size=60), st.integers(30, 150))
def test_random_equity_on_a_log_scale_never_raises(values: list[float], width: int) -> None:
    draw(np.array(values), width, is_log=True)


def test_lines_have_names_and_different_markers() -> None:
    text = line_chart(days(50), {"strategy": STEPS, "buy and hold": STEPS[::-1]}, "equity")
    assert "•• strategy" in text
    assert "xx buy and hold" in text
    assert text.splitlines()[0].strip() == "equity"
    assert "2020-01-01" in text.splitlines()[-1]
    assert "2020-02-19" in text.splitlines()[-1]


def test_every_line_is_drawn_or_listed_as_omitted() -> None:
    """Draw eight lines, like `evolve eval close --plot` with eight symbols."""
    lines = {f"SYM{number}": STEPS + 5 * number for number in range(8)}
    text = line_chart(days(50), lines, "close")
    assert [name for name in lines if name not in text] == []


def test_a_line_without_values_does_not_affect_another() -> None:
    text = line_chart(days(50), {"a": STEPS, "b": np.full(50, NAN)}, "t")
    assert "49.0" in text


def test_a_single_outlier_is_drawn() -> None:
    """Draw one high bar of five thousand, such as the crash of one day."""
    values = np.ones(5000)
    values[2501] = 9.0
    assert "9.0" in draw(values)


def test_intraday_bars_have_their_time_of_day() -> None:
    hours = np.datetime64("2020-01-01T09:30", "ns") + np.arange(50) * np.timedelta64(1, "h")
    axis = line_chart(hours, {"a": STEPS}, "t").splitlines()[-1]
    assert re.search(r"2020-01-0\d \d\d:30", axis)
    assert "T" not in axis


SCRIPT = """
import numpy as np
from evolve.report.terminal.chart import line_chart
hours = np.datetime64("2020-01-01T09:30", "ns") + np.arange(50) * np.timedelta64(1, "h")
print(line_chart(hours, {"a": np.arange(50.0)}, "t").splitlines()[-1])
"""


def test_a_chart_is_deterministic_and_labels_both_ends() -> None:
    """Vary the hash seed, because no set may order the labels."""
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


def test_a_chart_does_not_depend_on_the_chart_before() -> None:
    line_chart(days(50), {"first": STEPS + 1, "other": STEPS + 2}, "one", is_log=True)
    second = draw(STEPS, title="two")
    assert "first" not in second
    assert "one" not in second
    assert second == draw(STEPS, title="two")


def test_a_long_title_is_wrapped() -> None:
    text = draw(STEPS, 60, title="close > sma(close, 20) and rsi(close, 14) < 30 or " * 3)
    assert "sma(close" in text
