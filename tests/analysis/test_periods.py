"""Years and drawdowns, against slow and plain code."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evolve.analysis.periods import largest_drawdowns, yearly_returns

CAPITAL = 100.0


def plain_drawdowns(equity: list[float]) -> list[tuple[float, int | None, int, int | None]]:
    """Depth, peak, trough and recovery of each fall, walked bar by bar."""
    found: list[tuple[float, int | None, int, int | None]] = []
    high, high_bar = CAPITAL, None
    lowest: tuple[float, int] | None = None
    for bar, worth in enumerate(equity):
        if worth >= high:
            if lowest is not None:
                found.append((lowest[0] / high - 1, high_bar, lowest[1], bar))
            high, high_bar, lowest = worth, bar, None
        elif lowest is None or worth < lowest[0]:
            lowest = (worth, bar)
    if lowest is not None:
        found.append((lowest[0] / high - 1, high_bar, lowest[1], None))
    return sorted(found, key=lambda each: (each[0], each[2]))[:10]


@given(st.lists(st.integers(0, 30), max_size=60))
def test_drawdowns_are_those_of_a_walk_bar_by_bar(steps: list[int]) -> None:
    equity = [90.0 + step for step in steps]
    found = largest_drawdowns(np.array(equity), CAPITAL)
    plain = plain_drawdowns(equity)
    assert [each.depth for each in found] == pytest.approx([each[0] for each in plain])
    assert [(each.trough, each.recovery) for each in found] == [
        (trough, recovery) for _, _, trough, recovery in plain
    ]
    for each, (_, peak, _, _) in zip(found, plain, strict=True):
        level = CAPITAL if peak is None else equity[peak]
        assert (CAPITAL if each.peak is None else equity[each.peak]) == level


@pytest.mark.parametrize(
    ("equity", "falls"),
    [
        ([], 0),
        ([100.0], 0),
        ([100.0, 110.0, 120.0], 0),
        ([90.0, 95.0], 1),
        ([110.0, 0.0, 0.0], 1),
        ([100.0, 99.0, 100.0, 98.0, 101.0, 97.0], 3),
    ],
)
def test_few_bars(equity: list[float], falls: int) -> None:
    assert len(largest_drawdowns(np.array(equity), CAPITAL)) == falls


def test_a_fall_from_the_capital_has_no_peak_bar() -> None:
    (fall,) = largest_drawdowns(np.array([90.0, 95.0, 100.0]), CAPITAL)
    assert (fall.peak, fall.trough, fall.recovery) == (None, 0, 2)
    assert fall.depth == pytest.approx(-0.1)


@given(st.lists(st.floats(0.5, 1.5), min_size=1, max_size=400))
def test_years_multiply_to_the_whole(steps: list[float]) -> None:
    equity = CAPITAL * np.cumprod(steps)
    time = np.datetime64("2018-11-05", "ns") + np.arange(len(steps)) * np.timedelta64(3, "D")
    years = yearly_returns(time, equity.astype(np.float64), CAPITAL)
    assert math.prod(1 + each for each in years.values()) == pytest.approx(equity[-1] / CAPITAL)
    assert list(years) == sorted({int(str(day)[:4]) for day in time})


def test_a_lost_account_earns_nothing_any_more() -> None:
    time = np.array(["2019-06-01", "2019-07-01", "2020-06-01"], "datetime64[ns]")
    assert yearly_returns(time, np.array([50.0, 0.0, 0.0]), CAPITAL) == {2019: -1.0, 2020: 0.0}
    assert yearly_returns(time[:0], np.empty(0), CAPITAL) == {}
